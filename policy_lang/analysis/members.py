"""The patterns that a witness is a member of, and whether all of a pattern is affected."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache

from ..automata.pattern import Pattern, Sequence, Word
from ..automata.trie import Trie
from ..automata.walker import Walker
from ..domain.actions import SORT_OF
from ..domain.errors import RequestError
from ..domain.limits import limit
from ..facts.paths import Roots
from ..ir.sorts.sort import Circumstances, sort_named
from .spaces import Layout
from .witness import Witness


def words_of(witness: Witness) -> tuple[Word, ...]:
    """The words of a witness: a path has several names."""
    return _words(witness.action, witness.resource, witness.method, witness.layout)


@lru_cache(maxsize=limit("member_words"))
def _words(action: str, resource: str | tuple[str, ...], method: str | None, place: Layout) -> tuple[Word, ...]:
    try:
        roots = Roots(None, place.workspace, place.home, place.tmp, lexical=True)
        seen = Circumstances(roots, None, () if method is None else (method,))
        return sort_named(SORT_OF[action]).words(resource, seen)[0].definite
    except RequestError:
        return ()


def matching(patterns: Iterable[Pattern], witness: Witness) -> Pattern | None:
    """The first of the patterns that the witness matches."""
    words = words_of(witness)
    return next((p for p in patterns if _any(p.sequences, words)), None)


def first_of(patterns: Iterable[Pattern]) -> Callable[[Witness], int | None]:
    """Says which of many patterns is the first that a witness matches, by its place; None when none is."""
    walker = Walker(Trie((s, place) for place, p in enumerate(patterns) for s in p.sequences))

    def place(witness: Witness) -> int | None:
        return min((m for w in words_of(witness) for m in walker.walk(w).marks), default=None)

    return place


def _any(sequences: Iterable[Sequence], words: tuple[Word, ...]) -> bool:
    walker = Walker(Trie((s, 0) for s in sequences))
    return any(walker.walk(w).marks for w in words)
