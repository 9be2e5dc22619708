// Gemini CLI's PolicyEngine: {commands, prefixes: [[decision, prefix]]} on standard input, `allow` or another answer for each.
import { readFileSync } from "node:fs";

const at = "./node_modules/@google/gemini-cli-core/dist/src/";
const { PolicyEngine } = await import(at + "policy/policy-engine.js");
const { buildArgsPatterns } = await import(at + "policy/utils.js");
const { initializeShellParsers } = await import(at + "utils/shell-utils.js");

await initializeShellParsers();
const { commands, prefixes } = JSON.parse(readFileSync(0, "utf8"));
const rules = prefixes.map(([decision, prefix]) => ({
  toolName: "run_shell_command",
  argsPattern: new RegExp(buildArgsPatterns(undefined, prefix)[0]),
  decision: decision === "allow" ? "allow" : "deny",
  priority: decision === "allow" ? 1 : 2,
}));
const engine = new PolicyEngine({ rules, defaultDecision: "ask_user" });
const began = process.hrtime.bigint();
const answers = [];
for (const command of commands) {
  const found = await engine.check({ name: "run_shell_command", args: { command, dir_path: process.argv[2] } }, undefined);
  answers.push(found.decision);
}
console.log(JSON.stringify({ answers, us: Number(process.hrtime.bigint() - began) / 1000 / commands.length }));
