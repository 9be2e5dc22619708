"""Access to a hook's input: fields that are there, of their type, and none besides."""

from __future__ import annotations

from .content import compared, given
from .questions import HookQuestion, RefusedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Sequence


class HookContext:
    """The context of a call; what was fixed at the installation comes before what the client says.

    `accepted` are arguments, as `TOOL.ARGUMENT`, that a person said change nothing; `ignored` those of them that came.
    """

    __slots__ = ("accepted", "cwd", "home", "ignored", "session", "workspace")

    def __init__(
        self, workspace: str, cwd: str, home: str, session: str = "", accepted: frozenset[str] = frozenset()
    ) -> None:
        self.workspace = workspace
        self.cwd = cwd
        self.home = home
        self.session = session
        self.accepted = accepted
        self.ignored: list[str] = []


def text(value: dict[str, object], name: str, default: str | None = None) -> str:
    """A field that is a text. Raises RefusedError when it is missing or something else."""
    found = value.get(name, default)
    if not isinstance(found, str):
        raise RefusedError(f"the field `{name}` of the hook's input is missing or not a string")
    return found


def edit(value: object, old: str, new: str, every: str = "") -> dict[str, object]:
    """One edit of a file, as its content has it, of an object with these fields. Raises RefusedError."""
    if not isinstance(value, dict):
        raise RefusedError("an edit in the hook's input is not an object")
    made: dict[str, object] = {"old": text(value, old), "new": text(value, new)}
    return {**made, "all": True} if every and value.get(every) not in {None, False} else made


def notebook_cell(given: dict[str, object]) -> dict[str, object]:
    """One edit of a notebook's cell, as its content has it. Raises RefusedError."""
    cell: dict[str, object] = {"new": text(given, "new_source", "")}
    for name, field in (("cell", "cell_id"), ("mode", "edit_mode"), ("kind", "cell_type")):
        if given.get(field) is not None:
            cell[name] = text(given, field)
    return cell


def table(value: dict[str, object], name: str) -> dict[str, object]:
    """A field that is an object. Raises RefusedError."""
    found = value.get(name)
    if not isinstance(found, dict):
        raise RefusedError(f"the field `{name}` of the hook's input is missing or not an object")
    return found


def known(tool: str, arguments: dict[str, object], names: str, context: HookContext | None = None) -> None:
    """Every field of a tool's input is one whose meaning is known, or was accepted. Raises RefusedError."""
    allowed = names.split()
    for name in arguments:
        if name in allowed or "*" in allowed:
            continue
        said = f"the tool `{tool}` was given `{name[:80]}`, which is not a known argument"
        if context is None:
            raise RefusedError(said)
        whole = f"{tool}.{name}"
        if whole not in context.accepted:
            remediation = (
                f"a person who knows that it changes nothing that is decided can add `--accept-argument {whole[:120]}`"
            )
            raise RefusedError(f"{said}; {remediation} to the hook (`policy hook install`)")
        context.ignored.append(whole)


MOST_ACCEPTED = 64  # limit: hook_accepted_arguments


def accepted_arguments(client: str, tools: Container[str], names: Sequence[str]) -> frozenset[str]:
    """Arguments of `tools`, as `TOOL.ARGUMENT`, that a person accepted. Raises RefusedError for what cannot be one.

    One that is known by now is decided by, whatever was accepted.
    """
    if len(names) > MOST_ACCEPTED:
        raise RefusedError(f"more than {MOST_ACCEPTED} arguments are accepted; ask for a version that knows them")
    for name in names:
        tool, _, argument = name.partition(".")
        if tool not in tools:
            raise RefusedError(
                f"`--accept-argument {name[:80]}`: no tool `{tool[:80]}` of `{client}` has its arguments looked at"
            )
        if not argument or not argument.isascii() or not argument.isprintable() or set(argument) & {" ", ","}:
            raise RefusedError(f"`--accept-argument {name[:80]}` is not of the form TOOL.ARGUMENT")
    return frozenset(names)


def absolute(path: str, context: HookContext) -> str:
    """A folder's path; one that is relative starts at the working folder."""
    return path if path.startswith("/") else f"{context.cwd.rstrip('/')}/{path}"


def mcp_call(name: str, arguments: object, prefix: str = "mcp__", separator: str = "__") -> HookQuestion:
    """The call of an MCP tool by the name that clients give it, `mcp__SERVER__TOOL`. Raises RefusedError.

    A name with a further separator could be another server's, and one with a dot another tool's: both are refused.
    """
    server, _, tool = name.removeprefix(prefix).partition(separator)
    if not server or not tool or separator in tool or "." in name or not name.isascii() or not name.isprintable():
        raise RefusedError(f"the tool name `{name[:80]}` is ambiguous")
    return HookQuestion("call", f"{server}.{tool}", content=given(name, arguments), arguments=compared(arguments))


_MOST_READINGS = 8  # limit: hook_name_readings


def mcp_calls(name: str, arguments: object, separator: str) -> list[HookQuestion]:
    """The call of an MCP tool by a name, `SERVER-TOOL`, whose parts may have the separator in them as well.

    Every reading of the name is asked about, and the strictest answer counts. Raises RefusedError.
    """
    cuts = [i for i, c in enumerate(name) if c == separator and 0 < i < len(name) - 1]
    if not cuts or len(cuts) > _MOST_READINGS or "." in name or not name.isascii() or not name.isprintable():
        raise RefusedError(f"the tool name `{name[:80]}` is ambiguous")
    content, known = given(name, arguments), compared(arguments)
    return [HookQuestion("call", f"{name[:i]}.{name[i + 1 :]}", content=content, arguments=known) for i in cuts]


def script(interpreter: str, option: str, code: str) -> HookQuestion:
    """Code in a language that is not read here: its interpreter is run with it."""
    return HookQuestion("run", (interpreter, option, code))


def search(path: str, *options: str, narrower: str = "") -> HookQuestion:
    """A search of the contents below a folder: the reads of ripgrep with these options, whatever it looks for."""
    return HookQuestion("run", ("rg", *options, "-e", "x", "--", path), narrower, inner=True)


def search_of_everything(path: str) -> HookQuestion:
    """A search by a tool of which it is not known what it leaves out."""
    return search(path, "--hidden", "--no-ignore")


def listing(path: str) -> HookQuestion:
    """The names of the files below a folder, and not what is in them: a read of the folder, as `ls` does."""
    return HookQuestion("read", path)


def stays_below(pattern: str, argument: str) -> None:
    """Refuse a glob that may lead out of its folder. `argument` is the one that names the folder."""
    starts = ("/", "~", "$")
    if ".." in pattern or pattern.startswith(starts) or any(f"{c}/" in pattern for c in "{,(|"):
        raise RefusedError(f"the pattern leaves its folder; name the folder by `{argument}`")


def patch(change: str) -> HookQuestion:
    """The files that a patch in Codex's form changes."""
    return HookQuestion("run", ("apply_patch", change), inner=True)


def operation(client: str, tool: str, arguments: object) -> HookQuestion:
    """A tool without a meaning of its own here: the operation `CLIENT.TOOL`, which a rule about `do` may grant."""
    if not tool.isascii() or not tool.replace("_", "").replace("-", "").isalnum():
        raise RefusedError(f"the tool name `{tool[:80]}` is not plain")
    return HookQuestion("do", f"{client}.{tool}", content=given(tool, arguments))
