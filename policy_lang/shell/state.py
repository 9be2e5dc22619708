"""State of a shell at one point of a script, as far as it is known."""

from __future__ import annotations

from ..domain.limits import limit
from ..domain.record import field, record
from .tree import Command
from .values import UNKNOWN, UNKNOWN_MANY, Hole, Value, either

Binding = Value | tuple[Value, ...]
"""A variable's value; a tuple for an array."""

MOST_FOLDERS = limit("script_folders")
_FOLDERS = {Hole.HOME: "~", Hole.CWD: ".", Hole.TMP: "${tmp}"}


Ends = tuple["ShellState | None", "ShellState | None"]
"""The state after success and after failure; None when that does not happen."""


@record(slots=True)
class ShellState:
    """Variables, functions, working folders and options.

    `folders` are the working folders that are possible, as texts relative to where the script begins (or
    absolute, or in the home); None when it may be any. `args` are the positional parameters, None when
    unknown. Among the `variables` is `**` where it may stand for any depth, and `*` where a glob may become no word.
    `hidden` are the values that `local` variables of the running function hide, None for none. A function has every
    body it may have; None among them says that it may be no function at all. `branch` is the current one of the
    repository, where a command that surely succeeded has switched to it: see `repository.branch_left`.
    """

    variables: dict[str, Binding]
    functions: dict[str, tuple[Command | None, ...]]
    folders: tuple[str, ...] | None = ("",)
    before: tuple[str, ...] | None = None
    args: tuple[Value, ...] | None = None
    stop_on_error: bool = False
    hidden: dict[str, Binding | None] = field(default_factory=dict)
    branch: tuple[str, int, tuple[str, ...] | None] | None = None

    def copy(self) -> ShellState:
        """A copy for another way through the script."""
        return ShellState(
            dict(self.variables),
            dict(self.functions),
            self.folders,
            self.before,
            self.args,
            self.stop_on_error,
            dict(self.hidden),
            self.branch,
        )

    def hide(self, name: str) -> None:
        """Make a variable local to the running function."""
        if name not in self.hidden:
            self.hidden[name] = self.variables.get(name)

    def uncover(self, outer: dict[str, Binding | None]) -> None:
        """Give local variables their values outside again."""
        for name, value in self.hidden.items():
            if value is None:
                self.variables.pop(name, None)
            else:
                self.variables[name] = value
        self.hidden = dict(outer)

    def forget(self) -> None:
        """Something changed the shell in a way that is not known."""
        self.forget_values()
        self.folders = self.before = self.args = None

    def forget_values(self) -> None:
        """Every variable may have any value; an array stays one."""
        self.variables = {n: (UNKNOWN_MANY,) if isinstance(v, tuple) else UNKNOWN for n, v in self.variables.items()}

    def enter(self, folder: str) -> None:
        """Change the working folder; `folder` as a path text."""
        self.before = self.folders
        if folder.startswith(("/", "~", "${tmp}")):
            self.folders = (folder,)
        elif self.folders is not None:
            self.folders = tuple(dict.fromkeys(join_folder(f, folder) for f in self.folders))


def join_folder(folder: str, path: str) -> str:
    """A path text below a folder text; `path` is relative."""
    if not folder:
        return path
    return f"{folder.rstrip('/')}/{path}" if path else folder


def folder_text(value: Value) -> str | None:
    """A folder as a path text that means the same here, or None. The beginning may be a known place."""
    parts = value.parts
    prefix = ""
    if parts and parts[0] in _FOLDERS:
        prefix = _FOLDERS[parts[0]]
        parts = parts[1:]
        if parts and not (isinstance(parts[0], str) and parts[0].startswith("/")):
            return None
    rest = "".join(p for p in parts if isinstance(p, str))
    if len(parts) > 1 or any(not isinstance(p, str) for p in parts) or value.many:
        return None
    if prefix:
        return prefix + rest if prefix != "." else rest.lstrip("/")
    return f"./{rest}" if rest.startswith(("~", "$")) else rest


def covering(first: Binding, second: Binding) -> Binding:
    """What covers both values; an array if one of them may be one."""
    if isinstance(first, Value) and isinstance(second, Value):
        return either(first, second)
    return (UNKNOWN_MANY,)


def merge(first: ShellState | None, second: ShellState | None) -> ShellState | None:
    """The state that covers both. None stands for a point that is not reached."""
    if first is None or first is second:
        return second
    if second is None:
        return first
    variables = dict(first.variables)
    if variables != second.variables:
        variables = {}
        for name in {**first.variables, **second.variables}:
            a, b = first.variables.get(name, UNKNOWN), second.variables.get(name, UNKNOWN)
            variables[name] = a if a == b else covering(a, b)
    functions = dict(first.functions)
    if functions != second.functions:
        functions = {}
        for name in {**first.functions, **second.functions}:
            both = (*first.functions.get(name, ()), *second.functions.get(name, ()))
            kept = [c for i, c in enumerate(both) if not any(c is o for o in both[:i])]
            maybe = name not in first.functions or name not in second.functions
            functions[name] = (*kept, None) if maybe and None not in kept else tuple(kept)
    folders: tuple[str, ...] | None = None
    if first.folders is not None and second.folders is not None:
        folders = tuple(dict.fromkeys((*first.folders, *second.folders)))
        if len(folders) > MOST_FOLDERS:
            folders = None
    return ShellState(
        variables,
        functions,
        folders,
        first.before if first.before == second.before else None,
        first.args if first.args == second.args else None,
        first.stop_on_error and second.stop_on_error,
        {
            name: first.hidden[name]
            if name in first.hidden and name in second.hidden and first.hidden[name] == second.hidden[name]
            else UNKNOWN
            for name in {**first.hidden, **second.hidden}
        },
        first.branch if first.branch == second.branch else None,
    )


def merge_ends(ways: list[Ends]) -> Ends:
    """What covers all ways that a command may go."""
    ok, bad = ways[0]
    for a, b in ways[1:]:
        ok, bad = merge(ok, a), merge(bad, b)
    return ok, bad
