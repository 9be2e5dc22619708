"""Verdicts on trees of files: of a folder, whether all below it is allowed, nothing, or some; and a name that shows it.

A path's names below `/`, the workspace, the home and the temporary folder are followed together, one segment at a
time, so walking a disk costs a few look-ups a file.
"""

from __future__ import annotations

from ..automata.pattern import CONTROL
from ..domain.actions import ALLOW, ASK, DENY
from ..domain.limits import limit
from ..domain.record import record
from ..facts.paths import DEFAULT_TMP, HOME, ROOT, TMP, WORKSPACE
from .combine import Marks
from .paths import ORDINARY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal

    from ..automata.glob import Glob
    from ..automata.pattern import Word
    from ..automata.trie import Node
    from ..automata.walker import State
    from ..domain.decision import Verdict
    from ..domain.request import Request
    from .combine import Environment
    from .pdp import Engine
    from .table import Table

    Extent = Literal["all", "none", "some"]
    """Of what lies below a folder: all of it, none, or it depends on names."""

_ALLOWS, _ASKS, _RESTRICTS, _LIFTS = 1, 2, 4, 8
"""What rules say at a place or below: it is allowed, asked about, restricted; and a denial may not hold."""
_MOST_TRIED = limit("names_tried")
_DEEPEST = limit("names_depth")


@record(frozen=True, slots=True)
class TreePath:
    """A path, with where its names have led in the rules of one action."""

    word: tuple[str, ...]
    states: tuple[State, ...]
    odd: bool = False
    """Whether a segment cannot be in a request, so that everything from there on is denied."""

    @property
    def path(self) -> str:
        """The absolute path."""
        return "/" + "/".join(self.word)


class Places:
    """What a policy says of paths under one action, for the principal, folders and context of a request.

    The workspace and the home must be known. What is said of a path is what the engine decides of a `lexical` request
    for it.
    """

    def __init__(self, engine: Engine, action: str, like: Request) -> None:
        evaluator = engine.evaluator
        self._evaluator = evaluator
        self._action = action
        self._env: Environment = engine.environment(like)
        self._table: Table = evaluator.table(action)
        self._step = self._table.walker.step
        self._anchors: dict[Word, list[str]] = {}
        for anchor, folder in ((WORKSPACE, like.workspace), (HOME, like.home), (TMP, like.tmp or DEFAULT_TMP)):
            assert folder is not None
            self._anchors.setdefault(_split(folder), []).append(anchor)
        self._above = {word[:n] for word in self._anchors for n in range(len(word))}
        self._near = {word[:-1] for word in self._anchors}
        defaults = [d for d in engine.prepared.defaults if action in d.actions]
        self._always = _ASKS | _RESTRICTS if defaults else 0
        self._flags: dict[int, int] = {}
        self._filled: dict[Glob, str] = {}
        self._verdicts: dict[tuple[State, ...], Verdict] = {}
        self._extents: dict[tuple[State, ...], tuple[Extent, Extent]] = {}

    def root(self) -> TreePath:
        """The place of `/`."""
        return TreePath((), self._anchored((), (self._table.walker.walk((ROOT,)),)))

    def at(self, path: str) -> TreePath:
        """The place of an absolute, normal path."""
        place = self.root()
        for segment in _split(path):
            place = self.child(place, segment)
        return place

    def child(self, place: TreePath, name: str) -> TreePath:
        """The place of a name in a folder."""
        composed, odd = name, place.odd
        if not (name.isascii() and name.isprintable()) or "\\" in name:
            from unicodedata import normalize

            composed = normalize("NFC", name)
            odd = odd or any(_is_odd(c) for c in name)
        word = (*place.word, name)
        states = tuple(self._step(state, composed) for state in place.states)
        return TreePath(word, self._anchored(word, states) if word in self._anchors else states, odd)

    def _anchored(self, word: Word, states: tuple[State, ...]) -> tuple[State, ...]:
        found = [self._table.walker.walk((anchor,)) for anchor in self._anchors.get(word, ())]
        return (*states, *found)

    def verdict(self, place: TreePath) -> Verdict:
        """The verdict on the path itself. A path that no request can have is denied."""
        from ..domain.decision import Verdict

        if place.odd:
            return Verdict(DENY, reasons=("the path cannot be in a request",))
        found = self._verdicts.get(place.states)
        if found is None:
            marks = tuple(sorted({m for state in place.states for m in state.marks}))
            found = self._evaluator.decided(self._action, self._table, Marks(marks, marks), self._env, ())
            self._verdicts[place.states] = found
        return found

    def says(self, place: TreePath) -> Verdict | None:
        """The verdict on the path when a rule about it restricts it; None where one allows it, or none speaks of it."""
        found = self.verdict(place)
        spoken = found.effect != ALLOW and found.rules and not self._evaluator.combiner.by_default(found)
        return found if spoken else None

    def allows(self, place: TreePath, name: str) -> bool:
        """Whether a name in a folder is allowed; what a walk asks of most names."""
        if not name.isascii() or not name.isprintable() or "\\" in name or place.word in self._near:
            return self.verdict(self.child(place, name)).effect == ALLOW
        step = self._step
        found = self._verdicts.get(tuple([step(state, name) for state in place.states]))
        return (found or self.verdict(self.child(place, name))).effect == ALLOW

    def extent(self, place: TreePath, asked: bool = False) -> Extent:
        """How much below a folder is allowed; with `asked`, what people may approve counts as well.

        `all` and `none` are exact; `some` may turn out to be either.
        """
        if place.odd:
            return "none"
        if place.word in self._above:
            return "some"
        found = self._extents.get(place.states)
        if found is None:
            found = self._extents[place.states] = (self._extent(place, _ALLOWS), self._extent(place, _ALLOWS | _ASKS))
        return found[asked]

    def _extent(self, place: TreePath, wanted: int) -> Extent:
        flags = self._always
        for state in place.states:
            for node in state.nodes:
                flags |= self._reached(node)
        if not flags & wanted:
            return "none"
        first = self.child(place, ORDINARY)
        if self.child(first, ORDINARY).states != first.states:
            return "some"
        said = self.verdict(first)
        if said.effect == ALLOW:
            return "some" if flags & _RESTRICTS else "all"
        return "none" if said.effect == DENY and said.rules and not flags & _LIFTS else "some"

    def _reached(self, node: Node) -> int:
        """What rules say that end at a node or behind it."""
        found = self._flags.get(node.order)
        if found is not None:
            return found
        order: list[Node] = []
        todo = [node]
        seen = {node.order}
        while todo:
            one = todo.pop()
            order.append(one)
            for child in _children(one):
                if child.order not in seen and child.order not in self._flags:
                    seen.add(child.order)
                    todo.append(child)
        for one in reversed(order):
            flags = 0
            for mark in one.marks:
                flags |= self._said(mark)
            for child in _children(one):
                flags |= self._flags.get(child.order, 0)
            self._flags[one.order] = flags
        return self._flags[node.order]

    def _said(self, mark: int) -> int:
        entry, include = self._table.owners[mark]
        outcome = True if entry.condition < 0 else self._env.outcomes[entry.condition]
        if outcome is False:
            return 0
        if not include:
            return _RESTRICTS if entry.ref.effect == ALLOW else _LIFTS | _RESTRICTS
        if entry.ref.effect == ALLOW:
            return _ALLOWS | (_LIFTS if entry.override else 0)
        return (_ASKS | _RESTRICTS) if entry.ref.effect == ASK else _RESTRICTS

    def spelled_out(self, place: TreePath) -> list[str]:
        """The names in a folder that rules spell out from the root on: the way to what they are about."""
        nodes = [node for state in place.states for node in state.nodes if not node.loops]
        return sorted({name for node in nodes for name in node.literals or () if not name.startswith(CONTROL)})

    def names_below(self, place: TreePath, effects: frozenset[str]) -> Iterator[TreePath]:
        """Names below a folder on which the verdict has one of these effects, the shallowest first.

        They are made from the patterns, one for each way that rules tell names apart, as far as a bounded search goes.
        """
        todo = [place]
        tried = 0
        seen: set[tuple[State, ...]] = set()
        while todo:
            following: list[TreePath] = []
            for folder in todo:
                for name in self._telling(folder):
                    tried += 1
                    if tried > _MOST_TRIED:
                        return
                    found = self.child(folder, name)
                    if found.states in seen:
                        continue
                    seen.add(found.states)
                    if self.verdict(found).effect in effects:
                        yield found
                    if len(found.word) - len(place.word) < _DEEPEST:
                        following.append(found)
            todo = following

    def _telling(self, place: TreePath) -> list[str]:
        """The names that the patterns tell apart in a folder, and one of which they say nothing."""
        names: dict[str, None] = {"notes": None}
        if place.word in self._above:  # the way to the workspace, the home or the temporary folder
            deeper = len(place.word)
            names |= dict.fromkeys(
                word[deeper] for word in self._anchors if word[:deeper] == place.word and word[deeper:]
            )
        for state in place.states:
            for node in state.nodes:
                for literal in node.literals or ():
                    if not literal.startswith(CONTROL):
                        names[literal] = None
                for glob in node.globs or ():
                    if glob not in self._filled:
                        self._filled[glob] = glob.filled("a") or ""
                    if self._filled[glob]:
                        names[self._filled[glob]] = None
        return list(names)


def _children(node: Node) -> list[Node]:
    out = [*(node.literals or {}).values(), *(node.globs or {}).values()]
    return out + [n for n in (node.any, node.many) if n is not None]


def _split(path: str) -> tuple[str, ...]:
    return tuple(s for s in path.split("/") if s)


def _is_odd(character: str) -> bool:
    """True for what `facts.text` and `facts.paths` refuse in a path: controls, backslashes, halves of characters."""
    return (
        character < " "
        or "\x7f" <= character <= "\x9f"
        or character in "\u2028\u2029\\"
        or "\ud800" <= character <= "\udfff"
    )
