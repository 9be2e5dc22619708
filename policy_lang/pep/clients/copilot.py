"""GitHub Copilot CLI's hook `preToolUse` (docs.github.com, hooks configuration; read, and its answers tried as text).

Any exit code but 0 denies. Arguments come as an object, or as a JSON text of one. The answer `ask` denies when no
person is there, and the input does not say so; it is never given. Nor does the input reliably name the workspace.
"""

from __future__ import annotations

from ...domain import strict_json
from ...domain.actions import ALLOW, ASK
from ..content import edited, whole
from ..payload import (
    HookContext,
    absolute,
    edit,
    known,
    listing,
    mcp_call,
    operation,
    search_of_everything,
    stays_below,
    text,
)
from ..questions import HookQuestion, Outcome, RefusedError
from .base import HookClient, SettingsForm

_HARMLESS = frozenset({"report_intent", "update_todo", "ask_user", "stop_bash", "read_bash", "list_bash"})
_FIELDS = {
    "bash": "command description mode sessionId initial_wait async detach timeout",
    "view": "path view_range forceReadLargeFiles", "create": "path file_text", "edit": "path old_str new_str",
    "str_replace": "path old_str new_str", "glob": "pattern path",
    "grep": "pattern path glob output_mode -A -B -C -n -i type head_limit multiline",
    "rg": "pattern path glob output_mode -A -B -C -n -i type head_limit multiline",
    "web_fetch": "url max_length start_index raw",
}  # fmt: skip


def questions(payload: dict[str, object], context: HookContext) -> list[HookQuestion]:
    """The questions about a call; none for a harmless one. Raises RefusedError when it is not understood."""
    tool, given = text(payload, "toolName"), _arguments(payload.get("toolArgs"))
    if tool in _HARMLESS:
        return []
    if tool not in _FIELDS:
        return [mcp_call(tool, given, "", "-") if "-" in tool else operation("copilot", tool, given)]
    known(tool, given, _FIELDS[tool])
    if tool == "bash":
        return [HookQuestion("run", text(given, "command"))]
    if tool == "view":
        return [HookQuestion("read", text(given, "path"))]
    if tool == "create":
        return [HookQuestion("write", text(given, "path"), content=whole(tool, text(given, "file_text", "")))]
    if tool in {"edit", "str_replace"}:
        made = edited(tool, edit(given, "old_str", "new_str"))
        return [HookQuestion("write", text(given, "path"), content=made)]
    if tool == "web_fetch":
        return [HookQuestion("connect", text(given, "url"), method="GET")]
    folder = absolute(text(given, "path", context.cwd), context)
    if tool != "glob":
        return [search_of_everything(folder)]
    stays_below(text(given, "pattern", ""), "path")
    return [listing(folder)]


def _arguments(value: object) -> dict[str, object]:
    if isinstance(value, str):
        value = strict_json.load(value.encode("utf-8"))
    if not isinstance(value, dict):
        raise RefusedError("the field `toolArgs` of the hook's input is missing or not an object")
    return value


def answer(outcome: Outcome, event: str, reason: str) -> object:  # noqa: ARG001
    """The answer in the client's form."""
    decision = {ALLOW: "allow", ASK: "ask"}.get(outcome.effect, "deny")
    return {"permissionDecision": decision, "permissionDecisionReason": reason}


CLIENT = HookClient(
    name="copilot",
    title="Copilot CLI",
    tried="",
    events=("preToolUse",),
    common={"timestamp": 1},
    questions=questions,
    answer=answer,
    canary=lambda workspace, path: {
        "toolName": "create", "toolArgs": {"path": f"{workspace}/{path}", "file_text": ""},
    },
    settings=SettingsForm(
        paths={"project": "{workspace}/.github/hooks/policy_lang.json"},
        entry=lambda command, seconds: {"type": "command", "bash": command, "timeoutSec": seconds},
        defaults={"version": 1},
    ),
    bypasses=(
        ("hooks of a repository are only there when it is the working folder", "start it there, and keep the file under review"),
        ("a time-out lets the call pass", "the hook gives up after 2 s, the client after 10 s"),
    ),
)  # fmt: skip
