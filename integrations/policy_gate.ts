// Agents built with an SDK for TypeScript ask policy_lang before each call of a tool. Copy this file into your program;
// it needs nothing but Node. Whatever fails is a denial. docs/how-to/hold-an-agent-sdk.md says how it is used.

import { spawn } from "node:child_process";
import { lstatSync } from "node:fs";
import { request } from "node:http";

export type Answer = { allowed: boolean; reason: string };
export type Question = { action: string; resource: string | string[]; [field: string]: unknown };

const MOST_BYTES = 16 * 1024 * 1024;
const denied = (why: string): Answer => ({ allowed: false, reason: why.startsWith("denied") ? why : `denied: ${why}` });

/** Ask by the hook program, as the client's own settings would: `words` start it, `payload` is the hook's input. */
export function askHook(words: string[], payload: unknown, seconds = 10): Promise<Answer> {
  return new Promise((settle) => {
    let out = "";
    let err = "";
    let stop = (why: string): void => settle(denied(why));
    try {
      const input = JSON.stringify(payload);
      const hook = spawn(words[0], words.slice(1), { env: { HOME: process.env.HOME, PATH: "/usr/local/bin:/usr/bin:/bin" } });
      const alarm = setTimeout(() => stop("the hook did not answer in time"), seconds * 1000);
      const end = (answer: Answer): void => (clearTimeout(alarm), settle(answer));
      stop = (why) => {
        end(denied(why));
        hook.kill("SIGKILL");
        hook.stdout.destroy();
        hook.stderr.destroy();
      };
      hook.on("error", () => stop("the hook could not be started"));
      hook.stdin.on("error", () => undefined);
      hook.stdout.setEncoding("utf8").on("data", (data: string) => {
        out += data;
        if (out.length > MOST_BYTES) stop("the hook's answer is too long");
      });
      hook.stderr.setEncoding("utf8").on("data", (data: string) => (err += err.length < 8192 ? data : ""));
      hook.on("close", (code) => {
        if (code !== 0) return end(denied(err.trim() || `the hook ended with ${code}`));
        try {
          const said = JSON.parse(out).hookSpecificOutput;
          const allowed = said.permissionDecision === "allow";
          end({ allowed, reason: String(said.permissionDecisionReason) });
        } catch {
          end(denied("the hook's answer is not valid"));
        }
      });
      hook.stdin.end(input);
    } catch (error) {
      stop(String(error));
    }
  });
}

/** Ask the service at its socket, which must be yours or root's: `question` is a request in its JSON form. */
export function askService(socketPath: string, question: Question, token = "", seconds = 2): Promise<Answer> {
  return new Promise((settle) => {
    try {
      const found = lstatSync(socketPath);
      if (!found.isSocket() || ![0, process.geteuid?.()].includes(found.uid)) {
        return settle(denied("the service's socket is not yours or root's"));
      }
      const body = JSON.stringify(question);
      const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body), ...(token && { authorization: `Bearer ${token}` }) };
      const call = request({ socketPath, method: "POST", path: "/v1/decide", headers, agent: false }, (reply) => {
        let text = "";
        reply.setEncoding("utf8").on("data", (data: string) => {
          text += data;
          if (text.length > MOST_BYTES) call.destroy(new Error("the service's answer is too long"));
        });
        reply.on("error", (error) => settle(denied(error.message)));
        reply.on("close", () => settle(denied("the service's answer is not whole")));
        reply.on("end", () => {
          try {
            const said = JSON.parse(text);
            const allowed = reply.statusCode === 200 && said.effect === "allow" && said.obligations.every((o: unknown) => o === "log");
            settle({ allowed, reason: `${allowed ? "allowed" : "denied"} by policy: ${(said.reasons ?? [said.error?.message]).join("; ")}` });
          } catch {
            settle(denied("the service's answer is not valid"));
          }
        });
      });
      const alarm = setTimeout(() => {
        settle(denied("the service did not answer in time"));
        call.destroy();
      }, seconds * 1000);
      call.on("error", (error) => settle(denied(error.message)));
      call.on("close", () => clearTimeout(alarm));
      call.end(body);
    } catch (error) {
      settle(denied(String(error)));
    }
  });
}

/** Claude Agent SDK: a hook for `options.hooks.PreToolUse`, without a matcher. Name the workspace in `words`. */
export function preToolUse(words: string[], seconds = 10) {
  return async (input: unknown, _toolUseID?: string, _options?: unknown) => {
    const { allowed, reason } = await askHook(words, input, seconds);
    const permissionDecision: "allow" | "deny" = allowed ? "allow" : "deny";
    return {
      hookSpecificOutput: { hookEventName: "PreToolUse" as const, permissionDecision, permissionDecisionReason: reason },
    };
  };
}

type Invoked = { type: string; name: string; invoke: (context: any, input: string, details?: any) => Promise<any> };

/** OpenAI Agents SDK: the same function tool, each call of which is decided first. `meaning` says what its arguments ask. */
export function guarded<T extends Invoked>(tool: T, meaning: (given: any) => Question, ask: (q: Question) => Promise<Answer>): T {
  if (tool.type !== "function") throw new TypeError(`\`${tool.name}\` is not a function tool: its calls cannot be held from here`);
  const invoke: Invoked["invoke"] = async (context, input, details) => {
    let answer: Answer;
    try {
      answer = await ask(meaning(JSON.parse(input)));
    } catch (error) {
      answer = denied(String(error));
    }
    return answer.allowed === true ? tool.invoke(context, input, details) : answer.reason;
  };
  return { ...tool, invoke };
}
