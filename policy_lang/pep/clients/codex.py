"""Codex CLI's hooks `PreToolUse` and `PermissionRequest` (tried with 0.171.0).

Silence allows, and so does everything but a denial in its form or exit code 2. `ask` is not understood. What a tool
runs in is the hook input's `cwd`, which the agent chooses; the hook's own working folder is the session's workspace
(measured). The shell is the agent's choice as well, and the input does not name it: bash or sh, so a script is read as both.
"""

from __future__ import annotations

import os

from ...domain import strict_json
from ...domain.actions import ALLOW
from ..payload import HookContext, known, mcp_call, operation, patch, table, text
from ..questions import HookQuestion, Outcome
from .base import HookClient, RehearsalProtocol, SettingsForm

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..model_turns import Call

_HARMLESS = {
    "update_plan": "explanation plan", "request_user_input": "questions", "get_goal": "",
    "tool_search": "query limit",
    "create_goal": "objective token_budget", "update_goal": "status",
}  # fmt: skip
"""The plan and the goal of the conversation, and questions to the person; `tool_search` shows descriptions of tools."""
_AGENTS = ("close_agent", "resume_agent", "send_input", "spawn_agent", "wait_agent")
_OPERATIONS = frozenset(
    {
        "list_mcp_resource_templates", "list_mcp_resources", "read_mcp_resource", "request_permissions", *_AGENTS,
        *(f"multi_agent_v1{name}" for name in _AGENTS),  # the hook is shown both forms
    }
)  # fmt: skip
"""What starts agents and talks to them; their own calls are asked about. Resources come from MCP servers; what asks for
permissions asks for the sandbox's."""
_TOOLS = {"Bash": "command description", "apply_patch": "command description", "view_image": "path description detail"}


def questions(payload: dict[str, object], context: HookContext) -> list[HookQuestion]:
    """The questions about a call; none for a harmless one. Raises RefusedError when it is not understood."""
    tool, given = text(payload, "tool_name"), table(payload, "tool_input")
    out: list[HookQuestion] = []
    if payload.get("hook_event_name") == "PermissionRequest":
        out.append(HookQuestion("do", "sandbox.leave"))  # what is asked for is to run outside the sandbox
    if tool in _HARMLESS:
        known(tool, given, _HARMLESS[tool], context)
        return out
    if tool not in _TOOLS:
        return [*out, mcp_call(tool, given) if tool.startswith("mcp__") else operation("codex", tool, given)]
    known(tool, given, _TOOLS[tool], context)
    if tool == "Bash":
        command = text(given, "command")
        return [*out, HookQuestion("run", command, shell="bash"), HookQuestion("run", command, shell="sh")]
    if tool == "apply_patch":
        return [*out, patch(text(given, "command"))]
    return [*out, HookQuestion("read", text(given, "path"))]


def answer(outcome: Outcome, event: str, reason: str) -> object:
    """The answer in the client's form; None for silence, which lets its own flow go on."""
    if event == "PermissionRequest":
        behavior = {"behavior": "allow"} if outcome.effect == ALLOW else {"behavior": "deny", "message": reason}
        return {"hookSpecificOutput": {"hookEventName": event, "decision": behavior}}
    if outcome.effect == ALLOW:
        return None
    return {
        "hookSpecificOutput": {"hookEventName": event, "permissionDecision": "deny", "permissionDecisionReason": reason}
    }


def _command(address: str) -> tuple[list[str], dict[str, str]]:
    settings = {
        "model_provider": "rehearsal", "model_providers.rehearsal.name": "rehearsal", "model_providers.rehearsal.wire_api": "responses",
        "model_providers.rehearsal.base_url": f"{address}/v1",
    }  # fmt: skip
    words = ["codex", "exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", "-m", "gpt-5.5"]
    for name, value in settings.items():
        words += ["-c", f'{name}="{value}"']
    return [*words, "go"], {}


def _reply(path: str, body: dict[str, object], left: Iterator[Call]) -> bytes:  # noqa: ARG001
    """A turn of the Responses API; the argument of some tools, as `apply_patch`, is a text itself."""
    from ..model_turns import server_sent

    call = next(left, None)
    item: dict[str, object]
    if call is None:
        item = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "done"}]}
    elif isinstance(call[1], str):
        item = {"type": "custom_tool_call", "name": call[0], "input": call[1]}
    else:
        item = {"type": "function_call", "name": call[0], "arguments": strict_json.dump(call[1]).decode()}
    name = os.urandom(6).hex()
    usage = {
        "input_tokens": 1, "input_tokens_details": None, "output_tokens": 1, "output_tokens_details": None, "total_tokens": 2,
    }  # fmt: skip
    return server_sent([
        {"type": "response.created", "response": {"id": name}},
        {"type": "response.output_item.done", "item": {**item, "id": f"i-{name}", "call_id": f"c-{name}"}},
        {"type": "response.completed", "response": {"id": name, "usage": usage}},
    ])  # fmt: skip


CLIENT = HookClient(
    name="codex",
    title="Codex CLI",
    tried="0.171.0",
    events=("PreToolUse", "PermissionRequest"),
    common={
        "session_id": "s", "turn_id": "t", "model": "m", "permission_mode": "bypassPermissions", "hook_event_name": "PreToolUse",
    },
    workspace_folder=True,
    tools=_TOOLS,
    harmless=_HARMLESS,
    operations=_OPERATIONS,
    mcp_mark="mcp__",
    questions=questions,
    answer=answer,
    canary=lambda _, path: {"tool_name": "Bash", "tool_input": {"command": f"touch {path}"}},
    settings=SettingsForm(
        paths={"user": "{home}/.codex/config.toml", "managed": "/etc/codex/requirements.toml"},
        entry=lambda command, seconds: {
            "matcher": ".*", "hooks": [{"type": "command", "command": command, "timeout": seconds}],
        },
        managed={"allow_managed_hooks_only": True, "hooks": {"managed_dir": "{hook_folder}"}},
        toml=True,
        note="Codex skips hooks that nobody has trusted, without a word: run `codex`, open `/hooks`, trust this one, and"
        " run `policy doctor codex`",
    ),
    rehearsal=RehearsalProtocol(
        command=_command, reply=_reply, run=lambda command: ("exec_command", {"cmd": command}),
        unseen={
            "exec_command": "cmd workdir shell tty yield_time_ms max_output_tokens login sandbox_permissions justification prefix_rule",
            "write_stdin": "session_id chars yield_time_ms max_output_tokens", "web_search": "",
            "exec": "", "wait": "cell_id yield_time_ms max_tokens terminate",  # code mode: the hook is shown the calls that its code makes
        },
    ),
    bypasses=(
        ("a hook of the user's that nobody has trusted is skipped without a word", "the managed scope: `policy hook install codex --scope managed`"),
        ("any failure of the hook lets the call pass (exit 1, a time-out, a missing program)", "the command ends in `|| exit 2`, the hook gives up after 2 s"),
        ("`write_stdin` has no hook: what is typed into a running program is not decided", "grant no interactive shells or interpreters; `bash` alone is opaque and denied"),
        ("`web_search` runs at the model's provider, without a hook", "switch it off in managed settings (`web_search`)"),
        ("the shell that a command runs in is the agent's choice, and the input does not name it", "scripts are decided as bash and as sh; grant neither zsh nor others by path"),
        ("code mode (`exec`) has no hook of its own", "every call that its code makes is asked about, but for `write_stdin`"),
    ),
)  # fmt: skip
