"""The lazy deterministic automaton over segments: one dict look-up a segment once warm.

Segments are classified once: a literal that some pattern names, else the set of globs that match. Moves are
cached by class, so all unknown file names share one move. Caches are bounded; on overflow a fresh cache is
put in place and the old one dies with its last user. Safe under concurrent walks: shared dicts only ever
gain entries (one atomic operation each), and a whole cache is replaced by one assignment.
"""

from __future__ import annotations

from ..domain.limits import limit
from .glob import Glob
from .pattern import CLIMBING, CONTROL
from .trie import Node, Trie, close, marks_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_STATES = limit("dfa_states")
MAX_CLASSES = limit("memo_entries")
MAX_UNKNOWN = limit("unknown_segments_per_state")
_NO_GLOBS: frozenset[Glob] = frozenset()


class State:
    """A set of trie nodes. `memo` belongs to the caller: what it derives from `marks` is kept there."""

    __slots__ = ("by_class", "marks", "memo", "moves", "nodes")

    def __init__(self, nodes: tuple[Node, ...]) -> None:
        self.nodes = nodes
        self.moves: dict[str, State] = {}
        self.by_class: dict[str | frozenset[Glob], State] = {}
        self.marks = marks_of(nodes)
        self.memo: dict[object, object] = {}


class _Cache:
    __slots__ = ("classes", "start", "states")

    def __init__(self, trie: Trie) -> None:
        self.classes: dict[str, str | frozenset[Glob]] = {}
        first = close((trie.root,))
        self.start = State(first)
        self.states: dict[tuple[int, ...], State] = {tuple(n.order for n in first): self.start}


class Walker:
    """Walks words over one trie."""

    __slots__ = ("_by_prefix", "_by_suffix", "_cache", "_others", "_trie", "flushes")

    def __init__(self, trie: Trie) -> None:
        self._trie = trie
        self._cache = _Cache(trie)
        self.flushes = 0
        self._by_prefix: dict[int, dict[str, list[Glob]]] = {}
        self._by_suffix: dict[int, dict[str, list[Glob]]] = {}
        self._others: list[Glob] = []
        for glob in trie.globs:
            self._index(glob)

    def _index(self, glob: Glob) -> None:
        ends = glob.literal_ends
        if ends is None or ends == ("", ""):
            self._others.append(glob)
        elif len(ends[0]) >= len(ends[1]):
            self._by_prefix.setdefault(len(ends[0]), {}).setdefault(ends[0], []).append(glob)
        else:
            self._by_suffix.setdefault(len(ends[1]), {}).setdefault(ends[1], []).append(glob)

    def walk(self, word: Iterable[str]) -> State:
        """The state after `word`; its `marks` are the sequences that match it."""
        state = self._cache.start
        for segment in word:
            following = state.moves.get(segment)
            if following is None:
                following = self._step(state, segment)
            state = following
        return state

    def step(self, state: State, segment: str) -> State:
        """The state one segment after another state."""
        return state.moves.get(segment) or self._step(state, segment)

    def _step(self, state: State, segment: str) -> State:
        cache = self._cache
        key = cache.classes.get(segment)
        if key is None:
            key = self._classify(segment)
            if len(cache.classes) >= MAX_CLASSES:
                cache = self._flush()
            cache.classes[segment] = key
        following = state.by_class.get(key) or self._moved(state, segment, key)
        if isinstance(key, str) or len(state.moves) < MAX_UNKNOWN:
            state.moves[segment] = following
        return following

    def step_unspoken(self, state: State) -> State:
        """The state after a segment of which no pattern that goes on from a state says anything."""
        return state.by_class.get(_NO_GLOBS) or self._moved(state, "", _NO_GLOBS)

    def _moved(self, state: State, segment: str, key: str | frozenset[Glob]) -> State:
        cache = self._cache
        nodes = close(_targets(state.nodes, segment, key))
        name = tuple(node.order for node in nodes)
        found = cache.states.get(name)
        if found is None:
            if len(cache.states) >= MAX_STATES:
                cache = self._flush()
            found = cache.states.setdefault(name, State(nodes))
        if len(state.by_class) < MAX_CLASSES:
            state.by_class[key] = found
        return found

    def _flush(self) -> _Cache:
        self.flushes += 1
        self._cache = fresh = _Cache(self._trie)
        return fresh

    def _classify(self, segment: str) -> str | frozenset[Glob]:
        if self._trie.knows(segment) or segment[:1] == CONTROL:
            return segment
        return self.matching(segment)

    def matching(self, segment: str) -> frozenset[Glob]:
        """All globs of the trie that match the segment."""
        found: list[Glob] = []
        for length, prefixes in self._by_prefix.items():
            found += [g for g in prefixes.get(segment[:length], ()) if g.matches(segment)]
        for length, suffixes in self._by_suffix.items():
            found += [g for g in suffixes.get(segment[-length:], ()) if g.matches(segment)]
        found += [g for g in self._others if g.matches(segment)]
        return frozenset(found)


def _targets(nodes: tuple[Node, ...], segment: str, key: str | frozenset[Glob]) -> list[Node]:
    """The nodes that one segment leads to, before closing."""
    out: list[Node] = []
    control = segment[:1] == CONTROL
    if control and segment.startswith(CLIMBING):
        return _climbed(nodes, segment)
    for node in nodes:
        if node.literals is not None:
            child = node.literals.get(segment)
            if child is not None:
                out.append(child)
        if control:
            continue
        if node.loops:
            out.append(node)
        if node.any is not None:
            out.append(node.any)
        if node.globs is not None:
            if isinstance(key, str):
                out += [target for glob, target in node.globs.items() if glob.matches(segment)]
            elif len(node.globs) <= len(key):
                out += [target for glob, target in node.globs.items() if glob in key]
            else:
                out += [node.globs[glob] for glob in key if glob in node.globs]
    return out


def _climbed(nodes: tuple[Node, ...], segment: str) -> list[Node]:
    """The nodes that a segment leads to which no glob matches."""
    out: list[Node] = []
    for node in nodes:
        literals = node.literals or {}
        child = literals.get(segment) or literals.get(segment[len(CLIMBING) :])
        out += [child] if child is not None else []
        out += [node] if node.loops else []
        out += [node.any] if node.any is not None else []
    return out


def step_nodes(nodes: tuple[Node, ...], segment: str) -> tuple[Node, ...]:
    """One exact move of a node set, without caches: what the set algebra uses."""
    return close(_targets(nodes, segment, segment))


def walked_nodes(trie: Trie, word: Iterable[str]) -> tuple[Node, ...]:
    """The node set of a trie behind a word, by such moves."""
    nodes = close((trie.root,))
    for segment in word:
        nodes = step_nodes(nodes, segment)
    return nodes
