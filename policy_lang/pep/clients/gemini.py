"""Gemini CLI's hook `BeforeTool` (tried with 0.61.0). It knows `allow` and `deny`; exit code 2 denies, others pass."""

from __future__ import annotations

import os

from ...domain import strict_json
from ...domain.actions import ALLOW
from ..content import edited, whole
from ..payload import HookContext, absolute, edit, known, listing, mcp_call, operation, search, stays_below, table, text
from ..questions import HookQuestion, Outcome, RefusedError
from .base import HookClient, RehearsalProtocol, SettingsForm

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..model_turns import Call

_HARMLESS = {
    name: f"{arguments} wait_for_previous"
    for name, arguments in {
        "write_todos": "todos", "ask_user": "questions", "enter_plan_mode": "reason", "exit_plan_mode": "plan_path plan_filename",
        "complete_task": "*", "get_internal_docs": "path", "update_topic": "title summary strategic_intent",
        "list_background_processes": "", "read_background_output": "pid lines delay_ms",
    }.items()
}  # fmt: skip
"""Todos, topic, plan mode and questions to the person are the conversation itself; the documents are the client's own;
the background output is that of commands which calls before have started, and no other process's. What `complete_task`
hands back has names that each sub-agent gives itself."""
_OPERATIONS = frozenset(
    {"activate_skill", "cli_help", "codebase_investigator", "generalist", "google_web_search", "invoke_agent", "list_mcp_resources", "read_mcp_resource", "save_memory"}
)  # fmt: skip
"""What starts agents, whose own calls are asked about; skills, resources of MCP servers, and the memory, which is a file."""
_TOOLS = {
    name: f"{arguments} wait_for_previous"  # the order of calls, which every tool may be given
    for name, arguments in {
        "run_shell_command": "command description dir_path directory is_background delay_ms",
        "read_file": "file_path absolute_path path start_line end_line offset limit",
        "write_file": "file_path content",
        "replace": "file_path instruction old_string new_string allow_multiple expected_replacements",
        "list_directory": "dir_path path ignore file_filtering_options",
        "glob": "pattern dir_path path case_sensitive respect_git_ignore respect_gemini_ignore",
        "grep_search": "pattern dir_path path include include_pattern exclude_pattern names_only max_matches_per_file"
        " total_max_matches case_sensitive fixed_strings context after before no_ignore",
        "search_file_content": "pattern dir_path path include include_pattern exclude_pattern names_only"
        " max_matches_per_file total_max_matches case_sensitive fixed_strings context after before no_ignore",
        "web_fetch": "prompt url",
    }.items()
}  # fmt: skip


def questions(payload: dict[str, object], context: HookContext) -> list[HookQuestion]:
    """The questions about a call; none for a harmless one. Raises RefusedError when it is not understood."""
    tool, given = text(payload, "tool_name"), table(payload, "tool_input")
    if tool in _HARMLESS:
        known(tool, given, _HARMLESS[tool], context)
        return []
    if tool not in _TOOLS:
        mcp = payload.get("mcp_context")
        if mcp is None and not tool.startswith("mcp_"):
            return [operation("gemini", tool, given)]
        if isinstance(mcp, dict) and isinstance(mcp.get("server_name"), str) and isinstance(mcp.get("tool_name"), str):
            return [mcp_call(f"mcp__{mcp['server_name']}__{mcp['tool_name']}", given)]
        raise RefusedError(f"it is ambiguous which server's tool `{tool[:80]}` is")
    known(tool, given, _TOOLS[tool], context)
    folders = [n for n in ("dir_path", "directory", "path") if n in given and tool != "read_file"]
    if len(folders) > 1:
        raise RefusedError("it is ambiguous which folder is meant")
    folder = absolute(text(given, folders[0]) if folders else ".", context)
    if tool == "run_shell_command":
        return [HookQuestion("run", text(given, "command"), cwd=folder)]
    if tool == "read_file":
        named = [n for n in ("file_path", "absolute_path", "path") if n in given]
        if len(named) != 1:
            raise RefusedError("it is ambiguous which file is read")
        return [HookQuestion("read", text(given, named[0]))]
    if tool == "write_file":
        return [HookQuestion("write", text(given, "file_path"), content=whole(tool, text(given, "content")))]
    if tool == "replace":
        return [HookQuestion("write", text(given, "file_path"), content=_replaced(given))]
    if tool == "web_fetch":
        return _fetched(text(given, "prompt", ""), text(given, "url", ""))
    if tool in {"grep_search", "search_file_content"}:
        return _searches(folder, given)
    stays_below(text(given, "pattern", ""), "dir_path")
    return [listing(folder)]


def _replaced(given: dict[str, object]) -> dict[str, object]:
    """The content of `replace`: how many places it may change is part of it."""
    every = given.get("allow_multiple") not in {None, False} or given.get("expected_replacements") not in {None, 1}
    made = edit(given, "old_string", "new_string")
    return edited("replace", {**made, "all": True} if every else made)


def _searches(folder: str, given: dict[str, object]) -> list[HookQuestion]:
    """The searches that the tool may do (read in 0.61.0).

    It takes a ripgrep that it has fetched, else `git grep`, else `grep -r`, else its own, which follows links; a pattern
    that one of them refuses leads to the next. So what is ignored counts as read, but for the folders that all but
    ripgrep and git leave out. `include_pattern` means something else to each: what it may take is believed of a name's
    ending alone, and that it leaves out, since what takes no `!` finds nothing then.
    """
    include = text(given, "include_pattern", text(given, "include", ""))
    ending = include.removeprefix("**/")
    believed = include.startswith("!") or (ending.startswith("*.") and "*" not in ending[1:] and "?" not in ending)
    globs = [f"--glob={include}"] if believed and include.isascii() and include.isprintable() else []
    narrower = "" if include else 'include_pattern: "{}"'
    if given.get("no_ignore") not in {None, False}:
        return [search(folder, "--hidden", "--no-ignore", "-L", *globs, narrower=narrower)]
    left_out = [f"--glob=!{name}/" for name in (".git", "node_modules", "bower_components", ".svn", ".hg")]
    every = search(folder, "--hidden", "--no-ignore", "-L", *globs, *left_out, narrower=narrower)
    return [every, search(folder, "--hidden", *globs, left_out[0], narrower=narrower)]


def _fetched(prompt: str, url: str) -> list[HookQuestion]:
    """The client fetches each word of the prompt that has `://` in it, as a whole: so is each asked about, as a whole.

    What another reader could cut elsewhere, or take for no blank, is refused.
    """
    if any(not (c.isprintable() or c in "\t\n\r") for c in prompt + url):
        raise RefusedError("the prompt has characters that are not printable, so its addresses are ambiguous")
    found = dict.fromkeys(word for word in (*prompt.split(), *([url] if url else [])) if "://" in word or word is url)
    if not found:
        raise RefusedError("the input does not name the address to fetch")
    return [HookQuestion("connect", word, method="GET") for word in found]


def answer(outcome: Outcome, event: str, reason: str) -> object:  # noqa: ARG001
    """The answer in the client's form."""
    if outcome.effect == ALLOW:
        return {"decision": "allow"}
    return {"decision": "deny", "reason": reason}


def _command(address: str) -> tuple[list[str], dict[str, str]]:
    words = ["gemini", "--yolo", "-m", "gemini-2.5-pro", "-p", "go"]
    return words, {
        "GOOGLE_GEMINI_BASE_URL": address, "GEMINI_API_KEY": "no-key-is-needed", "GEMINI_CLI_TRUST_WORKSPACE": "true",
    }  # fmt: skip


def _reply(path: str, body: dict[str, object], left: Iterator[Call]) -> bytes:
    """A turn of `generateContent`."""
    if "countTokens" in path:
        return b'{"totalTokens":1}'
    call = next(left, None) if body.get("tools") else None
    part: dict[str, object] = {"text": "done" if body.get("tools") else "{}"}
    if call is not None:
        part = {"functionCall": {"name": call[0], "args": call[1], "id": os.urandom(6).hex()}}
    text = strict_json.dump({
        "candidates": [{"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}, "modelVersion": "none",
    })  # fmt: skip
    return b"data: " + text + b"\n\n" if "stream" in path else text


CLIENT = HookClient(
    name="gemini",
    title="Gemini CLI",
    tried="0.61.0",
    events=("BeforeTool",),
    common={
        "session_id": "s", "transcript_path": "/t", "hook_event_name": "BeforeTool", "timestamp": "2026-01-01T00:00:00Z",
    },
    workspace_variable="GEMINI_PROJECT_DIR",
    tools=_TOOLS,
    harmless=_HARMLESS,
    operations=_OPERATIONS,
    mcp_mark="mcp_",
    questions=questions,
    answer=answer,
    canary=lambda workspace, path: {
        "tool_name": "write_file", "tool_input": {"file_path": f"{workspace}/{path}", "content": ""},
    },
    settings=SettingsForm(
        paths={
            "user": "{home}/.gemini/settings.json",
            "project": "{workspace}/.gemini/settings.json",
            "managed": "/etc/gemini-cli/settings.json",
        },
        entry=lambda command, seconds: {
            "matcher": ".*",
            "hooks": [{"type": "command", "name": "policy_lang", "command": command, "timeout": seconds * 1000}],
        },
    ),
    rehearsal=RehearsalProtocol(
        command=_command,
        reply=_reply,
        run=lambda command: ("run_shell_command", {"command": command, "description": "canary"}),
        # it asks how to sign in unless some settings say it; these are the weakest of all
        defaults=("GEMINI_CLI_SYSTEM_DEFAULTS_PATH", '{"security":{"auth":{"selectedType":"gemini-api-key"}}}'),
    ),
    bypasses=(
        ("an exit code other than 0 and 2, or a time-out, only warns", "the command ends in `|| exit 2`, the hook gives up after 2 s"),
        ("an untrusted folder's settings are ignored, or a trusted one's switch hooks off", "the managed scope (`/etc/gemini-cli/settings.json`)"),
        ("`GEMINI_CLI_SYSTEM_SETTINGS_PATH` in its environment names other system settings", "start it by a wrapper that unsets it"),
        ("extensions and MCP servers are programs of their own", "`call` rules, and `mcp.allowed` in system settings"),
    ),
)  # fmt: skip
