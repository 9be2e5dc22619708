"""Exact set algebra over words: union, intersection, difference, complement, emptiness, inclusion, shortest.

A language is a Boolean formula over tries. A search explores the product of their node sets, one letter per
class of segments, each product state once, shortest words first. It has a limit: beyond it SearchLimitError,
which means "undecided" and never passes.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator

from .alphabet import Alphabet
from .budget import Budget
from .glob import Glob
from .letters import letters
from .pattern import MANY, Sequence, Word
from .trie import Ends, Node, Trie, close, marks_of, with_one_end
from .walker import step_nodes

Formula = tuple[object, ...]
"""("in", i) | ("not", f) | ("and", f, g) | ("or", f, g), i being the number of a trie."""

Sets = tuple[tuple[Node, ...], ...]


class Language:
    """A regular set of words. Immutable; operators give new ones over the same tries."""

    __slots__ = ("alphabet", "formula", "tries")

    def __init__(self, alphabet: Alphabet, tries: tuple[Trie, ...], formula: Formula) -> None:
        self.alphabet = alphabet
        self.tries = tries
        self.formula = formula

    @classmethod
    def of(cls, alphabet: Alphabet, sequences: Iterable[Sequence]) -> Language:
        """The union of the sequences."""
        return cls(alphabet, (Trie((s, 0) for s in sequences),), ("in", 0))

    @classmethod
    def everything(cls, alphabet: Alphabet) -> Language:
        """All words of the alphabet."""
        return cls.of(alphabet, [(MANY,)])

    def __or__(self, other: Language) -> Language:
        return self._combine(other, lambda a, b: ("or", a, b))

    def __and__(self, other: Language) -> Language:
        return self._combine(other, lambda a, b: ("and", a, b))

    def __sub__(self, other: Language) -> Language:
        return self._combine(other, lambda a, b: ("and", a, ("not", b)))

    def complement(self) -> Language:
        """Every word that is not in this set."""
        return Language(self.alphabet, self.tries, ("not", self.formula))

    def __contains__(self, word: Iterable[str]) -> bool:
        sets = _starts(self.tries)
        for segment in word:
            sets = tuple(step_nodes(s, segment) for s in sets)
        return _holds(self.formula, [bool(marks_of(s)) for s in sets])

    def shortest(self) -> Word | None:
        """A member with the fewest characters, counting one more for each segment; None when empty."""

        def possible(sets: Sets) -> bool:
            return _possible(self.formula, [bool(s) for s in sets])

        for word, sets in explore(_starts(self.tries), self.alphabet, possible, Budget()):
            if _holds(self.formula, [bool(marks_of(s)) for s in sets]):
                return word
        return None

    def is_empty(self) -> bool:
        """True when there is no member."""
        return self.shortest() is None

    def __le__(self, other: Language) -> bool:
        return (self - other).is_empty()

    def equals(self, other: Language) -> bool:
        """True when both have the same members."""
        return self <= other <= self

    def _combine(self, other: Language, join: Callable[[Formula, Formula], Formula]) -> Language:
        if self.alphabet != other.alphabet:
            raise ValueError("languages over different alphabets")
        tries = tuple(dict.fromkeys(self.tries + other.tries))
        place = {id(t): i for i, t in enumerate(tries)}
        mine = _renumber(self.formula, [place[id(t)] for t in self.tries])
        theirs = _renumber(other.formula, [place[id(t)] for t in other.tries])
        return Language(self.alphabet, tries, join(mine, theirs))


def _starts(tries: Iterable[Trie]) -> Sets:
    return tuple(close((t.root,)) for t in tries)


def explore(
    start: Sets, alphabet: Alphabet, alive: Callable[[Sets], bool], budget: Budget, keep: frozenset[int] | None = None
) -> Iterator[tuple[Word, Sets]]:
    """Every product state that `alive` accepts and `start` reaches, once, with a shortest word that leads to it.

    With `keep`, all sets but the first are cut down to the nodes of these numbers.
    """
    heap: list[tuple[int, Word, int, Sets]] = [(0, (), 0, start)]
    settled: set[tuple[tuple[int, ...], ...]] = set()
    kinds: Kinds = {}
    ends: list[Ends] = [{} for _ in start]
    pushed = 0
    while heap:
        length, word, _, sets = heapq.heappop(heap)
        name = tuple(tuple(n.order for n in s) for s in sets)
        if name in settled:
            continue
        settled.add(name)
        yield word, sets
        for segment in _letters_at(sets, alphabet, kinds, budget, keep):
            budget.spend(1 + sum(map(len, sets)))
            moved = tuple(step_nodes(s, segment) for s in sets)
            if keep is not None:
                moved = (moved[0], *(tuple(n for n in s if n.order in keep) for s in moved[1:]))
            if not alive(moved):
                continue
            moved = tuple(with_one_end(s, e) for s, e in zip(moved, ends, strict=True))
            pushed += 1
            heapq.heappush(heap, (length + len(segment) + 1, (*word, segment), pushed, moved))


Kinds = dict[tuple[frozenset[Glob], frozenset[str]], list[str]]


def _letters_at(sets: Sets, alphabet: Alphabet, known: Kinds, budget: Budget, keep: frozenset[int] | None) -> list[str]:
    """One letter for each class of segments that the edges here tell apart; found once for equal edges."""
    literals: set[str] = set()
    globs: set[Glob] = set()
    for number, nodes in enumerate(sets):
        only = None if number == 0 else keep
        for node in nodes:
            literals.update(x for x, target in (node.literals or {}).items() if _leads(target, only))
            globs.update(x for x, target in (node.globs or {}).items() if _leads(target, only))
    key = (frozenset(globs), frozenset(literals))
    found = known.get(key)
    if found is None:
        ordered = sorted(globs, key=lambda g: g.text)
        found = known[key] = sorted(letters(ordered, literals, alphabet, budget))
    return found


def _leads(target: Node, keep: frozenset[int] | None) -> bool:
    """True when an edge to `target` leads to a kept node, itself or through `**`."""
    return keep is None or target.order in keep or (target.many is not None and target.many.order in keep)


def _holds(formula: Formula, members: list[bool]) -> bool:
    match formula:
        case ("in", int(i)):
            return members[i]
        case ("not", tuple(f)):
            return not _holds(f, members)
        case ("and", tuple(f), tuple(g)):
            return _holds(f, members) and _holds(g, members)
        case ("or", tuple(f), tuple(g)):
            return _holds(f, members) or _holds(g, members)
    raise ValueError(f"unknown formula {formula!r}")


def _possible(formula: Formula, alive: list[bool], negated: bool = False) -> bool:
    """False only when no continuation can satisfy the formula: dead tries accept nothing any more."""
    match formula:
        case ("in", int(i)):
            return True if negated else alive[i]
        case ("not", tuple(f)):
            return _possible(f, alive, not negated)
        case ("and", tuple(f), tuple(g)):
            both = _possible(f, alive, negated), _possible(g, alive, negated)
            return any(both) if negated else all(both)
        case ("or", tuple(f), tuple(g)):
            both = _possible(f, alive, negated), _possible(g, alive, negated)
            return all(both) if negated else any(both)
    raise ValueError(f"unknown formula {formula!r}")


def _renumber(formula: Formula, places: list[int]) -> Formula:
    if formula[0] == "in":
        number = formula[1]
        assert isinstance(number, int)
        return ("in", places[number])
    return (formula[0], *(_renumber(f, places) for f in formula[1:] if isinstance(f, tuple)))
