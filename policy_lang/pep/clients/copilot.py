"""GitHub Copilot CLI's hook `preToolUse` (docs.github.com, hooks configuration; tried with 1.0.102).

Any exit code but 0 denies. Arguments come as an object, or as a JSON text of one. The answer `ask` denies when no
person is there, and the input does not say so; it is never given.
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
    mcp_calls,
    operation,
    patch,
    script,
    search_of_everything,
    stays_below,
    text,
)
from ..questions import HookQuestion, Outcome, RefusedError
from .base import HookClient, RehearsalProtocol, SettingsForm

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..model_turns import Call

_HARMLESS = {
    "report_intent": "intent", "update_todo": "todos", "ask_user": "question choices allow_freeform message requestedSchema", "read_bash": "shellId sessionId delay",
    "stop_bash": "shellId sessionId", "list_bash": "", "list_agents": "include_completed scope", "read_agent": "agent_id wait timeout since_turn",
}  # fmt: skip
"""`sql` is besides, as long as it reaches nothing but the session's own database. Intents, todos and questions to the person are the conversation itself; output and end of a shell or an agent are of
what a call before has started."""
_OPERATIONS = frozenset(
    {"fetch_copilot_cli_documentation", "session_store_sql", "skill", "store_memory", "task", "web_search", "write_agent"}
)  # fmt: skip
"""What starts agents and talks to them, whose own calls are asked about; what other sessions said, memory, and servers."""
_TOOLS = {
    "bash": "command description mode shellId sessionId initial_wait async detach timeout",
    "write_bash": "shellId sessionId input delay", "powershell": "command description mode shellId initial_wait detach",
    "view": "path view_range forceReadLargeFiles", "create": "path file_text", "edit": "path old_str new_str",
    "str_replace": "path old_str new_str", "glob": "pattern path paths", "apply_patch": "patch",
    "grep": "pattern path paths glob output_mode -A -B -C -n -i type head_limit multiline",
    "rg": "pattern path paths glob output_mode -A -B -C -n -i type head_limit multiline",
    "web_fetch": "url max_length start_index raw", "sql": "query description",
}  # fmt: skip
_REACHING = ("attach", "detach", "vacuum", "pragma", "load_extension", "readfile", "writefile", "virtual", "tokenizer")
"""Words of SQL that may lead out of a database. The program refuses those that were tried, and is not relied on."""
_MOST_FOLDERS = 64  # limit: hook_search_folders


def questions(payload: dict[str, object], context: HookContext) -> list[HookQuestion]:
    """The questions about a call; none for a harmless one. Raises RefusedError when it is not understood."""
    tool = text(payload, "toolName")
    given = _arguments(tool, payload.get("toolArgs"))
    if tool in _HARMLESS:
        known(tool, given, _HARMLESS[tool], context)
        return []
    if tool not in _TOOLS:
        return mcp_calls(tool, given, "-") if "-" in tool else [operation("copilot", tool, given)]
    known(tool, given, _TOOLS[tool], context)
    if tool == "bash":
        return [HookQuestion("run", text(given, "command"))]
    if tool == "write_bash":  # it is typed into what runs there, or else into the shell itself: as opaque as a shell is
        return [HookQuestion("run", ("bash",))]
    if tool == "powershell":
        return [script("pwsh", "-Command", text(given, "command"))]
    if tool == "view":
        return [HookQuestion("read", _place(given.get("path"), context))]
    if tool == "create":
        return [
            HookQuestion("write", _place(given.get("path"), context), content=whole(tool, text(given, "file_text", "")))
        ]
    if tool in {"edit", "str_replace"}:
        made = edited(tool, edit(given, "old_str", "new_str"))
        return [HookQuestion("write", _place(given.get("path"), context), content=made)]
    if tool == "sql":
        return [operation("copilot", tool, given)] if _reaches(text(given, "query")) else []
    if tool == "apply_patch":
        return [patch(text(given, "patch"))]
    if tool == "web_fetch":
        return [HookQuestion("connect", text(given, "url"), method="GET")]
    folders = _folders(given, context)
    if tool != "glob":
        return [search_of_everything(folder) for folder in folders]
    stays_below(text(given, "pattern", ""), "paths")
    return [listing(folder) for folder in folders]


def _reaches(query: str) -> bool:
    """True when a query has a word, outside plain texts, that may lead out of the database."""
    plain = query.count("'") % 2 == 0 and not any(mark in query for mark in ('"', "`", "[", "--", "/*"))
    words = (" ".join(query.split("'")[::2]) if plain else query).casefold()
    return any(word in words for word in _REACHING)


def _folders(given: dict[str, object], context: HookContext) -> list[str]:
    """Every folder, or file, that a search names, by either argument; the working folder when it names none."""
    named: list[object] = [given["path"]] if "path" in given else []
    more = given.get("paths")
    named += more if isinstance(more, list) else [more] if "paths" in given else []
    if len(named) > _MOST_FOLDERS:
        raise RefusedError(f"a search names more than {_MOST_FOLDERS} folders")
    out: list[str] = []
    for one in named or [context.cwd]:
        out.append(_place(one, context))
    return out


def _place(path: object, context: HookContext) -> str:
    """A path as the client reads it; it takes `~` for a name, which another version may take for the home.

    Raises RefusedError.
    """
    if not isinstance(path, str) or path.startswith("~"):
        raise RefusedError("what is named is not a path; name it from the working folder on, or from `/`")
    return absolute(path, context)


def _arguments(tool: str, value: object) -> dict[str, object]:
    """The arguments of a call; those of `apply_patch` may be the patch itself. Raises RefusedError."""
    if isinstance(value, str):
        if tool == "apply_patch" and value.startswith("*** Begin Patch"):
            return {"patch": value}
        value = strict_json.load(value.encode("utf-8"))
    if not isinstance(value, dict):
        raise RefusedError("the field `toolArgs` of the hook's input is missing or not an object")
    return value


def answer(outcome: Outcome, event: str, reason: str) -> object:  # noqa: ARG001
    """The answer in the client's form."""
    decision = {ALLOW: "allow", ASK: "ask"}.get(outcome.effect, "deny")
    return {"permissionDecision": decision, "permissionDecisionReason": reason}


def _command(address: str) -> tuple[list[str], dict[str, str]]:
    words = ["copilot", "--allow-all-tools", "--disable-builtin-mcps", "--no-auto-update", "--no-color", "--prompt=go"]
    return words, {
        "COPILOT_PROVIDER_BASE_URL": address, "COPILOT_PROVIDER_TYPE": "anthropic", "COPILOT_PROVIDER_API_KEY": "no-key-is-needed",
        "COPILOT_MODEL": "claude-sonnet-4.5", "COPILOT_OFFLINE": "true",
    }  # fmt: skip


def _reply(path: str, body: dict[str, object], left: Iterator[Call]) -> bytes:
    """A turn of the Messages API, which a model of one's own may speak."""
    from ..model_turns import messages_turn, offers

    if "count_tokens" in path:
        return b'{"input_tokens":1}'
    return messages_turn(body, next(left, None) if offers(body, "bash") else None)


CLIENT = HookClient(
    name="copilot",
    title="Copilot CLI",
    tried="1.0.102",
    events=("preToolUse",),
    common={"sessionId": "s", "timestamp": 1},
    workspace_variable="COPILOT_PROJECT_DIR",
    tools=_TOOLS,
    harmless=_HARMLESS,
    operations=_OPERATIONS,
    mcp_mark="-",
    questions=questions,
    answer=answer,
    canary=lambda workspace, path: {
        "toolName": "create", "toolArgs": {"path": f"{workspace}/{path}", "file_text": ""},
    },
    settings=SettingsForm(
        paths={
            "user": "{home}/.copilot/hooks/policy_lang.json",
            "project": "{workspace}/.github/hooks/policy_lang.json",
            "managed": "/etc/github-copilot/policy.d/50-policy_lang.json",
        },
        entry=lambda command, seconds: {"type": "command", "bash": command, "timeoutSec": seconds},
        defaults={"version": 1},
        void={
            "project": "Copilot skips a repository's hooks without a word where nobody has trusted the folder;"
            " take the user or the managed scope",
        },
    ),
    rehearsal=RehearsalProtocol(
        command=_command, reply=_reply, run=lambda command: ("bash", {"command": command, "description": "canary"}),
        unseen={"tool_search_tool": ""},
    ),
    bypasses=(
        ("a time-out, or the answer of another program that is not JSON, lets the call pass", "the hook gives up after 2 s, the client after 10 s"),
        ("hooks of a repository are skipped where the folder is not trusted", "the user or the managed scope"),
        ("`COPILOT_HOME` in its environment names other settings of the user's; `disableAllHooks` in them switches hooks off", "the managed scope (`/etc/github-copilot/policy.d`)"),
        ("MCP servers and extensions are programs of their own", "`call` rules; and who may add servers"),
    ),
)  # fmt: skip
