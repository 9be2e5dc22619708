"""goose's hook `PreToolUse` of a plugin (its source was read; tried with 1.37.0).

Exit code 2 denies, and so does `block`; every other fault lets the call pass: `on_failure` is for later versions. The shell is the person's own, and the input
does not name it: bash or sh, so a script is read as both. Paths are relative to `working_dir`.
"""

from __future__ import annotations

from ...domain.actions import ALLOW
from ..content import edited, whole
from ..payload import HookContext, edit, known, listing, mcp_call, operation, search_of_everything, table, text
from ..questions import HookQuestion, Outcome, RefusedError
from .base import HookClient, RehearsalProtocol, SettingsForm, chat_reply

_TOOLS = {
    "shell": "command timeout_secs", "read": "path line offset limit", "write": "path content",
    "edit": "path before after", "tree": "path depth",
    "analyze": "path focus force max_depth follow_depth",
}  # fmt: skip
_HARMLESS = {"todo__todo_write": "content"}
_OPERATIONS = frozenset({"delegate", "load", "load_skill", "read_image"})
"""Agents, whose own calls are asked about, and what they and skills hold. An image is named by a path or an address, which are
not told apart here."""


def questions(payload: dict[str, object], context: HookContext) -> list[HookQuestion]:
    """The questions about a call; none for a harmless one. Raises RefusedError when it is not understood."""
    tool, given = text(payload, "tool_name"), table(payload, "tool_input")
    if tool in _HARMLESS:
        known(tool, given, _HARMLESS[tool], context)
        return []
    if tool not in _TOOLS:
        return [mcp_call(tool, given, "") if "__" in tool else operation("goose", tool, given)]
    known(tool, given, _TOOLS[tool], context)
    folder = text(payload, "working_dir", context.cwd)
    if not folder.startswith("/"):
        raise RefusedError("the working folder is not an absolute path")
    if tool == "shell":
        command = text(given, "command")
        return [HookQuestion("run", command, cwd=folder, shell=shell) for shell in ("bash", "sh")]
    path = text(given, "path", "." if tool == "tree" else None)
    if path != path.strip() or path.startswith(("~", "$")):
        raise RefusedError("a path that begins or ends in a blank, or with `~` or `$`, is ambiguous")
    place = path if path.startswith("/") else f"{folder.rstrip('/')}/{path or '.'}"
    if tool == "tree":
        return [listing(place)]
    if tool == "analyze":
        return [search_of_everything(place)]
    if tool == "read":
        return [HookQuestion("read", place)]
    made = whole(tool, text(given, "content")) if tool == "write" else edited(tool, edit(given, "before", "after"))
    return [HookQuestion("write", place, content=made)]


def answer(outcome: Outcome, event: str, reason: str) -> object:  # noqa: ARG001
    """The answer in the client's form."""
    if outcome.effect == ALLOW:
        return {"decision": "allow"}
    return {"decision": "block", "reason": reason}


def _command(address: str) -> tuple[list[str], dict[str, str]]:
    return ["goose", "run", "--no-session", "--text=go"], {
        "GOOSE_PROVIDER": "openai", "GOOSE_MODEL": "scripted", "GOOSE_MODE": "auto", "GOOSE_DISABLE_KEYRING": "1",
        "GOOSE_TELEMETRY_ENABLED": "false", "OPENAI_HOST": address, "OPENAI_API_KEY": "no-key-is-needed",
    }  # fmt: skip


CLIENT = HookClient(
    name="goose",
    title="goose",
    tried="1.37.0",
    events=("PreToolUse",),
    common={"event": "PreToolUse", "session_id": "s", "tool_call_id": "c"},
    tools=_TOOLS,
    harmless=_HARMLESS,
    operations=_OPERATIONS,
    mcp_mark="__",
    questions=questions,
    answer=answer,
    canary=lambda workspace, path: {
        "working_dir": workspace, "tool_name": "write", "tool_input": {"path": f"{workspace}/{path}", "content": ""},
    },
    settings=SettingsForm(
        paths={
            "user": "{home}/.agents/plugins/policy_lang/hooks/hooks.json",
            "project": "{workspace}/.agents/plugins/policy_lang/hooks/hooks.json",
        },
        entry=lambda command, seconds: {
            "hooks": [{"type": "command", "command": command, "timeout": seconds, "on_failure": "block"}],
        },
    ),
    rehearsal=RehearsalProtocol(
        command=_command, reply=chat_reply, run=lambda command: ("shell", {"command": command}),
    ),
    bypasses=(
        ("`disabledPlugins` in a project's `.config/goose/`, or a project's plugin of the same name, takes the hook out", "look for both in what you check out; the protected floor keeps agents from writing them"),
        ("the call passes when the hook fails in any way but exit code 2, or takes too long; `on_failure`, which is installed, is not known to 1.37.0", "the command ends in `|| exit 2`, the hook gives up after 2 s"),
        ("extensions are programs of their own", "`call` rules, and goose's allowlist of extensions"),
        ("`GOOSE_PATH_ROOT` names another home of plugins", "start it by a wrapper that unsets it"),
    ),
)  # fmt: skip
