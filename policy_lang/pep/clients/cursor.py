"""Cursor's hooks before a shell command, an MCP call, a read, and any tool (cursor.com/docs/hooks; read, not tried).

Exit code 2 denies; without `failClosed` in its settings every other fault lets the call pass.
"""

from __future__ import annotations

from ...domain.actions import ALLOW, ASK
from ..content import whole
from ..payload import (
    HookContext,
    absolute,
    known,
    listing,
    mcp_call,
    operation,
    search_of_everything,
    stays_below,
    table,
    text,
)
from ..questions import HookQuestion, Outcome, RefusedError
from .base import HookClient, SettingsForm

_TOOLS = {
    "Shell": "command working_directory timeout description", "Read": "file_path path offset limit",
    "Write": "file_path path content contents", "Delete": "file_path path",
    "Grep": "pattern path glob output_mode -A -B -C -i type head_limit multiline",
    "Glob": "glob_pattern target_directory path",
}  # fmt: skip


def questions(payload: dict[str, object], context: HookContext) -> list[HookQuestion]:
    """The questions about a call; none for a harmless one. Raises RefusedError when it is not understood."""
    event = text(payload, "hook_event_name")
    if event == "beforeShellExecution":
        return [HookQuestion("run", text(payload, "command"))]
    if event == "beforeReadFile":
        return [HookQuestion("read", text(payload, "file_path"))]
    if event == "beforeMCPExecution":
        server = payload.get("server_name", payload.get("server"))
        if not isinstance(server, str):
            raise RefusedError("the input does not name the tool's server")
        return [mcp_call(f"mcp__{server}__{text(payload, 'tool_name')}", payload.get("tool_input"))]
    tool, given = text(payload, "tool_name"), table(payload, "tool_input")
    if tool not in _TOOLS:
        return [mcp_call(tool, given) if tool.startswith("mcp__") else operation("cursor", tool, given)]
    known(tool, given, _TOOLS[tool], context)
    if tool == "Shell":
        return [
            HookQuestion("run", text(given, "command"), cwd=absolute(text(given, "working_directory", "."), context))
        ]
    if tool in {"Read", "Write", "Delete"}:
        named = [n for n in ("file_path", "path") if n in given]
        if len(named) != 1:
            raise RefusedError("it is ambiguous which file is meant")
        if tool != "Write":
            return [HookQuestion(tool.lower(), text(given, named[0]))]
        written = text(given, "contents" if "contents" in given else "content", "")
        return [HookQuestion("write", text(given, named[0]), content=whole(tool, written))]
    folders = [n for n in ("path", "target_directory") if n in given]
    if len(folders) > 1:
        raise RefusedError("it is ambiguous which folder is meant")
    folder = absolute(text(given, folders[0]) if folders else ".", context)
    if tool == "Grep":
        return [search_of_everything(folder)]
    stays_below(text(given, "glob_pattern", ""), "target_directory")
    return [listing(folder)]


def asks(payload: dict[str, object]) -> bool:
    """True where the client puts `ask` to a person (its documentation names shell and MCP)."""
    return payload.get("hook_event_name") in {"beforeShellExecution", "beforeMCPExecution"}


def answer(outcome: Outcome, event: str, reason: str) -> object:
    """The answer in the client's form, in both spellings that its versions have read."""
    permission = {ALLOW: "allow", ASK: "ask"}.get(outcome.effect, "deny")
    if event == "beforeReadFile" and permission == "ask":
        permission = "deny"
    out: dict[str, object] = {"permission": permission}
    if permission != "allow":
        out |= {"user_message": reason, "agent_message": reason, "userMessage": reason, "agentMessage": reason}
    return out


CLIENT = HookClient(
    name="cursor",
    title="Cursor",
    tried="",
    events=("beforeShellExecution", "beforeMCPExecution", "beforeReadFile", "preToolUse"),
    common={"conversation_id": "c", "generation_id": "g", "cursor_version": "2"},
    workspace_field="workspace_roots",
    tools=_TOOLS,
    harmless={},
    operations=frozenset({"AskQuestion", "ReadLints", "Task", "TodoWrite", "WebSearch"}),
    questions=questions,
    asks=asks,
    answer=answer,
    canary=lambda workspace, path: {
        "workspace_roots": [workspace], "hook_event_name": "beforeShellExecution", "command": f"touch {path}",
    },
    settings=SettingsForm(
        paths={
            "user": "{home}/.cursor/hooks.json",
            "project": "{workspace}/.cursor/hooks.json",
            "managed": "/etc/cursor/hooks.json",
        },
        entry=lambda command, seconds: {"command": command, "timeout": seconds, "failClosed": True},
        defaults={"version": 1},
    ),
    bypasses=(
        ("edits are reported after they are made (`afterFileEdit`); versions before `preToolUse` cannot stop them", "a version with `preToolUse`, and a sandbox"),
        ("without `failClosed` a fault of the hook lets the call pass; older versions do not know it", "the command ends in `|| exit 2`"),
    ),
)  # fmt: skip
