"""Choice of segments worth trying: one for each way that no other way beats.

A search for a word that some patterns want, that others must not match, needs few segments at each place: those
that match what is wanted and meet as few of the `bad` labels, as many of the `good` ones, as can be. All globs
run at once, character by character; a state that another one beats is dropped, so twenty globs `*word*` that
must be avoided cost one way and not a million. Good labels that lead to the same come to one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

from ..domain.errors import SearchLimitError
from ..domain.limits import limit
from .alphabet import Alphabet
from .budget import Budget
from .glob import Glob
from .letters import representatives
from .pattern import CONTROL, quoted

Label = str | Glob
Live = tuple[tuple[int, int], ...]
"""Globs that may still match: their numbers and states."""
Alike = Mapping[Label, object]
"""For each good label what it leads to: of labels that lead to the same it is enough to meet one."""
Found = tuple[str, frozenset[Label], frozenset[object]]
"""A segment, the bad labels that it meets, and what the good ones that it meets lead to."""
_DONE = -1
"""The state of good labels that lead to the same, one of which matches whatever follows."""


def choose(
    wanted: frozenset[Glob],
    bad: frozenset[Label],
    good: Alike,
    alphabet: Alphabet,
    forbidden: tuple[Glob, ...],
    budget: Budget,
) -> tuple[str, ...]:
    """Segments that match all of `wanted` and none of `forbidden`, shortest first.

    Every other such segment is beaten by one of them: it meets the same bad labels or more, and good ones that lead to
    the same or less. Raises SearchLimitError when the budget is spent.
    """
    together: dict[object, list[Label]] = {}
    for label, to in good.items():
        together.setdefault(to, []).append(label)
    groups = frozenset(map(frozenset, together.values()))
    if len(bad) + len(good) > _MOST_KEPT_LABELS:
        return _found(wanted, bad, groups, alphabet, forbidden, budget)
    found, cost = _kept_answer(wanted, bad, groups, alphabet, forbidden)
    budget.spend(cost)
    return found


@lru_cache(maxsize=limit("segment_choices"))
def _kept_answer(
    wanted: frozenset[Glob],
    bad: frozenset[Label],
    groups: frozenset[frozenset[Label]],
    alphabet: Alphabet,
    forbidden: tuple[Glob, ...],
) -> tuple[tuple[str, ...], int]:
    """What is chosen, and the steps that it took: questions about one policy come to the same few choices."""
    budget = Budget()
    whole = budget.left
    try:
        found = _found(wanted, bad, groups, alphabet, forbidden, budget)
    except SearchLimitError:
        return (), whole + 1  # more than any question may spend
    return found, whole - budget.left


def _found(
    wanted: frozenset[Glob],
    bad: frozenset[Label],
    groups: frozenset[frozenset[Label]],
    alphabet: Alphabet,
    forbidden: tuple[Glob, ...],
    budget: Budget,
) -> tuple[str, ...]:
    if len(wanted) > 1 and not possible(wanted, alphabet, forbidden):
        return ()  # found out before the labels make it dear
    good = {label: number for number, labels in enumerate(groups) for label in labels}
    labels = _Labels(bad, good)
    literals = {x for x in (*bad, *good) if isinstance(x, str) and x[:1] != CONTROL}
    taken: set[str] = set()
    while True:
        avoided = (*forbidden, *(exact_glob(x) for x in sorted(taken)))
        found = _shortest(wanted, labels, alphabet, avoided, budget)
        clash = [len(text) for text, _, _ in found if text in literals]
        if not clash:
            break
        # the segments that labels name are other choices: look again without them
        taken |= {x for x in literals if len(x) <= max(clash)}
    if not any(wanted.issuperset(met) and len(kept) == len(groups) for _, met, kept in found):
        for text in sorted(literals, key=lambda x: (len(x), x)):
            budget.spend(1)
            fits = alphabet.admits(text) and all(g.matches(text) for g in wanted)
            if fits and not any(g.matches(text) for g in forbidden):
                _keep(found, labels.of(text))
    return tuple(text for text, _, _ in sorted(found, key=lambda f: (len(f[0]), f[0])))


_MOST_KEPT_LABELS = limit("segment_choice_labels")
_FILLS = ("", "a", "q", "z", "7", "q7", "zq")


def untouched(
    wanted: frozenset[Glob], against: Iterable[Glob], named: Callable[[str], bool], alphabet: Alphabet, budget: Budget
) -> str | None:
    """A short segment that matches what is wanted, nothing else of `against`, and is not `named`, by a few guesses.

    Nothing beats it. None when the guesses fail.
    """
    if len(wanted) > 1:
        return None
    glob = next(iter(wanted), None)
    globs = tuple(g for g in against if g not in wanted)
    for fill in _FILLS:
        text = fill if glob is None else glob.filled(fill)
        budget.spend(1 + len(globs))
        if text is None or named(text) or not alphabet.admits(text):
            continue
        if not any(g.matches(text) for g in globs):
            return text
    return None


def among(
    pool: Iterable[str], wanted: frozenset[Glob], bad: frozenset[Label], good: Alike, budget: Budget
) -> tuple[str, ...]:
    """The same where only some segments can stand at all."""
    labels = _Labels(bad, good)
    found: list[Found] = []
    for text in pool:
        budget.spend(1 + len(bad) + len(good))
        if all(g.matches(text) for g in wanted):
            _keep(found, labels.of(text))
    return tuple(text for text, _, _ in found)


@lru_cache(maxsize=limit("segment_answers"))
def possible(wanted: frozenset[Glob], alphabet: Alphabet, forbidden: tuple[Glob, ...]) -> bool:
    """True when some segment matches everything wanted. Raises SearchLimitError."""
    return bool(_shortest(wanted, _Labels(frozenset(), {}), alphabet, forbidden, Budget()))


def exact_glob(text: str) -> Glob:
    """The glob that matches exactly this text."""
    return Glob(quoted(text))


def _keep(found: list[Found], one: Found) -> None:
    if not any(met <= one[1] and kept >= one[2] for _, met, kept in found):
        found.append(one)


def _shortest(
    wanted: frozenset[Glob], labels: _Labels, alphabet: Alphabet, forbidden: tuple[Glob, ...], budget: Budget
) -> list[Found]:
    """A breadth-first run of all globs at once over the characters that they tell apart."""
    must = tuple(sorted(wanted, key=lambda g: g.text))
    against = (*forbidden, *labels.bad_globs)
    liked = _Liked(labels.good_globs)
    chars = representatives((*must, *against, *liked.globs), alphabet)
    found: list[Found] = []
    start: _State = (
        "",
        tuple(g.start for g in must),
        tuple((i, g.start) for i, g in enumerate(against)),
        liked.start(),
    )
    level = [start]
    seen: dict[object, list[tuple[dict[int, int], dict[int, int]]]] = {}

    def settle(state: _State) -> bool:
        """Note a state's text when it is an answer; True when nothing can beat it."""
        text, masks, worse, better = state
        if not all(g.accepts(m) for g, m in zip(must, masks, strict=True)) or not alphabet.admits(text):
            return False
        met = [against[i] for i, m in worse if against[i].accepts(m)]
        if any(g in forbidden for g in met):
            return False
        kept = liked.kept(better)
        _keep(found, (text, frozenset(met), kept))
        return wanted.issuperset(met) and len(kept) == liked.most  # what is wanted is met whatever is chosen

    if settle(start):
        return found
    while level:
        following: list[_State] = []
        for text, masks, worse, better in level:
            budget.spend(len(chars) * (1 + len(must) + len(worse) + len(better)))
            for char in chars:
                moved = tuple(g.step(m, char) for g, m in zip(must, masks, strict=True))
                if 0 in moved:
                    continue
                state: _State = (
                    text + char,
                    moved,
                    tuple((i, n) for i, m in worse if (n := against[i].step(m, char))),
                    liked.step(better, char),
                )
                if _beaten(state, seen, alphabet, liked):
                    continue
                if settle(state):
                    return found
                following.append(state)
        level = following
    return found


_State = tuple[str, tuple[int, ...], Live, Live]


class _Labels:
    """The labels of one choice, the globs among them by themselves."""

    __slots__ = ("bad", "bad_globs", "good", "good_globs")

    def __init__(self, bad: frozenset[Label], good: Alike) -> None:
        self.bad = bad
        self.bad_globs = tuple(x for x in bad if isinstance(x, Glob))
        self.good = good
        self.good_globs = {x: to for x, to in good.items() if isinstance(x, Glob)}

    def of(self, text: str) -> Found:
        """A segment with the bad labels that match it, and what the good ones that do lead to."""
        met: list[Label] = [g for g in self.bad_globs if g.matches(text)]
        met += [text] if text in self.bad else []
        kept = [to for g, to in self.good_globs.items() if g.matches(text)]
        kept += [self.good[text]] if text in self.good else []
        return text, frozenset(met), frozenset(kept)


class _Liked:
    """The good globs of one run, with what each leads to."""

    __slots__ = ("_ends", "_to", "first", "globs", "most")

    def __init__(self, good: Mapping[Glob, object]) -> None:
        self.globs = tuple(good)
        self._to = tuple(good.values())
        places: dict[object, int] = {}
        self.first = tuple(places.setdefault(to, i) for i, to in enumerate(self._to))
        """For each glob the first one that leads to the same."""
        self._ends = tuple(bool(g.atoms) and g.atoms[-1] is None for g in self.globs)
        self.most = len(places)

    def start(self) -> Live:
        return self._settled([(i, g.start) for i, g in enumerate(self.globs)])

    def step(self, live: Live, char: str) -> Live:
        moved = [(i, m if m == _DONE else self.globs[i].step(m, char)) for i, m in live]
        return self._settled([(i, m) for i, m in moved if m])

    def _settled(self, live: list[tuple[int, int]]) -> Live:
        """Where a glob matches whatever follows, those that lead to the same need not be followed."""
        done = {self.first[i] for i, m in live if m == _DONE or (self._ends[i] and self.globs[i].accepts(m))}
        if not done:
            return tuple(live)
        return tuple(sorted([*((i, _DONE) for i in done), *((i, m) for i, m in live if self.first[i] not in done)]))

    def kept(self, live: Live) -> frozenset[object]:
        return frozenset(self._to[i] for i, m in live if m == _DONE or self.globs[i].accepts(m))

    def covers(self, known: dict[int, int], live: Live) -> bool:
        """True when what is known can do all that is live."""
        for i, mask in live:
            have = known.get(i, 0)
            if known.get(self.first[i]) != _DONE and (mask == _DONE or have & mask != mask):
                return False
        return True


def _beaten(
    state: _State, seen: dict[object, list[tuple[dict[int, int], dict[int, int]]]], alphabet: Alphabet, liked: _Liked
) -> bool:
    """True when a state seen before can do all that this one can; else it is noted."""
    text, masks, worse, better = state
    # which of the excluded segments are still possible is part of the state, or `.x` would be lost behind `.`
    tag = text if any(x.startswith(text) for x in alphabet.excluded) else None
    before = seen.setdefault((masks, tag), [])
    mine = dict(worse)
    for old_worse, old_better in before:
        no_worse = all(mine.get(i, 0) & m == m for i, m in old_worse.items())
        if no_worse and liked.covers(old_better, better):
            return True
    before.append((mine, dict(better)))
    return False
