"""Alphabets: which characters and segments a sort's words may have, and letters that stand for classes.

For a set of globs there are finitely many kinds of segments: those that match exactly this subset of them.
`letters` finds each kind that exists and a shortest segment of it, by a breadth-first run of all globs at
once; that is what makes the set algebra exact.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Iterator

from ..domain.record import field, record
from .budget import Budget
from .glob import MAX_CODE_POINT, Glob, Ranges

_NICE = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_-."
_NEVER: Ranges = ((0, 0), (0xD800, 0xDFFF))  # structure and lone surrogates are in no resource


@record(frozen=True, slots=True)
class Alphabet:
    """The segments of one sort: forbidden characters, forbidden segments, and whether one may be empty."""

    name: str
    forbidden: Ranges
    excluded: frozenset[str]
    empty: bool = False
    _plain: frozenset[str] = field(init=False, repr=False, compare=False)
    """The ASCII characters that it has: most segments have no others."""

    def __post_init__(self) -> None:
        bad = {p for lo, hi in (*_NEVER, *self.forbidden) if lo < 128 for p in range(lo, min(hi, 127) + 1)}
        object.__setattr__(self, "_plain", frozenset(chr(p) for p in range(128) if p not in bad))

    def admits(self, segment: str) -> bool:
        """True when the segment can occur in a word of this sort."""
        if segment in self.excluded or (not segment and not self.empty):
            return False
        if self._plain.issuperset(segment):
            return True
        points = [ord(c) for c in segment]
        return not any(lo <= p <= hi for p in points for lo, hi in (*_NEVER, *self.forbidden))


_CONTROLS: Ranges = ((0, 31), (127, 159))
PATHS = Alphabet("path", (*_CONTROLS, (47, 47), (92, 92)), frozenset({".", ".."}))
LABELS = Alphabet(
    "host",
    ((0, 32), (34, 35), (47, 47), (60, 60), (62, 63), (92, 92), (94, 94), (96, 96), (123, 125), (127, MAX_CODE_POINT)),
    frozenset({".", ".."}),
)
"""Labels, methods, ports and URL path segments: what RFC 3986 lets a segment hold."""
REFS = Alphabet(
    "ref", (*_CONTROLS, (32, 32), (42, 42), (47, 47), (58, 58), (63, 63), (91, 94), (126, 126)), frozenset({".", ".."})
)
WORDS = Alphabet("command", ((0, 0),), frozenset(), empty=True)
NAMES = Alphabet("name", ((0, 32), (46, 46), (127, MAX_CODE_POINT)), frozenset())


def letters(globs: Iterable[Glob], literals: Iterable[str], alphabet: Alphabet, budget: Budget) -> list[str]:
    """One segment for each class of segments that the globs and literals tell apart.

    Every literal stands for itself; for each realisable subset of globs there is a shortest segment that is none of
    the literals, where one exists. Raises SearchLimitError when the budget is spent.
    """
    known = set(literals)
    live = tuple(dict.fromkeys(globs))
    found = [x for x in known if x[:1] == "\0" or alphabet.admits(x)]
    chars = representatives(live, alphabet)
    for signature, shortest in _signatures(live, chars, alphabet, budget).items():
        if shortest not in known:
            found.append(shortest)
            continue
        taken = {x for x in known if frozenset(g for g in live if g.matches(x)) == signature}
        finer = representatives(live, alphabet, taken)
        fresh = (s for s in _members(live, finer, alphabet, signature, len(taken) + 1, budget) if s not in taken)
        found += itertools.islice(fresh, 1)
    return found


def representatives(globs: tuple[Glob, ...], alphabet: Alphabet, apart: Iterable[str] = ()) -> list[str]:
    """One character for each cell into which the globs' character sets cut the alphabet.

    The characters of the texts in `apart` get cells of their own, so that other segments can be told from them.
    """
    cuts = {0, MAX_CODE_POINT + 1}
    cuts.update(ord(c) + d for text in apart for c in text for d in (0, 1))
    for ranges in (*(a for g in globs for a in g.atoms if a is not None), alphabet.forbidden, _NEVER):
        for low, high in ranges:
            cuts.update((low, high + 1))
    points = sorted(cuts)
    banned = (*_NEVER, *alphabet.forbidden)
    chosen: list[str] = []
    for low, following in itertools.pairwise(points):
        if any(lo <= low <= hi for lo, hi in banned):
            continue
        chosen.append(next((c for c in _NICE if low <= ord(c) < following), chr(low)))
    order = {c: i for i, c in enumerate(_NICE)}
    return sorted(chosen, key=lambda c: (order.get(c, 999), c))


Masks = tuple[int, ...]


def _signature(globs: tuple[Glob, ...], masks: Masks) -> frozenset[Glob]:
    return frozenset(g for g, m in zip(globs, masks, strict=True) if g.accepts(m))


def _signatures(
    globs: tuple[Glob, ...], chars: list[str], alphabet: Alphabet, budget: Budget
) -> dict[frozenset[Glob], str]:
    """Each realisable set of matching globs with a shortest admissible segment."""
    start = tuple(g.start for g in globs)
    found: dict[frozenset[Glob], str] = {}
    if alphabet.empty:
        found[_signature(globs, start)] = ""
    # which of the excluded segments are still possible is part of the state, or `.x` would be lost behind `.`;
    # the empty text is a state of its own as well
    seen: set[tuple[Masks, str | None]] = {(start, "")}
    level: list[tuple[str, Masks]] = [("", start)]
    while level:
        following: list[tuple[str, Masks]] = []
        for text, masks in level:
            budget.spend(len(chars) * (len(globs) + 1))
            for char in chars:
                segment = text + char
                moved = tuple(g.step(m, char) for g, m in zip(globs, masks, strict=True))
                tag = segment if any(x.startswith(segment) for x in alphabet.excluded) else None
                if (moved, tag) in seen:
                    continue
                seen.add((moved, tag))
                if segment not in alphabet.excluded:
                    found.setdefault(_signature(globs, moved), segment)
                following.append((segment, moved))
        level = following
    return found


def _members(
    globs: tuple[Glob, ...], chars: list[str], alphabet: Alphabet, wanted: frozenset[Glob], most: int, budget: Budget
) -> Iterator[str]:
    """Segments of one signature, shortest first; at most `most` ways through each state are followed."""
    start = tuple(g.start for g in globs)
    heap: list[tuple[int, str, Masks]] = [(0, "", start)]
    pops: dict[Masks, int] = {}
    while heap:
        length, text, masks = heapq.heappop(heap)
        pops[masks] = pops.get(masks, 0) + 1
        if pops[masks] > most + len(alphabet.excluded) + 1:
            continue
        if _signature(globs, masks) == wanted and alphabet.admits(text):
            yield text
        budget.spend(len(chars) * (len(globs) + 1))
        for char in chars:
            moved = tuple(g.step(m, char) for g, m in zip(globs, masks, strict=True))
            heapq.heappush(heap, (length + 1, text + char, moved))
