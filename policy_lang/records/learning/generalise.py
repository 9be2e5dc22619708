"""From what was seen to patterns: exact, unless enough different values lie in one place and none there was denied.

A *place* is the beginning of a word: a folder, a ref's namespace, a program with its subcommand. What lies in a place
is generalised when at least `evidence` different values were seen there, and never over something that was denied.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from ...facts.paths import HOME, ROOT, TMP, WORKSPACE
from .observe import Seen, Word, together

_EXTENSION = re.compile(r"\.([A-Za-z0-9]{1,12})\Z")
_SUBCOMMAND = re.compile(r"[a-z][a-z0-9:_-]*\Z")
_EXTENSIONS = 3
"""So many kinds of files are named; where more were seen, any may be meant."""


@dataclass(slots=True)
class Shape:
    """A pattern in the making: a place and what is granted in it.

    `below` is `` (the place itself), `*` (one level) or `**` (any depth); `extensions` narrow it to such files.
    `values` counts the different values that it stands for.
    """

    place: Word
    below: str = ""
    extensions: tuple[str, ...] = ()
    values: int = 1
    seen: Seen = field(default_factory=Seen)

    @property
    def general(self) -> bool:
        """True for what reaches further than what was seen."""
        return bool(self.below) or self.values > 1

    @property
    def judge(self) -> bool:
        """True for what a person must judge."""
        return self.general and self.values > 1


@dataclass(slots=True)
class Bounds:
    """How far may be generalised: `least(place)` how many different values there must be, or 0 for never.

    `denied` are words that no pattern may reach; `blocked` places that turned out to be too wide.
    """

    least: Callable[[Word], int]
    denied: frozenset[Word]
    blocked: frozenset[Word]

    def reaches_denied(self, place: Word, below: str, extensions: tuple[str, ...]) -> bool:
        """True when something that was denied lies in there."""
        for word in self.denied:
            if word[: len(place)] != place or len(word) == len(place):
                continue
            if below == "*" and len(word) != len(place) + 1 and word[-1] != "**":
                continue
            if extensions and word[-1] != "**" and _extension(word[-1]) not in extensions:
                continue
            return True
        return False


@dataclass(slots=True)
class _Prefix:
    children: dict[str, _Prefix] = field(default_factory=dict)
    seen: Seen | None = None


def shapes(values: dict[Word, Seen], bounds: Bounds, files: bool) -> list[Shape]:
    """The patterns that stand for all values, in the order of their text. `files` looks at extensions."""
    root = _Prefix()
    for word, seen in sorted(values.items()):
        node = root
        for part in word:
            node = node.children.setdefault(part, _Prefix())
        node.seen = seen
    return list(_visit(root, (), bounds, files))


def _visit(node: _Prefix, place: Word, bounds: Bounds, files: bool) -> list[Shape]:
    own = [] if node.seen is None else [Shape(place, seen=node.seen)]
    below = [s for part, child in node.children.items() for s in _visit(child, (*place, part), bounds, files)]
    least = bounds.least(place)
    if least and len(below) >= least and place not in bounds.blocked:
        whole = _together(place, below, files)
        if not bounds.reaches_denied(place, whole.below, whole.extensions):
            return [*own, whole]
    return [*own, *below]


def _together(place: Word, below: list[Shape], files: bool) -> Shape:
    depth = {len(s.place) - len(place) + (1 if s.below else 0) for s in below}
    flat = depth == {1} and not any(s.place[-1] == "**" or s.below == "**" for s in below)
    found = {e for s in below for e in (s.extensions or (_extension(s.place[-1]) if not s.below else "",))}
    extensions = tuple(sorted(found)) if files and "" not in found and len(found) <= _EXTENSIONS else ()
    seen = together(s.seen for s in below)
    return Shape(place, "*" if flat else "**", extensions, sum(s.values for s in below), seen)


def _extension(name: str) -> str:
    found = _EXTENSION.search(name)
    return found[1] if found and not name.startswith(".") else ""


# how much evidence each kind of place wants


def path_least(evidence: int, writes: bool) -> Callable[[Word], int]:
    """Folders: one below a home, two below the root of the disk; the workspace as a whole is only ever read."""

    def least(place: Word) -> int:
        if not place:
            return 0
        root, depth = place[0], len(place) - 1
        if root == WORKSPACE:
            return evidence if depth or not writes else 0
        if root == HOME:
            return evidence if depth >= 1 and not (depth == 1 and place[1].startswith(".")) else 0
        if root == ROOT:
            return evidence if depth >= 2 else 0
        return evidence if root == TMP else 0

    return least


def ref_least(evidence: int) -> Callable[[Word], int]:
    """Refs: a namespace below `refs/heads` or `refs/tags` of one remote, never all of them."""
    return lambda place: evidence if len(place) >= 4 and place[1] == "refs" else 0


def never(place: Word) -> int:  # noqa: ARG001 (of the same shape as the others)
    """Nothing is generalised."""
    return 0


def command_least(values: Iterable[Word], evidence: int) -> Callable[[Word], int]:
    """Commands: behind a subcommand; behind the program when its words are surely arguments.

    Words such as `status` are taken for subcommands, unless there are so many that they cannot be.
    """
    first: dict[str, set[str]] = {}
    for word in values:
        if len(word) > 1:
            first.setdefault(word[0], set()).add(word[1])

    def least(place: Word) -> int:
        if len(place) == 1:
            words = first.get(place[0], set())
            named = sum(1 for w in words if _SUBCOMMAND.match(w))
            return evidence if named * 5 <= len(words) else evidence * 8
        return evidence if len(place) == 2 and _SUBCOMMAND.match(place[1]) else 0

    return least


def verb_shapes(values: dict[Word, Seen], bounds: Bounds, evidence: int) -> Iterator[Shape]:
    """Tools of one server by their verb: `github.get_*`."""
    groups: dict[Word, list[Word]] = {}
    for word in sorted(values):
        verb, line, _ = word[-1].partition("_")
        groups.setdefault((*word[:-1], f"{verb}_*") if line and len(word) > 1 else word, []).append(word)
    for place, words in groups.items():
        denied = any(d[:-1] == place[:-1] and d[-1].startswith(place[-1][:-1]) for d in bounds.denied)
        if len(words) >= evidence and not denied and place not in bounds.blocked:
            yield Shape(place, "verb", (), len(words), together(values[w] for w in words))
        else:
            yield from (Shape(w, seen=values[w]) for w in words)
