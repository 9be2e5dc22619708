"""Claude Code's hook `PreToolUse` (code.claude.com/docs/en/hooks; tried with 2.1.197).

Only exit code 2, or valid JSON that says `deny`, stops a call; everything else lets it pass. So a denial is both.
"""

from __future__ import annotations

import os

from ...domain import strict_json
from ...domain.actions import ALLOW, ASK
from ..content import edited, whole
from ..payload import HookContext, absolute, edit, known, listing, mcp_call, operation, search, stays_below, table, text
from ..questions import HookQuestion, Outcome, RefusedError
from .base import Call, HookClient, RehearsalProtocol, SettingsForm, server_sent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_ASKING = frozenset({"default", "acceptEdits", "plan"})
"""Permission modes in which `ask` puts the question to a person; the others answer it themselves."""
_HARMLESS = frozenset(
    {
        "AskUserQuestion", "BashOutput", "EnterPlanMode", "ExitPlanMode", "KillBash", "KillShell", "TaskCreate",
        "TaskGet", "TaskList", "TaskOutput", "TaskStop", "TaskUpdate", "TodoRead", "TodoWrite", "ToolSearch",
    }
)  # fmt: skip
"""Tools that touch nothing but the conversation and what calls before have put there."""
_FIELDS = {
    "Bash": "command timeout description run_in_background dangerouslyDisableSandbox",
    "Read": "file_path offset limit pages", "Write": "file_path content",
    "Edit": "file_path old_string new_string replace_all", "MultiEdit": "file_path edits",
    "NotebookEdit": "notebook_path cell_id new_source cell_type edit_mode", "NotebookRead": "notebook_path cell_id",
    "LS": "path ignore", "Glob": "pattern path",
    "Grep": "pattern path glob output_mode -A -B -C context -n -i -o type head_limit offset multiline",
    "WebFetch": "url prompt",
}  # fmt: skip


def questions(payload: dict[str, object], context: HookContext) -> list[HookQuestion]:
    """The questions about a call; none for a harmless one. Raises RefusedError when it is not understood."""
    tool, given = text(payload, "tool_name"), table(payload, "tool_input")
    if tool in _HARMLESS:
        return []
    if tool not in _FIELDS:
        return [mcp_call(tool, given) if tool.startswith("mcp__") else operation("claude", tool, given)]
    known(tool, given, _FIELDS[tool])
    if tool == "Bash":
        out = [HookQuestion("run", text(given, "command"))]
        if given.get("dangerouslyDisableSandbox") not in {None, False}:
            out.append(HookQuestion("do", "sandbox.leave"))
        return out
    if tool in {"Read", "NotebookRead"}:
        return [HookQuestion("read", _place(text(given, "file_path" if tool == "Read" else "notebook_path"), context))]
    if tool in {"Write", "Edit", "MultiEdit", "NotebookEdit"}:
        place = _place(text(given, "notebook_path" if tool == "NotebookEdit" else "file_path"), context)
        return [HookQuestion("write", place, content=_written(tool, given))]
    if tool == "WebFetch":
        return [HookQuestion("connect", text(given, "url"), method="GET")]
    if tool == "Grep":
        return [_search(_place(text(given, "path", ""), context), text(given, "glob", ""), text(given, "type", ""))]
    pattern = text(given, "pattern", "")
    if pattern.startswith("/"):  # then it is the folder as well, up to the first name that is not plain
        head = pattern[: min((i for i, c in enumerate(pattern) if c in "*?[{"), default=len(pattern))]
        return [listing(head.rpartition("/")[0] or "/")]
    stays_below(pattern, "path")
    return [listing(_place(text(given, "path", ""), context))]


def _written(tool: str, given: dict[str, object]) -> dict[str, object]:
    """The content that a tool puts into a file. Raises RefusedError for what is not understood."""
    if tool == "Write":
        return whole(tool, text(given, "content"))
    if tool == "Edit":
        return edited(tool, edit(given, "old_string", "new_string", "replace_all"))
    if tool == "MultiEdit":
        edits = given.get("edits")
        if not isinstance(edits, list) or not edits:
            raise RefusedError("the field `edits` of the hook's input is missing or not a list")
        return edited(tool, *(edit(one, "old_string", "new_string", "replace_all") for one in edits))
    cell: dict[str, object] = {"new": text(given, "new_source", "")}
    for name, field in (("cell", "cell_id"), ("mode", "edit_mode"), ("kind", "cell_type")):
        if given.get(field) is not None:
            cell[name] = text(given, field)
    return edited(tool, cell)


def _place(path: str, context: HookContext) -> str:
    """The place that a tool means, as Claude Code reads it: `~` is the home. Raises RefusedError."""
    if path != path.strip():  # it takes blanks off, of which there are more than one would think
        raise RefusedError("a path that begins or ends in a blank is ambiguous")
    if path == "~" or path.startswith("~/"):
        return context.home + path[1:]
    return absolute(path, context) if path else context.cwd


_LEFT_OUT = (".git", ".svn", ".hg", ".bzr", ".jj", ".sl")


def _search(folder: str, glob: str, kind: str) -> HookQuestion:
    """The search that `Grep` does, with its options in its order (read in 2.1.197, and measured)."""
    globs = [f"!{name}" for name in _LEFT_OUT]
    if glob.isascii() and glob.isprintable():
        for part in glob.split():
            globs += [part] if "{" in part and "}" in part else part.split(",")
    else:  # blanks are cut elsewhere than here
        globs.append("*")
    options = [f"--glob={g}" for g in globs if g] + ([f"--type={kind}"] if kind else [])
    narrower = f'glob: "{glob} {{}}"' if glob else 'glob: "{}"'
    return search(folder, "--hidden", *options, narrower=narrower)


def asks(payload: dict[str, object]) -> bool:
    """True when the client is certain to put a question to a person."""
    return payload.get("permission_mode") in _ASKING


def answer(outcome: Outcome, event: str, reason: str) -> object:
    """The answer in the client's form."""
    decision = {ALLOW: "allow", ASK: "ask"}.get(outcome.effect, "deny")
    return {
        "hookSpecificOutput": {
            "hookEventName": event, "permissionDecision": decision, "permissionDecisionReason": reason,
        }
    }  # fmt: skip


def _command(address: str) -> tuple[list[str], dict[str, str]]:
    # not `bypassPermissions`: it is refused to root; a hook decides in every mode
    words = ["claude", "-p", "go", "--permission-mode", "acceptEdits", "--allowedTools", "Bash,Read,Write,Edit"]
    return words, {
        "ANTHROPIC_BASE_URL": address, "ANTHROPIC_API_KEY": "no-key-is-needed", "DISABLE_AUTOUPDATER": "1",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    }  # fmt: skip


def _reply(path: str, body: dict[str, object], left: Iterator[Call]) -> bytes:
    """A turn of the Messages API."""
    if "count_tokens" in path:
        return b'{"input_tokens":1}'
    tools = body.get("tools")
    names = [t.get("name") for t in tools if isinstance(t, dict)] if isinstance(tools, list) else []
    call = next(left, None) if "Bash" in names else None  # other turns only ask for a title
    block: dict[str, object] = {"type": "text", "text": "done"}
    empty: dict[str, object] = {"type": "text", "text": ""}
    delta: dict[str, object] = {"type": "text_delta", "text": "done"}
    if call is not None:
        block = {"type": "tool_use", "id": f"toolu_{os.urandom(6).hex()}", "name": call[0], "input": call[1]}
        empty = {**block, "input": {}}
        delta = {"type": "input_json_delta", "partial_json": strict_json.dump(call[1]).decode()}
    stop = "end_turn" if call is None else "tool_use"
    message: dict[str, object] = {
        "id": "m", "type": "message", "role": "assistant", "model": body.get("model"), "content": [block], "stop_reason": stop,
        "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1},
    }  # fmt: skip
    if not body.get("stream"):
        return strict_json.dump(message)
    return server_sent([
        {"type": "message_start", "message": {**message, "content": [], "stop_reason": None}},
        {"type": "content_block_start", "index": 0, "content_block": empty},
        {"type": "content_block_delta", "index": 0, "delta": delta}, {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": None}, "usage": {"output_tokens": 1}},
        {"type": "message_stop"},
    ])  # fmt: skip


CLIENT = HookClient(
    name="claude",
    title="Claude Code",
    tried="2.1.197",
    events=("PreToolUse",),
    common={
        "session_id": "s", "transcript_path": "/t", "permission_mode": "default", "hook_event_name": "PreToolUse",
        "tool_use_id": "u",
    },
    workspace_variable="CLAUDE_PROJECT_DIR",
    questions=questions,
    asks=asks,
    answer=answer,
    canary=lambda workspace, path: {
        "tool_name": "Write", "tool_input": {"file_path": f"{workspace}/{path}", "content": ""},
    },
    settings=SettingsForm(
        paths={
            "user": "{home}/.claude/settings.json",
            "project": "{workspace}/.claude/settings.json",
            "managed": "/etc/claude-code/managed-settings.d/50-policy_lang.json",
        },
        entry=lambda command, seconds: {
            "matcher": "*", "hooks": [{"type": "command", "command": command, "timeout": seconds}],
        },
        managed={"disableAllHooks": False},
    ),
    rehearsal=RehearsalProtocol(
        command=_command,
        reply=_reply,
        run=lambda command: ("Bash", {"command": command, "description": "canary"}),
    ),
    bypasses=(
        ("the hook runs into the client's own limit, or the shell that starts it is killed: the call proceeds", "the hook gives up after 2 s, the client after 10 s"),
        ("`@file` in a prompt reads a file without a hook", "`permissions.deny` rules for `Read` in managed settings"),
        ("`--setting-sources`, `disableAllHooks` or `--bare` leaves user and project hooks out", "managed settings with `allowManagedHooksOnly`"),
        ("what was started in the background goes on, and reading its output is not decided again", "the command was decided when it began"),
        ("MCP servers and their resources run outside the client's sandbox", "`call` rules, and `allowedMcpServers` in managed settings"),
    ),
)  # fmt: skip
