"""Access to a hook's input: fields that are there, of their type, and none besides."""

from __future__ import annotations

from .content import given
from .questions import HookQuestion, RefusedError


class HookContext:
    """The context of a call; what was fixed at the installation comes before what the client says."""

    __slots__ = ("cwd", "home", "session", "workspace")

    def __init__(self, workspace: str, cwd: str, home: str, session: str = "") -> None:
        self.workspace = workspace
        self.cwd = cwd
        self.home = home
        self.session = session


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


def table(value: dict[str, object], name: str) -> dict[str, object]:
    """A field that is an object. Raises RefusedError."""
    found = value.get(name)
    if not isinstance(found, dict):
        raise RefusedError(f"the field `{name}` of the hook's input is missing or not an object")
    return found


def known(tool: str, arguments: dict[str, object], names: str) -> None:
    """Every field of a tool's input is one whose meaning is known. Raises RefusedError."""
    allowed = names.split()
    for name in arguments:
        if name not in allowed:
            raise RefusedError(f"the tool `{tool}` was given `{name}`, which is not a known argument")


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
    return HookQuestion("call", f"{server}.{tool}", content=given(name, arguments))


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
