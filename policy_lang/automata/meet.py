"""The rules of a trie that members of a pattern meet, exactly.

First a cheap pass over pairs of nodes finds which rules any member can meet at all, and which nodes lead there;
then only those are determinised. So a policy's many rules about other things cost nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from ..domain.limits import limit
from .alphabet import Alphabet
from .budget import Budget
from .glob import Glob
from .language import Sets, explore
from .letters import letters
from .pattern import ANY, CONTROL, Wild, Word
from .trie import Node, Trie, close, marks_of
from .walker import step_nodes, walked_nodes

Edge = tuple[str | Glob | Wild, Node]
Pair = tuple[Node, Node]


class Meeting:
    """A pattern against a trie of rules. `possible` are the marks that at least one member meets.

    With `prefixes`, a member has several names, one after each prefix, and its marks are those of all names.
    """

    def __init__(
        self, rules: Trie, pattern: Trie, alphabet: Alphabet, budget: Budget, prefixes: tuple[Word, ...] = ((),)
    ) -> None:
        self.alphabet = alphabet
        self.budget = budget
        starts = [walked_nodes(rules, prefix) for prefix in prefixes]
        first = close((pattern.root,))
        self._keep, self.possible = self._pairs([(p, r) for p in first for nodes in starts for r in nodes])
        self._start: Sets = (first, *(self._kept(nodes) for nodes in starts))

    def _kept(self, nodes: tuple[Node, ...]) -> tuple[Node, ...]:
        return tuple(n for n in nodes if n.order in self._keep)

    def marks(self) -> Iterator[tuple[tuple[int, ...], Word]]:
        """Every set of marks that some member meets, once, each with a shortest such member."""
        seen: set[tuple[int, ...]] = set()
        for word, sets in explore(self._start, self.alphabet, lambda s: bool(s[0]), self.budget, self._keep):
            if marks_of(sets[0]):
                marks = marks_of(n for nodes in sets[1:] for n in nodes)
                if marks not in seen:
                    seen.add(marks)
                    yield marks, word

    def _pairs(self, starts: list[Pair]) -> tuple[frozenset[int], frozenset[int]]:
        """The rule nodes on a way to a mark that some member meets, and those marks."""
        before: dict[tuple[int, int], list[tuple[int, int]]] = {}
        todo: list[Pair] = []
        nodes: dict[tuple[int, int], Pair] = {}
        for pair in starts:
            name = (pair[0].order, pair[1].order)
            if name not in nodes:
                nodes[name] = pair
                before[name] = []
                todo.append(pair)
        while todo:
            p, r = todo.pop()
            here = (p.order, r.order)
            for pair in self._moves(p, r):
                name = (pair[0].order, pair[1].order)
                if name not in nodes:
                    nodes[name] = pair
                    before[name] = []
                    todo.append(pair)
                before[name].append(here)
        met = [name for name, (p, r) in nodes.items() if p.marks and r.marks]
        useful = set(met)
        back = list(met)
        while back:
            for name in before[back.pop()]:
                if name not in useful:
                    useful.add(name)
                    back.append(name)
        return frozenset(r for _, r in useful), frozenset(m for name in met for m in nodes[name][1].marks)

    def _moves(self, p: Node, r: Node) -> Iterator[Pair]:
        for label, target in _edges(p):
            if isinstance(label, str):
                self.budget.spend(1)
                for node in close(step_nodes((r,), label)):
                    yield from ((q, node) for q in close((target,)))
                continue
            others = list(_edges(r))
            self.budget.spend(1 + len(others))
            for other, node in others:
                if _meet(label, other, self.alphabet):
                    yield from ((q, n) for q in close((target,)) for n in close((node,)))


def possibly_met(pattern: Trie, rules: Trie) -> frozenset[int]:
    """The marks of `rules` that a word of `pattern` may meet, and perhaps others: a pass that is cheap, not exact.

    Every two globs are taken to share a segment, and structure to stand wherever somebody asks for it.
    """
    met: set[int] = set()
    todo: list[Pair] = [(p, r) for p in close((pattern.root,)) for r in close((rules.root,))]
    seen = {(p.order, r.order) for p, r in todo}
    while todo:
        p, r = todo.pop()
        if p.marks:
            met.update(r.marks)
        for pair in _loosely(p, r):
            name = (pair[0].order, pair[1].order)
            if name not in seen:
                seen.add(name)
                todo.append(pair)
    return frozenset(met)


def _loosely(p: Node, r: Node) -> Iterator[Pair]:
    for label, target in _edges(p):
        structure = isinstance(label, str) and label[:1] == CONTROL
        following = [r] if structure else []
        if isinstance(label, str):
            following += step_nodes((r,), label)
        else:
            following += [
                n for x, n in _edges(r) if not isinstance(x, str) or isinstance(label, Wild) or label.matches(x)
            ]
        yield from ((q, n) for q in close((target,)) for n in close(following))
    for label, target in (r.literals or {}).items():
        if label[:1] == CONTROL:
            yield from ((p, n) for n in close((target,)))


def _edges(node: Node) -> Iterator[Edge]:
    yield from (node.literals or {}).items()
    yield from (node.globs or {}).items()
    if node.any is not None:
        yield ANY, node.any
    if node.loops:
        yield ANY, node


def _meet(label: Glob | Wild, other: str | Glob | Wild, alphabet: Alphabet) -> bool:
    """True when one segment carries both labels."""
    if isinstance(other, str):
        if other[:1] == CONTROL or not alphabet.admits(other):
            return False
        return isinstance(label, Wild) or label.matches(other)
    globs = tuple(x for x in (label, other) if isinstance(x, Glob))
    return not globs or _common(globs, alphabet)


@lru_cache(maxsize=limit("segment_answers"))
def _common(globs: tuple[Glob, ...], alphabet: Alphabet) -> bool:
    """True when some segment matches all the globs."""
    return any(all(g.matches(s) for g in globs) for s in letters(globs, (), alphabet, Budget("decision_work")))
