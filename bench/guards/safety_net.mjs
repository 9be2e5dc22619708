// cc-safety-net: commands on standard input as a JSON list, `allow` or `deny` for each on standard output.
import { checkCommand } from "cc-safety-net/api";
import { readFileSync } from "node:fs";

const commands = JSON.parse(readFileSync(0, "utf8"));
const began = process.hrtime.bigint();
const answers = commands.map((command) => checkCommand({ command, cwd: process.argv[2] }).kind);
console.log(JSON.stringify({ answers, us: Number(process.hrtime.bigint() - began) / 1000 / commands.length }));
