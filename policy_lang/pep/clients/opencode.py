"""opencode's plugin hook `tool.execute.before`, by a plugin of ours (tried with 1.18.33).

A plugin denies by throwing. It is a file that is ours alone: it starts the hook, and throws unless the hook says in so
many words that the call is allowed.
"""

from __future__ import annotations

from ...domain import strict_json
from ...domain.actions import ALLOW
from ..content import edited, whole
from ..payload import (
    HookContext,
    absolute,
    edit,
    known,
    listing,
    mcp_call,
    operation,
    patch,
    search_of_everything,
    stays_below,
    table,
    text,
)
from ..questions import HookQuestion, Outcome, RefusedError
from .base import HookClient, RehearsalProtocol, SettingsForm, chat_reply

_HARMLESS = {
    "invalid": "tool error", "plan_enter": "", "plan_exit": "", "question": "questions", "todoread": "", "todowrite": "todos",
}  # fmt: skip
"""Tools that touch nothing but the conversation. `invalid` stands for a call that the model got wrong."""
_OPERATIONS = frozenset(
    {"batch", "codesearch", "lsp", "skill", "task", "websearch", "list_mcp_resources", "read_mcp_resource"}
)
"""Agents, whose own calls are asked about; skills, searches at providers, and what calls other tools unasked (`batch`)."""
_TOOLS = {
    "bash": "command timeout workdir description",
    "read": "filePath offset limit", "write": "filePath content",
    "edit": "filePath oldString newString replaceAll", "multiedit": "filePath edits",
    "apply_patch": "patchText", "glob": "pattern path", "grep": "pattern path include", "list": "path ignore",
    "webfetch": "url format timeout",
}  # fmt: skip


def questions(payload: dict[str, object], context: HookContext) -> list[HookQuestion]:
    """The questions about a call; none for a harmless one. Raises RefusedError when it is not understood."""
    tool, given = text(payload, "tool_name"), table(payload, "tool_input")
    server = _server(tool, payload.get("mcp_servers", []))
    if server:
        return [mcp_call(f"mcp__{server}__{tool[len(server) + 1 :]}", given)]
    if tool in _HARMLESS:
        known(tool, given, _HARMLESS[tool], context)
        return []
    if tool not in _TOOLS:
        return [operation("opencode", tool, given)]
    known(tool, given, _TOOLS[tool], context)
    if tool == "bash":
        return [HookQuestion("run", text(given, "command"), cwd=_place(text(given, "workdir", "."), context))]
    if tool == "read":
        return [HookQuestion("read", _place(text(given, "filePath"), context))]
    if tool in {"write", "edit", "multiedit"}:
        place = _place(text(given, "filePath"), context)
        return [HookQuestion("write", place, content=_written(tool, given))]
    if tool == "apply_patch":
        return [patch(text(given, "patchText"))]
    if tool == "webfetch":
        return [HookQuestion("connect", text(given, "url"), method="GET")]
    folder = _place(text(given, "path", "."), context)
    if tool == "grep":
        return [search_of_everything(folder)]
    if tool == "glob":
        stays_below(text(given, "pattern", ""), "path")
    return [listing(folder)]


def _server(tool: str, servers: object) -> str:
    """The MCP server that a tool is of, by the client's name for it, `SERVER_TOOL`; empty for none. Raises RefusedError."""
    if not isinstance(servers, list) or not all(isinstance(one, str) for one in servers):
        raise RefusedError("the field `mcp_servers` of the hook's input is not a list of names")
    plain = ["".join(c if c.isascii() and (c.isalnum() or c in "_-") else "_" for c in one) for one in servers]
    found = [one for one in plain if tool.startswith(f"{one}_")]
    if len(found) > 1:
        raise RefusedError(f"it is ambiguous which server's tool `{tool[:80]}` is")
    return found[0] if found else ""


def _written(tool: str, given: dict[str, object]) -> dict[str, object]:
    """The content that a tool puts into a file. Raises RefusedError for what is not understood."""
    if tool == "write":
        return whole(tool, text(given, "content"))
    if tool == "edit":
        return edited(tool, edit(given, "oldString", "newString", "replaceAll"))
    edits = given.get("edits")
    if not isinstance(edits, list) or not edits:
        raise RefusedError("the field `edits` of the hook's input is missing or not a list")
    for one in edits:
        if isinstance(one, dict) and one.get("filePath", given["filePath"]) != given["filePath"]:
            raise RefusedError("it is ambiguous which file is edited")
    return edited(tool, *(edit(one, "oldString", "newString", "replaceAll") for one in edits))


def _place(path: str, context: HookContext) -> str:
    """The place that a tool means: relative to the session's folder. Raises RefusedError where versions could differ."""
    if path != path.strip() or path.startswith(("~", "$", "file:")):
        raise RefusedError("a path that begins or ends in a blank, or with `~`, `$` or `file:`, is ambiguous")
    return absolute(path or ".", context)


def answer(outcome: Outcome, event: str, reason: str) -> object:  # noqa: ARG001
    """The answer in the plugin's form."""
    if outcome.effect == ALLOW:
        return {"decision": "allow"}
    return {"decision": "deny", "reason": reason}


_PLUGIN = """// policy_lang: written by `policy hook install opencode`; the whole file is replaced by the next installation.
import { spawn } from "node:child_process";

const COMMAND = @COMMAND@;
const SECONDS = @SECONDS@;

const home = process.env.HOME ?? "";
const silent = COMMAND.includes(" --observe");
const most = 1 << 20;

function frozen(value, depth) {
  if (depth > 64) throw new Error("denied: the arguments are nested too deeply");
  if (typeof value !== "object" || value === null) return;
  Object.freeze(value);
  for (const one of Object.values(value)) frozen(one, depth + 1);
}

function asked(call, cwd) {
  return new Promise((settle) => {
    let out = "", err = "", over = false;
    const end = (why) => {
      if (over) return;
      over = true;
      clearTimeout(alarm);
      settle(why);
    };
    let hook;
    const stop = (why) => {
      end(why);
      hook?.kill("SIGKILL");
      hook?.stdout?.destroy();
      hook?.stderr?.destroy();
    };
    const alarm = setTimeout(stop, SECONDS * 1000, "the hook did not answer in time");
    try {
      hook = spawn("/bin/sh", ["-c", COMMAND], { cwd, env: { HOME: home }, stdio: ["pipe", "pipe", "pipe"] });
      hook.on("error", () => end("the hook could not be started"));
      hook.stdin.on("error", () => {});
      hook.stdout.setEncoding("utf8");
      hook.stderr.setEncoding("utf8");
      hook.stdout.on("data", (data) => {
        out += data;
        if (out.length > most) stop("the hook's answer is too long");
      });
      hook.stderr.on("data", (data) => {
        if (err.length < 8192) err += data;
      });
      hook.on("close", (code) => {
        if (code !== 0) return end(err.trim() || `the hook ended with ${code}`);
        if (silent && out === "") return end("");
        try {
          const said = JSON.parse(out);
          end(said.decision === "allow" && Object.keys(said).length === 1 ? "" : "the hook did not allow it");
        } catch {
          end("the hook's answer is not valid JSON");
        }
      });
      hook.stdin.end(call);
    } catch (error) {
      end(`the hook could not be started: ${error}`);
    }
  });
}

export const PolicyLang = async ({ directory }) => {
  let servers = [];
  return {
  config: async (settings) => {
    servers = Object.keys(settings.mcp ?? {});
  },
  "tool.execute.before": async (input, output) => {
    frozen(output.args, 0); // a plugin that comes later cannot change what was decided
    const call = JSON.stringify({
      hook_event_name: "tool.execute.before",
      workspace_roots: [directory],
      cwd: directory,
      mcp_servers: servers,
      session_id: input.sessionID,
      tool_use_id: input.callID,
      tool_name: input.tool,
      tool_input: output.args,
    });
    const why = await asked(call, directory);
    if (why !== "") throw new Error(why.startsWith("denied") ? why : `denied: ${why}`);
  },
  };
};
"""


def plugin(command: str, seconds: int) -> str:
    """The plugin that runs a command before each call, and waits so many seconds for it."""
    quoted = strict_json.dump(command).decode()
    return _PLUGIN.replace("@SECONDS@", str(seconds)).replace("@COMMAND@", quoted)


def _command(address: str) -> tuple[list[str], dict[str, str]]:
    model = {"name": "rehearsal", "tool_call": True, "limit": {"context": 100_000, "output": 1000}}
    provider = {
        "npm": "@ai-sdk/openai-compatible", "name": "rehearsal", "models": {"scripted": model},
        "options": {"baseURL": f"{address}/v1", "apiKey": "no-key-is-needed"},
    }  # fmt: skip
    settings = strict_json.dump({"provider": {"rehearsal": provider}, "permission": "allow", "share": "disabled"})
    return ["opencode", "run", "--model", "rehearsal/scripted", "go"], {
        "OPENCODE_CONFIG_CONTENT": settings.decode(), "OPENCODE_DISABLE_AUTOUPDATE": "1",
        "OPENCODE_DISABLE_MODELS_FETCH": "1", "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
    }  # fmt: skip


CLIENT = HookClient(
    name="opencode",
    title="opencode",
    tried="1.18.33",
    events=("tool.execute.before",),
    common={"session_id": "s", "tool_use_id": "u", "hook_event_name": "tool.execute.before"},
    workspace_field="workspace_roots",
    tools=_TOOLS,
    harmless=_HARMLESS,
    operations=_OPERATIONS,
    questions=questions,
    answer=answer,
    canary=lambda workspace, path: {
        "workspace_roots": [workspace], "tool_name": "write",
        "tool_input": {"filePath": f"{workspace}/{path}", "content": ""},
    },
    settings=SettingsForm(
        paths={
            "user": "{home}/.config/opencode/plugin/policy_lang.js",
            "project": "{workspace}/.opencode/plugin/policy_lang.js",
            "managed": "/etc/opencode/plugin/policy_lang.js",
        },
        entry=lambda command, seconds: {"command": command, "seconds": seconds},
        script=plugin,
        note='opencode loads it once `/etc/opencode/opencode.json` says `"plugin": ["file:///etc/opencode/plugin/policy_lang.js"]`:'
        " write that, and run `policy doctor opencode`",
        note_scope="managed",
    ),
    rehearsal=RehearsalProtocol(
        command=_command, reply=chat_reply, run=lambda command: ("bash", {"command": command, "description": "canary"}),
    ),
    bypasses=(
        ("`--pure` or `OPENCODE_PURE` leaves all plugins out, managed ones too", "start it by a wrapper of root's that sets its words and variables, and behind walls"),
        ("`XDG_CONFIG_HOME` names another folder of a user's plugins", "the managed scope"),
        ("plugins, tools, MCP and LSP servers and formatters of a project run inside the client or beside it, before anything is asked; a tool that takes the name of a known one (`bash`) is decided as that one", "`OPENCODE_DISABLE_PROJECT_CONFIG=1`; the protected floor keeps agents from writing `.opencode/` and `opencode.json`"),
        ("a plugin that cannot be loaded is left out, with a line in the log", "`policy doctor opencode` after each update of the client"),
        ("`batch` calls other tools without asking for each", "it is `do opencode.batch`, which no module grants"),
        ("the client's own server (`opencode serve`) opens sessions in any folder, which is then the workspace", "`--workspace` at the installation"),
        ("what a person types behind `!`, names by `@`, or has in a command's template runs without a hook", "a sandbox; the person is not the agent"),
    ),
)  # fmt: skip
