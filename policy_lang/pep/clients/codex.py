"""Codex CLI's hooks `PreToolUse` and `PermissionRequest` (tried with 0.169.0).

Silence allows, and so does everything but a denial in its form or exit code 2. `ask` is not understood. What a tool
runs in is the hook input's `cwd`, which the agent chooses; the hook's own working folder is the session's workspace
(measured). The shell is the agent's choice as well, and not told: bash or sh, so a script is read as both.
"""

from __future__ import annotations

from ..payload import Place, known, mcp_call, operation, patch, table, text
from ..questions import ALLOW, Outcome, Question

EVENTS = ("PreToolUse", "PermissionRequest")
WORKSPACE = "."
"""The hook's own working folder."""
_HARMLESS = frozenset({"update_plan", "request_user_input"})
_FIELDS = {"Bash": "command description", "apply_patch": "command description", "view_image": "path description detail"}


def questions(payload: dict[str, object], place: Place) -> list[Question]:  # noqa: ARG001
    """What is to be decided about a call; nothing for a harmless one. Raises RefusedError when it is not understood."""
    tool, given = text(payload, "tool_name"), table(payload, "tool_input")
    out: list[Question] = []
    if payload.get("hook_event_name") == "PermissionRequest":
        out.append(Question("do", "sandbox.leave"))  # what is asked for is to run outside the sandbox
    if tool in _HARMLESS:
        return out
    if tool not in _FIELDS:
        return [*out, mcp_call(tool) if tool.startswith("mcp__") else operation("codex", tool)]
    known(tool, given, _FIELDS[tool])
    if tool == "Bash":
        command = text(given, "command")
        return [*out, Question("run", command, shell="bash"), Question("run", command, shell="sh")]
    if tool == "apply_patch":
        return [*out, patch(text(given, "command"))]
    return [*out, Question("read", text(given, "path"))]


def asks(payload: dict[str, object]) -> bool:  # noqa: ARG001
    """Never: the client does not know the answer `ask`."""
    return False


def answer(outcome: Outcome, event: str, reason: str) -> object:
    """What the client is told; None for silence, which lets its own flow go on."""
    if event == "PermissionRequest":
        behavior = {"behavior": "allow"} if outcome.effect == ALLOW else {"behavior": "deny", "message": reason}
        return {"hookSpecificOutput": {"hookEventName": event, "decision": behavior}}
    if outcome.effect == ALLOW:
        return None
    return {
        "hookSpecificOutput": {"hookEventName": event, "permissionDecision": "deny", "permissionDecisionReason": reason}
    }
