"""Verdicts on trees of files: of a folder, whether all below it is allowed, nothing, or some; and a name that shows it.

A path's names below `/`, the workspace, the home and the temporary folder are followed together, one segment at a
time, so walking a disk costs a few look-ups a file.
"""

from __future__ import annotations

from collections import deque

from ..automata.pattern import CONTROL
from ..domain.actions import ALLOW, ASK, DENY
from ..domain.errors import SearchLimitError
from ..domain.limits import limit
from ..domain.record import record
from ..facts.paths import DEFAULT_TMP, HOME, ROOT, TMP, WORKSPACE
from .combine import Marks
from .paths import ORDINARY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
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


@record(frozen=True, slots=True)
class _Names:
    """What rules say of names in folders that stand alike: which are spoken of, and where all others lead.

    `first` and `last` are beginnings and ends of which every name that a glob of the form BEGINNING*END matches has
    one, `globs` those of other forms.
    """

    literals: frozenset[str]
    first: tuple[str, ...]
    last: tuple[str, ...]
    globs: tuple[Glob, ...]
    others: tuple[State, ...]

    def spoken(self, names: Sequence[str]) -> Sequence[str]:
        """Those of some names that a rule may speak of; all where some are written in more than one way."""
        if not _is_plain("".join(names)):
            return names
        literals, first, last, globs = self.literals, self.first, self.last, self.globs
        return [
            name
            for name in names
            if name in literals
            or name.startswith(first)
            or name.endswith(last)
            or (globs and any(glob.matches(name) for glob in globs))
        ]


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
        self._names: dict[tuple[State, ...], _Names | None] = {}
        self._looser: dict[tuple[tuple[State, ...], tuple[State, ...]], str | None] = {}
        self._restricting: dict[tuple[State, ...], frozenset[int]] = {}
        self._usual = self.child(self.at(str(like.workspace)), ORDINARY)

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
        known = self._names.get(place.states)
        if known is not None and not known.spoken((name,)):
            odd, states = place.odd, known.others
        elif _is_plain(name):
            odd, states = place.odd, tuple([self._step(state, name) for state in place.states])
        else:
            from unicodedata import normalize

            composed = normalize("NFC", name)
            odd = place.odd or any(_is_odd(c) for c in name)
            states = tuple([self._step(state, composed) for state in place.states])
        word = (*place.word, name)
        return TreePath(word, self._anchored(word, states) if word in self._anchors else states, odd)

    def _told_apart(self, place: TreePath) -> _Names | None:
        """What rules say of names in a folder; None where they speak of too many to have them at hand."""
        if place.states not in self._names:
            self._names[place.states] = self._learnt(place.states)
        return self._names[place.states]

    def _learnt(self, states: tuple[State, ...]) -> _Names | None:
        nodes = [node for state in states for node in state.nodes]
        if sum(len(node.literals or ()) for node in nodes) > _MOST_TRIED:
            return None
        globs = {glob for node in nodes for glob in node.globs or ()}
        ends = {glob: glob.literal_ends or ("", "") for glob in globs}
        return _Names(
            frozenset(name for node in nodes for name in node.literals or ()),
            tuple({head for head, tail in ends.values() if head and len(head) >= len(tail)}),
            tuple({tail for head, tail in ends.values() if len(head) < len(tail)}),
            tuple(glob for glob in globs if ends[glob] == ("", "")),
            tuple([self._table.walker.step_unspoken(state) for state in states]),
        )

    def _anchored(self, word: Word, states: tuple[State, ...]) -> tuple[State, ...]:
        found = [self._table.walker.walk((anchor,)) for anchor in self._anchors.get(word, ())]
        return (*states, *found)

    def verdict(self, place: TreePath) -> Verdict:
        """The verdict on the path itself. A path that no request can have is denied."""
        from ..domain.decision import Verdict

        if place.odd:
            return Verdict(DENY, reasons=("the path cannot be in a request",))
        return self._verdict(place.states)

    def _verdict(self, states: tuple[State, ...]) -> Verdict:
        found = self._verdicts.get(states)
        if found is None:
            marks = tuple(sorted({m for state in states for m in state.marks}))
            found = self._evaluator.decided(self._action, self._table, Marks(marks, marks), self._env, ())
            self._verdicts[states] = found
        return found

    def says(self, place: TreePath) -> Verdict | None:
        """The verdict on the path when a rule about it restricts it; None where one allows it, or none speaks of it."""
        found = self.verdict(place)
        spoken = found.effect != ALLOW and found.rules and not self._evaluator.combiner.by_default(found)
        return found if spoken else None

    def not_allowed(self, place: TreePath, names: Sequence[str]) -> list[str]:
        """Those of some names in a folder that are not allowed; what a walk asks of most files."""
        known = None if place.odd or place.word in self._near else self._told_apart(place)
        if known is not None and self._verdict(known.others).effect == ALLOW:
            names = known.spoken(names)
        return [name for name in names if self.verdict(self.child(place, name)).effect != ALLOW]

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
                for name in self.names_in(folder):
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

    def looser_below(self, place: TreePath, other: TreePath) -> str | None:
        """The end of a path that is not allowed below one folder, and is below another; None when there is none.

        Not counted is what is denied by the same rules below any folder of the workspace: it is nothing of `place`'s
        own, and `other` is excepted there. Raises SearchLimitError when it cannot be told.
        """
        key = (place.states, other.states)
        if key not in self._looser or place.word in self._above:
            self._looser[key] = self._looser_below(place, other)
        return self._looser[key]

    def _looser_below(self, place: TreePath, other: TreePath) -> str | None:
        todo = deque([("", place, other, self._usual)])
        seen: set[tuple[tuple[State, ...], ...]] = set()
        tried = 0
        while todo:
            known, strict, loose, usual = todo.popleft()
            if self.extent(loose) == "none" or (
                strict.word not in self._above and (strict.states == loose.states or self._is_usual(strict, usual))
            ):
                continue
            for name in dict.fromkeys((*self.names_in(strict), *self.names_in(loose))):
                tried += 1
                if tried > _MOST_TRIED:
                    raise SearchLimitError(f"more than {_MOST_TRIED} names would have to be compared")
                one, two, three = (self.child(p, name) for p in (strict, loose, usual))
                states = (one.states, two.states, three.states)
                if states in seen:
                    continue
                seen.add(states)
                if self.verdict(two).effect == ALLOW and not self._as_usual(one, three):
                    return f"{known}/{name}"
                todo.append((f"{known}/{name}", one, two, three))
        return None

    def _is_usual(self, place: TreePath, usual: TreePath) -> bool:
        """Whether what is restricted below a folder is so by rules that restrict it below a usual one as well."""
        first = self.child(place, ORDINARY)
        if self.child(first, ORDINARY).states != first.states or not self._as_usual(first, self.child(usual, ORDINARY)):
            return False
        return self._restrictions(place.states) <= self._restrictions(usual.states)

    def _as_usual(self, place: TreePath, usual: TreePath) -> bool:
        """Whether a path is allowed, or restricted by rules that restrict a usual one."""
        said = self.verdict(place)
        rules = {rule.id for rule in said.rules}
        return said.effect == ALLOW or bool(rules and rules <= {rule.id for rule in self.verdict(usual).rules})

    def _restrictions(self, states: tuple[State, ...]) -> frozenset[int]:
        """The marks at a place or below by which rules restrict."""
        found = self._restricting.get(states)
        if found is None:
            todo = [node for state in states for node in state.nodes]
            seen = {node.order: node for node in todo}
            while todo:
                for child in _children(todo.pop()):
                    if child.order not in seen:
                        seen[child.order] = child
                        todo.append(child)
            marks = {mark for node in seen.values() for mark in node.marks}
            found = self._restricting[states] = frozenset(m for m in marks if self._said(m) & _RESTRICTS)
        return found

    def names_in(self, place: TreePath) -> list[str]:
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


def _is_plain(name: str) -> bool:
    """True for a name that is as it is written, and that a request can have."""
    return name.isascii() and name.isprintable() and "\\" not in name


def _is_odd(character: str) -> bool:
    """True for what `facts.text` and `facts.paths` refuse in a path: controls, backslashes, halves of characters."""
    return (
        character < " "
        or "\x7f" <= character <= "\x9f"
        or character in "\u2028\u2029\\"
        or "\ud800" <= character <= "\udfff"
    )
