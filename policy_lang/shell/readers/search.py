"""grep, rg and their kin: the first operand is a pattern unless an option gives it. From grep(1) and rg(1)."""

from __future__ import annotations

import re

from ...domain.search import SearchOptions
from ..access import path
from ..call import ProgramCall
from ..profile import Parsed
from ..values import NAMES, Hole, Value, literal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..host import ProgramHost


def search(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """`grep pattern files`: recursive ones read what lies below."""
    operands = list(parsed.operands)
    if any(parsed.has(n) for n in ("--version", "--help", "--type-list")):
        return True
    given = parsed.has("-e") or parsed.has("-f") or parsed.has("--files")
    if not given and operands and not operands[0].many:
        operands.pop(0)
    ripgrep = parsed.path[0] in {"rg", "ag"}
    walks = ripgrep or parsed.changes.tree
    if not operands and walks:
        operands = [literal(".")]
    follows = parsed.changes.linked or (ripgrep and parsed.has("-L"))
    options = _ripgrep(parsed) if ripgrep else SearchOptions(True, True, _globs(parsed, {"--include"}))
    names = "" if follows or not walks else _one_glob(options)
    found = options if ripgrep else None
    for value in operands:
        if names:
            path(shell.walk, "read", value)
            path(shell.walk, "read", value, "visible", names, search=found)
        elif walks:
            path(shell.walk, "read", value, "visible" if ripgrep else "existing", follows=follows, search=found)
        else:
            path(shell.walk, "read", value)
    return True


_EVERYTHING = frozenset({"-u", "--no-ignore", "--no-ignore-vcs", "--no-ignore-parent", "--ignore-file", "-L"})
"""Options with which hidden or ignored files may be read that are not otherwise."""


def _ripgrep(parsed: Parsed) -> SearchOptions:
    """What ripgrep looks into."""
    every = any(parsed.has(name) for name in _EVERYTHING)
    own = parsed.has("--type-add") or parsed.has("--type-clear")
    types = tuple("" if own else text for text in _values(parsed, {"-t"}))
    globs = _globs(parsed, {"-g", "--glob", "--iglob"})
    if parsed.has("--iglob") or parsed.has("--glob-case-insensitive"):
        globs = tuple(g if g.startswith("!") else "*" for g in globs)
    return SearchOptions(every or parsed.has("--hidden"), every, globs, types)


def _globs(parsed: Parsed, names: set[str]) -> tuple[str, ...]:
    """The globs of an option, in their order; any name for one that is not known."""
    return tuple(map(_glob, (g.value for g in parsed.options if names & set(g.option.names) and g.value is not None)))


def _glob(value: Value) -> str:
    """A glob as text. One that the shell may have expanded asks for what it matches, or for less."""
    holes = [p for p in value.parts if isinstance(p, Hole)]
    return "".join(p if isinstance(p, str) else "*" for p in value.parts) if NAMES.issuperset(holes) else "*"


def _values(parsed: Parsed, names: set[str]) -> list[str]:
    return [g.value.text or "" for g in parsed.options if names & set(g.option.names) and g.value is not None]


def _one_glob(options: SearchOptions) -> str:
    """The name that a search is for, where one plain glob says it and nothing else narrows it."""
    if len(options.globs) != 1 or options.types:
        return ""
    name = options.globs[0].removeprefix("**/")
    return name if re.fullmatch(r"[A-Za-z0-9_.*?-]+", name) is not None else ""
