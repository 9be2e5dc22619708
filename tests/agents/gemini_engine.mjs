// What the policy engine of Gemini CLI decides: a job on standard input, a list of decisions in the last line of the output.
//
// `node gemini_engine.mjs FOLDER`, where FOLDER is the installed @google/gemini-cli-core. HOME has the policies, the
// folder that this is started in is the workspace. Nothing is run, and nobody is asked.

import { readFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const inside = (name) => import(pathToFileURL(path.join(process.argv[2], "dist/src/policy", name)));
const { createPolicyEngineConfig } = await inside("config.js");
const { PolicyEngine } = await inside("policy-engine.js");

const job = JSON.parse(readFileSync(0, "utf8"));
const engine = new PolicyEngine(await createPolicyEngineConfig(job.settings, "default"));
const decisions = [];
for (const { name, args, server } of job.calls) {
  const { decision } = await engine.check({ name, args }, server);
  decisions.push(decision);
}
process.stdout.write(`\n${JSON.stringify(decisions)}`);
