"""Qwen Code's hook `PreToolUse` (tried with 0.24.4): a fork of Gemini CLI, with hooks in Claude Code's form.

Exit code 2 denies, and valid JSON that says `deny`; every other fault, a time-out too, lets the call pass.
"""

from __future__ import annotations

from ...domain.actions import ALLOW
from ..content import edited, whole
from ..payload import (
    HookContext,
    absolute,
    edit,
    known,
    listing,
    mcp_call,
    notebook_cell,
    operation,
    search_of_everything,
    stays_below,
    table,
    text,
)
from ..questions import HookQuestion, Outcome, RefusedError
from .base import HookClient, RehearsalProtocol, SettingsForm, chat_reply

_HARMLESS = {
    "ask_user_question": "questions metadata", "enter_plan_mode": "", "exit_plan_mode": "plan", "get_goal": "",
    "list_agents": "", "report_findings": "findings level", "task_stop": "task_id", "todo_write": "todos",
    "tool_search": "query max_results", "update_goal": "status reason blockerKind",
}  # fmt: skip
_OPERATIONS = frozenset(
    {
        "agent", "cron_create", "cron_delete", "cron_list", "enter_worktree", "exit_worktree", "loop_wakeup", "read_mcp_resource",
        "record_artifact", "save_memory", "send_message", "skill",
    }
)  # fmt: skip
"""Agents, whose own calls are asked about, and talk to them; what acts later; trees of git; skills, servers' resources,
files that are handed on, and the memory, which is a file."""
_TOOLS = {
    "run_shell_command": "command is_background timeout description directory",
    "monitor": "command description directory idle_timeout_ms max_events", "zoom_image": "file_path x1 x2 y1 y2",
    "read_file": "file_path offset limit pages", "write_file": "file_path content record_as_artifact",
    "edit": "file_path old_string new_string replace_all",
    "notebook_edit": "notebook_path cell_id new_source cell_type edit_mode",
    "list_directory": "path ignore file_filtering_options", "glob": "pattern path",
    "grep_search": "pattern path glob limit", "web_fetch": "url prompt format",
}  # fmt: skip


def questions(payload: dict[str, object], context: HookContext) -> list[HookQuestion]:
    """The questions about a call; none for a harmless one. Raises RefusedError when it is not understood."""
    tool, given = text(payload, "tool_name"), table(payload, "tool_input")
    if tool in _HARMLESS:
        known(tool, given, _HARMLESS[tool], context)
        return []
    if tool not in _TOOLS:
        return [mcp_call(tool, given) if tool.startswith("mcp__") else operation("qwen", tool, given)]
    known(tool, given, _TOOLS[tool], context)
    if tool in {"run_shell_command", "monitor"}:
        return [HookQuestion("run", text(given, "command"), cwd=_place(text(given, "directory", "."), context))]
    if tool == "web_fetch":
        return [HookQuestion("connect", text(given, "url"), method="GET")]
    if tool in {"read_file", "zoom_image", "write_file", "edit"}:
        place = _place(text(given, "file_path"), context)
        if tool in {"read_file", "zoom_image"}:
            return [HookQuestion("read", place)]
        made = whole(tool, text(given, "content")) if tool == "write_file" else _edited(given)
        return [HookQuestion("write", place, content=made)]
    if tool == "notebook_edit":
        made = edited(tool, notebook_cell(given))
        return [HookQuestion("write", _place(text(given, "notebook_path"), context), content=made)]
    folder = _place(text(given, "path", "."), context)
    if tool == "grep_search":
        return [search_of_everything(folder)]
    if tool == "glob":
        stays_below(text(given, "pattern", ""), "path")
    return [listing(folder)]


def _edited(given: dict[str, object]) -> dict[str, object]:
    return edited("edit", edit(given, "old_string", "new_string", "replace_all"))


def _place(path: str, context: HookContext) -> str:
    """The place that a tool means. Raises RefusedError where versions could differ."""
    if path != path.strip() or path.startswith(("~", "$", "@")):
        raise RefusedError("a path that begins or ends in a blank, or with `~`, `$` or `@`, is ambiguous")
    return absolute(path or ".", context)


def answer(outcome: Outcome, event: str, reason: str) -> object:
    """The answer in the client's form."""
    decision = "allow" if outcome.effect == ALLOW else "deny"
    return {
        "hookSpecificOutput": {
            "hookEventName": event, "permissionDecision": decision, "permissionDecisionReason": reason,
        }
    }  # fmt: skip


def _command(address: str) -> tuple[list[str], dict[str, str]]:
    words = ["qwen", "--yolo", "--auth-type", "openai", "--model", "scripted", "-p", "go"]
    return words, {
        "OPENAI_BASE_URL": f"{address}/v1", "OPENAI_API_KEY": "no-key-is-needed", "OPENAI_MODEL": "scripted",
        "QWEN_CODE_TRUST_WORKSPACE": "true",
    }  # fmt: skip


CLIENT = HookClient(
    name="qwen",
    title="Qwen Code",
    tried="0.24.4",
    events=("PreToolUse",),
    common={
        "session_id": "s", "transcript_path": "/t", "hook_event_name": "PreToolUse", "timestamp": "2026-01-01T00:00:00Z",
        "permission_mode": "default", "tool_use_id": "u",
    },
    workspace_variable="QWEN_PROJECT_DIR",
    tools=_TOOLS,
    harmless=_HARMLESS,
    operations=_OPERATIONS,
    mcp_mark="mcp__",
    questions=questions,
    answer=answer,
    canary=lambda workspace, path: {
        "tool_name": "write_file", "tool_input": {"file_path": f"{workspace}/{path}", "content": ""},
    },
    settings=SettingsForm(
        paths={
            "user": "{home}/.qwen/settings.json",
            "project": "{workspace}/.qwen/settings.json",
            "managed": "/etc/qwen-code/settings.json",
        },
        entry=lambda command, seconds: {
            "matcher": "*",
            "hooks": [{"type": "command", "name": "policy_lang", "command": command, "timeout": seconds * 1000}],
        },
        managed={"disableAllHooks": False},
    ),
    rehearsal=RehearsalProtocol(
        command=_command, reply=chat_reply,
        run=lambda command: ("run_shell_command", {"command": command, "is_background": False, "description": "canary"}),
        # else the model finds most tools by a search, and is not offered them; these settings are the weakest of all
        defaults=("QWEN_CODE_SYSTEM_DEFAULTS_PATH", '{"tools":{"toolSearch":{"enabled":false}}}'),
        unseen={"tool_call": "name arguments"},  # the hook is shown the call that is meant
    ),
    bypasses=(
        ("`--bare` and `--safe-mode` switch all hooks off, managed ones too", "start it by a wrapper of root's that sets its words, and behind walls"),
        ("`disableAllHooks` in settings, also a trusted project's, switches hooks off", "the managed scope (`/etc/qwen-code/settings.json`)"),
        ("`QWEN_CODE_SYSTEM_SETTINGS_PATH` in its environment names other system settings", "start it by a wrapper that unsets it"),
        ("extensions and MCP servers are programs of their own", "`call` rules"),
        ("an exit code other than 0 and 2, or a time-out, lets the call pass", "the command ends in `|| exit 2`, the hook gives up after 2 s"),
    ),
)  # fmt: skip
