"""Letters: one segment for each class of segments that globs tell apart.

For a set of globs there are finitely many kinds of segments: those that match exactly this subset of them.
`letters` finds each kind that exists and a shortest segment of it, by a breadth-first run of all globs at
once; that is what makes the set algebra exact.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Iterator

from .alphabet import NEVER, Alphabet
from .budget import Budget
from .glob import MAX_CODE_POINT, Glob

_NICE = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_-."


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

    The characters of the texts in `apart` get cells of their own, which distinguishes other segments from them.
    """
    cuts = {0, MAX_CODE_POINT + 1}
    cuts.update(ord(c) + d for text in apart for c in text for d in (0, 1))
    for ranges in (*(a for g in globs for a in g.atoms if a is not None), alphabet.forbidden, NEVER):
        for low, high in ranges:
            cuts.update((low, high + 1))
    points = sorted(cuts)
    banned = (*NEVER, *alphabet.forbidden)
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
