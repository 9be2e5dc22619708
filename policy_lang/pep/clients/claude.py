"""Claude Code's hook `PreToolUse` (code.claude.com/docs/en/hooks; tried with 2.1.332).

Only exit code 2, or valid JSON that says `deny`, stops a call; everything else lets it pass. So a denial is both.
"""

from __future__ import annotations

from ...domain.actions import ALLOW, ASK
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
    script,
    search,
    stays_below,
    table,
    text,
)
from ..questions import HookQuestion, Outcome, RefusedError
from .base import HookClient, RehearsalProtocol, SettingsForm

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..model_turns import Call

_ASKING = frozenset({"default", "acceptEdits", "plan"})
"""Permission modes in which `ask` puts the question to a person; the others answer it themselves."""
_HARMLESS = {
    "AskUserQuestion": "questions answers annotations metadata", "BashOutput": "bash_id filter", "EnterPlanMode": "",
    "ReportFindings": "level findings",
    "ExitPlanMode": "plan allowedPrompts", "KillBash": "shell_id", "KillShell": "shell_id",
    "TaskCreate": "subject description activeForm metadata", "TaskGet": "taskId", "TaskList": "",
    "TaskOutput": "task_id block timeout", "TaskStop": "task_id shell_id",
    "TaskUpdate": "taskId subject description activeForm status addBlocks addBlockedBy owner metadata", "TodoRead": "",
    "TodoWrite": "todos", "ToolSearch": "query max_results",
}  # fmt: skip
"""Questions to the person, plans and task lists are the conversation itself; output and end of a background command are of
what a call before has started, decided then; `ToolSearch` shows descriptions of tools, each of whose calls is asked about."""
_OPERATIONS = frozenset(
    {
        "Agent", "CronCreate", "CronDelete", "CronList", "EnterWorktree", "ExitWorktree", "LSP", "ListAgents",
        "ListMcpResourcesTool", "ReadMcpResourceTool", "RemoteTrigger", "ScheduleWakeup", "SendMessage", "Skill",
        "SlashCommand", "Task", "WebSearch", "Workflow",
    }
)  # fmt: skip
"""What starts agents, whose own calls are asked about; what acts later or elsewhere; what asks servers and providers."""
_TOOLS = {
    "Monitor": "command description timeout_ms persistent ws", "PowerShell": "command description timeout run_in_background dangerouslyDisableSandbox",
    "REPL": "code description timeout",
    "Bash": "command timeout description run_in_background dangerouslyDisableSandbox",
    "Read": "file_path offset limit pages allow_large", "Write": "file_path content",
    "Edit": "file_path old_string new_string replace_all", "MultiEdit": "file_path edits",
    "NotebookEdit": "notebook_path cell_id new_source cell_type edit_mode", "NotebookRead": "notebook_path cell_id",
    "LS": "path ignore", "Glob": "pattern path",
    "Grep": "pattern path glob output_mode -A -B -C context -n -i -o type head_limit offset multiline",
    "WebFetch": "url prompt offset",
}  # fmt: skip


def questions(payload: dict[str, object], context: HookContext) -> list[HookQuestion]:
    """The questions about a call; none for a harmless one. Raises RefusedError when it is not understood."""
    tool, given = text(payload, "tool_name"), table(payload, "tool_input")
    if tool in _HARMLESS:
        known(tool, given, _HARMLESS[tool], context)
        return []
    if tool not in _TOOLS:
        return [mcp_call(tool, given) if tool.startswith("mcp__") else operation("claude", tool, given)]
    known(tool, given, _TOOLS[tool], context)
    if tool in {"Bash", "PowerShell"}:
        command = text(given, "command")
        out = [HookQuestion("run", command) if tool == "Bash" else script("pwsh", "-Command", command)]
        if given.get("dangerouslyDisableSandbox") not in {None, False}:
            out.append(HookQuestion("do", "sandbox.leave"))
        return out
    if tool == "Monitor":
        return _watched(given)
    if tool == "REPL":
        return [script("node", "-e", text(given, "code"))]
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


def _watched(given: dict[str, object]) -> list[HookQuestion]:
    """What a monitor does, whose lines or frames become messages: it runs a command, or opens a web socket."""
    out = [HookQuestion("run", text(given, "command"))] if "command" in given else []
    if "ws" in given:
        socket = table(given, "ws")
        known("Monitor.ws", socket, "url protocols")
        scheme, _, rest = text(socket, "url").partition("://")
        if scheme not in {"ws", "wss"}:
            raise RefusedError("the address of the web socket begins in neither `ws://` nor `wss://`")
        out.append(HookQuestion("connect", f"http{scheme[2:]}://{rest}", method="GET"))
    if not out:
        raise RefusedError("the monitor names neither a command nor a web socket")
    return out


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
    return edited(tool, notebook_cell(given))


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
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "ENABLE_TOOL_SEARCH": "false",  # every tool is offered at once
    }  # fmt: skip


def _reply(path: str, body: dict[str, object], left: Iterator[Call]) -> bytes:
    """A turn of the Messages API."""
    from ..model_turns import messages_turn, offers

    if "count_tokens" in path:
        return b'{"input_tokens":1}'
    return messages_turn(body, next(left, None) if offers(body, "Bash") else None)


CLIENT = HookClient(
    name="claude",
    title="Claude Code",
    tried="2.1.332",
    events=("PreToolUse",),
    common={
        "session_id": "s", "transcript_path": "/t", "permission_mode": "default", "hook_event_name": "PreToolUse",
        "tool_use_id": "u",
    },
    workspace_variable="CLAUDE_PROJECT_DIR",
    tools=_TOOLS,
    harmless=_HARMLESS,
    operations=_OPERATIONS,
    mcp_mark="mcp__",
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
            "matcher": "*", "hooks": [{"type": "command", "command": command, "timeout": seconds, "onFailure": "block"}],
        },
        strict={"disableSkillShellExecution": True},
        managed={"disableAllHooks": False},
    ),
    rehearsal=RehearsalProtocol(
        command=_command,
        reply=_reply,
        run=lambda command: ("Bash", {"command": command, "description": "canary"}),
    ),
    bypasses=(
        ("before 2.1.295: the hook runs into the client's own limit, or the shell that starts it is killed, and the call proceeds", "a newer version, which knows `onFailure`; the hook gives up after 2 s, the client after 10 s"),
        ("lines `!`command`` of a skill or a slash command run when it is loaded, and only `do claude.Skill` is asked", "`disableSkillShellExecution`, which the installation sets where the settings do not say otherwise"),
        ("`@file` in a prompt reads a file without a hook", "`permissions.deny` rules for `Read` in managed settings"),
        ("`--setting-sources`, `disableAllHooks`, `--safe-mode` or `--bare` leaves user and project hooks out", "managed settings with `allowManagedHooksOnly`"),
        ("what was started in the background goes on, and reading its output is not decided again", "the command was decided when it began"),
        ("MCP servers and their resources run outside the client's sandbox", "`call` rules, and `allowedMcpServers` in managed settings"),
    ),
)  # fmt: skip
