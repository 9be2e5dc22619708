"""Claude Code's hook `PreToolUse` (code.claude.com/docs/en/hooks; tried with 2.1.197).

Only exit code 2, or valid JSON that says `deny`, stops a call; everything else lets it pass. So a denial is both.
"""

from __future__ import annotations

from ..payload import Place, absolute, known, listing, mcp_call, operation, search, table, text
from ..questions import ALLOW, ASK, Outcome, Question, RefusedError

EVENTS = ("PreToolUse",)
WORKSPACE = "CLAUDE_PROJECT_DIR"
"""The variable that tells the hook where the project lies."""
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


def questions(payload: dict[str, object], place: Place) -> list[Question]:
    """What is to be decided about a call; nothing for a harmless one. Raises RefusedError when it is not understood."""
    tool, given = text(payload, "tool_name"), table(payload, "tool_input")
    if tool in _HARMLESS:
        return []
    if tool not in _FIELDS:
        return [mcp_call(tool) if tool.startswith("mcp__") else operation("claude", tool)]
    known(tool, given, _FIELDS[tool])
    if tool == "Bash":
        out = [Question("run", text(given, "command"))]
        if given.get("dangerouslyDisableSandbox") not in {None, False}:
            out.append(Question("do", "sandbox.leave"))
        return out
    if tool in {"Read", "NotebookRead"}:
        return [Question("read", text(given, "file_path" if tool == "Read" else "notebook_path"))]
    if tool in {"Write", "Edit", "MultiEdit", "NotebookEdit"}:
        return [Question("write", text(given, "notebook_path" if tool == "NotebookEdit" else "file_path"))]
    if tool == "WebFetch":
        return [Question("connect", text(given, "url"), method="GET")]
    folder = absolute(text(given, "path", place.cwd), place)
    if tool == "Grep":
        return [search(folder)]
    pattern = text(given, "pattern", "")
    if pattern.startswith(("/", "~")) or ".." in pattern.split("/"):
        raise RefusedError("the pattern leaves its folder; name the folder by `path`")
    return [listing(folder)]


def asks(payload: dict[str, object]) -> bool:
    """True when the client is certain to put a question to a person."""
    return payload.get("permission_mode") in _ASKING


def answer(outcome: Outcome, event: str, reason: str) -> object:
    """What the client is told."""
    decision = {ALLOW: "allow", ASK: "ask"}.get(outcome.effect, "deny")
    return {
        "hookSpecificOutput": {
            "hookEventName": event, "permissionDecision": decision, "permissionDecisionReason": reason,
        }
    }  # fmt: skip
