// The Claude Agent SDK with the real client; argv: the client, the workspace, and the words of the hook. The model is in the environment.
import { query } from "@anthropic-ai/claude-agent-sdk";
import { askHook, preToolUse } from "./policy_gate.js";

const [client, cwd, ...words] = process.argv.slice(2);
const hooks = { PreToolUse: [{ hooks: [preToolUse(words)] }] };
const options = { hooks, cwd, settingSources: [], permissionMode: "acceptEdits", pathToClaudeCodeExecutable: client };
for await (const _ of query({ prompt: "go", options })) {
}
const call = { hook_event_name: "PreToolUse", tool_name: "TodoWrite", tool_input: { todos: [] }, cwd };
const faults = [];
for (const bad of [["/nowhere"], ["/bin/true"], ["/bin/false"], ["/bin/sh", "-c", "echo {}"], ["/bin/sh", "-c", "yes"], ["/bin/sleep", "9"]]) {
  faults.push((await askHook(bad, call, 1)).allowed);
}
process.stdout.write(JSON.stringify({ faults, honest: (await askHook(words, call)).allowed }), () => process.exit(0));
