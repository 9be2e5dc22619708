// An agent of the OpenAI Agents SDK whose model reads from a script; argv: socket, workspace. Prints what its tools did.
import { Agent, Runner, Usage, setTracingDisabled, tool } from "@openai/agents";
import { z } from "zod";
import { askService, guarded } from "./policy_gate.js";

setTracingDisabled(true);
const [socket, workspace] = process.argv.slice(2);
const done = [];
const outputs = [];
const readFile = tool({
  name: "read_file",
  description: "d",
  parameters: z.object({ path: z.string() }),
  execute: async ({ path }) => (done.push(path), "text"),
});
const meaning = (given) => ({ action: "read", resource: given.path, workspace, cwd: workspace, home: "/home/agent" });
const calls = ['{"path":"src/app.ts"}', '{"path":".env"}', '{"path":"/etc/passwd"}', "{"];
const left = calls[Symbol.iterator]();
const model = {
  async getResponse(request) {
    if (Array.isArray(request.input)) {
      outputs.splice(0, outputs.length, ...request.input.filter((i) => i.type === "function_call_result").map((i) => JSON.stringify(i.output)));
    }
    const { value, done: over } = left.next();
    const item = over
      ? { type: "message", role: "assistant", status: "completed", content: [{ type: "output_text", text: "done" }] }
      : { type: "function_call", callId: `c${Math.random()}`, name: "read_file", status: "completed", arguments: value };
    return { usage: new Usage(), output: [item] };
  },
  getStreamedResponse() {
    throw new Error("not asked for");
  },
};
const ask = (question) => askService(socket, question);
const agent = new Agent({ name: "a", model, tools: [guarded(readFile, meaning, ask)] });
await new Runner({ tracingDisabled: true }).run(agent, "go");
const gone = await askService("/nowhere.sock", { action: "read", resource: "src/app.ts" });
const nothing = await askService(socket, { action: "read" });
process.stdout.write(JSON.stringify({ done, outputs, gone, nothing }), () => process.exit(0));
