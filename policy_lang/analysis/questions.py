"""Questions as searches: who permits what the other refuses, who asks for less, what a property forbids.

A policy set permits a word when every layer with a default has a grant for it, no layer denies it, and the protected
floor leaves it alone or every such layer overrides it. So "this permits and that refuses" is a few searches, each
with one reason why that refuses: a grant that is not there, a deny that is. What both sides share cancels first.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import reduce

from ..automata.budget import Budget
from ..automata.pattern import Word
from ..domain.actions import COMMAND, SORT_OF
from ..domain.conditions import Atom, Formula, atoms, join
from ..engine.command_words import BARE as BARE_WORD
from ..engine.command_words import NAMED, unmarked
from ..facts.commands import OPAQUE
from ..ir.model import Rule
from ..ir.sorts.sort import sort_named
from ..shell.profile import Profile
from . import ungranted
from .cases import FALSE, OPEN, TRUE, Cases, Demand, both, either
from .items import OPTION, Items, Part, Side, minus, option, same
from .search import Found, Item, Search

_WARY = ("docker", "git", "kubectl", "npm")
"""Programs with options that must be named, for those that a wildcard stands for."""
_VALUE = "x"
WORDS, BARE, ADDRESSES = "words", "bare", "addresses"
"""What a question's words are: resources, commands without their options, or addresses of a name."""


@dataclass(frozen=True, slots=True)
class Question:
    """One search. `why` says what its first required set is about; `view` over which words it is."""

    required: tuple[Items, ...]
    barred: Items
    why: str
    view: str = WORDS

    def formulas(self) -> list[Formula]:
        """Every condition that it speaks of."""
        return [f for items in (*self.required, self.barred) for i in items for f in i.formulas()]


@dataclass(frozen=True, slots=True)
class Permit:
    """One way to permit: a set of grants for each layer with a default, and what must not hold."""

    names: tuple[str, ...]
    grants: tuple[Items, ...]
    barred: Items
    over_floor: bool = False


def permits(side: Side, action: str, unasked: Collection[str] = ()) -> list[Permit]:
    """The ways in which a policy set permits. Empty when it never does.

    With `unasked` those in which no tier of these is asked for because nothing grants.
    """
    parts = side.parts(action)
    granting = [p for p in parts if not p.guardrail]
    denies = [i for p in parts for i in p.denies]
    if not granting and not side.over_everything:
        return []
    names = tuple(p.name for p in granting)
    floor = side.floor(action) if granting else []
    ways = [
        Permit(names, tuple(grants for grants, _ in chosen), [*denies, *floor, *(i for _, b in chosen for i in b)])
        for chosen in itertools.product(*(_granting(p, unasked) for p in granting))
    ]
    if floor and all(p.overrides for p in granting):
        ways.append(Permit(names, tuple(p.overrides for p in granting), denies, over_floor=True))
    return [w for w in ways if all(w.grants)]


def _granting(part: Part, unasked: Collection[str]) -> list[tuple[Items, Items]]:
    """What must hold, and what must not, for a layer to let something be permitted."""
    avoided = [i for tier, items in part.defaults.items() if tier in unasked for i in items]
    if not avoided:
        return [(part.granting(), [])]
    others = [i for tier, items in part.defaults.items() if tier not in unasked for i in items]
    return [(part.grants, []), *([(others, [*part.grants, *avoided])] if others else [])]


def by_default(side: Side, action: str, tiers: Collection[str]) -> Iterator[tuple[Part, Items]]:
    """The layers that ask one of some tiers for what nothing in them grants, with what says so."""
    for part in side.parts(action):
        items = [i for tier, found in part.defaults.items() if tier in tiers for i in found]
        if items:
            yield part, items


def widened(old: Side, new: Side, action: str) -> Iterator[Question]:
    """What `new` permits and `old` refuses."""
    fresh = new.parts(action)
    denies = [i for p in fresh for i in p.denies]
    bare_denies = [i for p in fresh for i in p.bare_denies]
    refusing = [p for p in old.parts(action) if not any(_equal(p, q) for q in fresh)]
    never = not old.over_everything and all(p.guardrail for p in old.parts(action))
    for way in permits(new, action):
        if never and way.grants:
            yield Question(way.grants, way.barred, "granted")
        for part in refusing:
            place = way.names.index(part.name) if part.name in way.names else 0
            if not part.guardrail and way.grants:
                yield from _lost(way, part, place, old.floor(action))
            lifted = minus(part.denies, denies)
            if lifted:
                yield Question((lifted, *way.grants), way.barred, "lifted")
    for part in refusing:
        lifted = minus(part.bare_denies, bare_denies)
        for grants in _bare_grants(new, action) if lifted else ():
            yield Question((lifted, *grants), bare_denies, "lifted", BARE)
    lifted = minus([i for p in refusing for i in p.denies], denies)
    bare = minus([i for p in refusing for i in p.bare_denies], bare_denies)
    if action == "run":
        yield from restrictions(new, lifted, bare, denies, bare_denies, "lifted")
    elif action == "connect":
        yield from resolved(old, new, lifted, denies, "lifted")


def resolved(old: Side, new: Side, items: Items, barred: Items, why: str) -> Iterator[Question]:
    """What is asked about the public addresses of names that both sides grant."""
    names = (*ungranted.beside_names(old), *ungranted.beside_names(new))
    if items and all(names):
        yield Question((items, *names), [*barred, *ungranted.special()], why, ADDRESSES)


def restrictions(
    side: Side, plain: Items, bare: Items, barred: Items, bare_barred: Items, why: str
) -> Iterator[Question]:
    """What is asked about restrictions on commands that no grant needs to match."""
    free, bare_free = ungranted.free(side)
    if plain:
        yield Question((plain, free), barred, why)
    if bare:
        yield Question((bare, bare_free), bare_barred, why, BARE)
    unread = ungranted.readable_only(side, plain)
    for demands in ungranted.opaquely(side) if unread else ():
        yield Question(([replace(i, also=(*i.also, *demands)) for i in unread],), barred, why)
    globbed = ungranted.spelled(plain)
    for way in permits(side, "run") if globbed else ():
        grants = tuple(ungranted.with_plain_options(side, g) for g in way.grants)
        yield Question((globbed, *grants), barred, why)


def _bare_grants(side: Side, action: str) -> Iterator[tuple[Items, ...]]:
    """What bare words must match to be permitted at all."""
    if permits(side, action):
        yield tuple(p.bare_grants for p in side.parts(action) if not p.guardrail)


def _lost(way: Permit, part: Part, place: int, floor: Items) -> Iterator[Question]:
    """What a way permits and a layer's grants do not cover."""
    others = (*way.grants[:place], *way.grants[place + 1 :])
    granting = part.granting()
    more = minus(way.grants[place], granting)
    if more:
        yield Question((more, *others), [*way.barred, *granting], "granted")
    if way.over_floor and floor:
        more = minus(way.grants[place], part.overrides)
        if more:
            yield Question((more, *others, floor), [*way.barred, *part.overrides], "granted")


def weakened(old: Side, new: Side, action: str, tier: str, renamed: dict[str, str]) -> Iterator[Question]:
    """What both permit, `old` only with the approval of `tier`, `new` without it."""
    mine = old.covering(tier)
    theirs = new.covering(renamed.get(tier, tier))
    before = [i for p in old.parts(action) for t, items in p.asks.items() if t in mine for i in items]
    after = [i for p in new.parts(action) for t, items in p.asks.items() if t in theirs for i in items]
    dropped = minus(before, after)
    for first, second in _both(old, new, action, theirs):
        required = _together(first.grants, second.grants)
        barred = [*first.barred, *second.barred, *after]
        if dropped:
            yield Question((dropped, *required), barred, "asked")
        for part, items in by_default(old, action, mine):
            if not any(_asks_alike(part, mine, other, theirs) for other in new.parts(action)):
                yield Question((items, *required), [*barred, *part.grants], "asked")
    bare_before = [i for p in old.parts(action) for t, items in p.bare_asks.items() if t in mine for i in items]
    bare_after = [i for p in new.parts(action) for t, items in p.bare_asks.items() if t in theirs for i in items]
    dropped = minus(bare_before, bare_after)
    for grants in _bare_grants(new, action) if dropped else ():
        yield Question((dropped, *grants), bare_after, "asked", BARE)
    denies = [i for side in (old, new) for p in side.parts(action) for i in p.denies]
    if action == "run":
        yield from restrictions(new, minus(before, after), dropped, [*denies, *after], bare_after, "asked")
    elif action == "connect":
        yield from resolved(old, new, minus(before, after), [*denies, *after], "asked")


def unlogged(old: Side, new: Side, action: str) -> Iterator[Question]:
    """What both permit, and only `old` flags in the log."""
    before = [i for p in old.parts(action) for i in p.logs]
    after = [i for p in new.parts(action) for i in p.logs]
    dropped = minus(before, after)
    if dropped:
        for first, second in _both(old, new, action):
            required = _together(first.grants, second.grants)
            yield Question((dropped, *required), [*first.barred, *second.barred, *after], "logged")


def _both(old: Side, new: Side, action: str, unasked: Collection[str] = ()) -> Iterator[tuple[Permit, Permit]]:
    for first in permits(old, action):
        for second in permits(new, action, unasked):
            if first.over_floor == second.over_floor:
                yield first, second


def _together(first: tuple[Items, ...], second: tuple[Items, ...]) -> list[Items]:
    """All sets that must be met, each once."""
    out: list[Items] = []
    for items in (*first, *second):
        if not any(same(items, known) for known in out):
            out.append(items)
    return out


def _asks_alike(first: Part, mine: Collection[str], second: Part, theirs: Collection[str]) -> bool:
    """Whether what one layer asks for by default is just what another one does."""
    sides = ((first, mine), (second, theirs))
    before, after = ([i for t, items in p.defaults.items() if t in tiers for i in items] for p, tiers in sides)
    return same(first.grants, second.grants) and same(before, after)


def _equal(first: Part, second: Part) -> bool:
    return (
        first.guardrail == second.guardrail
        and same(first.denies, second.denies)
        and same(first.granting(), second.granting())
        and same(first.overrides, second.overrides)
        and same(first.bare_denies, second.bare_denies)
    )


def same_answer(old: Side, new: Side, action: str, items: Items) -> Iterator[Question]:
    """Which of some items `old` permits as well, or `new` refuses."""
    for way in permits(old, action):
        yield Question((items, *way.grants), way.barred, "permitted")
    parts = new.parts(action)
    for part in parts:
        if not part.guardrail:
            yield Question((items,), part.granting(), "refused")
        if part.denies:
            yield Question((items, part.denies), [], "refused")
    floor = new.floor(action)
    for part in (p for p in parts if not p.guardrail and floor):
        yield Question((items, floor), list(part.overrides), "refused")


# properties


def permitted(side: Side, action: str, items: Items, bare: Items, unasked: Iterable[str] = ()) -> Iterator[Question]:
    """Which of some items a policy set permits without an approval of any of the tiers `unasked`."""
    tiers = tuple(unasked)
    asks: list[Item] = [i for p in side.parts(action) for t in tiers for i in p.asks.get(t, ())]
    for way in permits(side, action, tiers):
        yield Question((items, *way.grants), [*way.barred, *asks], "claimed")
    barred = [i for p in side.parts(action) for i in p.bare_denies]
    if bare:
        barred += [i for p in side.parts(action) for t in tiers for i in p.bare_asks.get(t, ())]
        for grants in _bare_grants(side, action):
            yield Question((bare, *grants), barred, "claimed", BARE)
    if action == "run":
        free, bare_free = ungranted.free(side)
        denies = [i for p in side.parts(action) for i in p.denies]
        yield Question((items, free), [*denies, *asks], "claimed")
        if bare:
            yield Question((bare, bare_free), barred, "claimed", BARE)


def search(
    side: Side,
    action: str,
    question: Question,
    cases: Cases,
    spared: Callable[[Rule], frozenset[str]] | None = None,
    *,
    sieve: bool = True,
) -> Search:
    """A question's search. `side` knows how programs are called; see `Search` for `spared`.

    With `sieve`, items of the first set of which the barred ones leave nothing are taken out before.
    """
    budget = Budget()
    space = sort_named(SORT_OF[action]).space()
    implied = _implied(side, cases, question.view) if SORT_OF[action] == COMMAND else None
    naming = _naming(side) if implied is not None and question.view == WORDS else None
    if cases.together:
        question = replace(
            question,
            required=tuple([_smaller(i, cases) for i in items] for items in question.required),
            barred=[_smaller(i, cases) for i in question.barred],
        )
    made = Search(space, question.required, question.barred, cases, budget, implied, spared, naming)
    if sieve and len(question.required) > 1 and question.barred:
        # what is not left by the barred rules alone needs no look at what else it must match
        first = Search(space, question.required[:1], question.barred, cases, budget, implied, naming=naming)
        left: set[int] = set()
        for found in first.run(shortest=False):
            left.add(found.number)
            first.close_item(found.number, cases.everyone())
        for number in range(len(question.required[0])):
            if number not in left:
                made.close_item(number, cases.everyone())
    return made


def _implied(side: Side, cases: Cases, view: str) -> Callable[[Word, bool], list[Demand]]:
    """What holds of every command that begins with some words, or is exactly those: which options are given."""
    alone = [s.removeprefix(OPTION) for s in cases.values if s.startswith(OPTION)]
    parts = [p for members in cases.together for found in members for p in found]
    names = list(dict.fromkeys((*alone, *(a.subject.removeprefix(OPTION) for p in parts for a in atoms(p)))))
    stands = {a.subject for p in parts for a in atoms(p)}
    known: dict[tuple[Word, bool], list[Demand]] = {}

    def implied(word: Word, exact: bool) -> list[Demand]:
        words = tuple(unmarked(w) for w in word if w != BARE_WORD)
        key = (words, exact and view == WORDS)
        if key not in known:
            sound = names and words and OPAQUE not in words
            given = side.options_of(words, names) if sound else {}
            outcomes = {True: TRUE, False: FALSE, None: OPEN}
            # more words may give the same option another value
            begun = {n: TRUE | OPEN if "=" in n else TRUE for n, v in given.items() if v}
            masks = {n: outcomes[v] for n, v in given.items()} if key[1] else begun
            known[key] = [(option(n), masks[n]) for n in alone if n in masks and OPTION + n not in stands]
            for members in cases.together:
                for at in range(len(members[0])):  # what all of them come to, the few that are left must
                    mask = reduce(either, (reduce(both, (_mask(a, masks) for a in atoms(m[at]))) for m in members))
                    left = join("or", [m[at] for m in members[: len(members[0])]])
                    known[key] += [(left, mask)] if mask != TRUE | FALSE | OPEN else []
        return known[key]

    return implied


def _mask(atom: Atom, masks: Mapping[str, int]) -> int:
    return masks.get(atom.subject.removeprefix(OPTION), TRUE | FALSE | OPEN)


def _smaller(item: Item, cases: Cases) -> Item:
    also = tuple((cases.small(f), allowed) for f, allowed in item.also)
    return replace(item, formula=cases.small(item.formula), also=also)


def _naming(side: Side) -> Callable[[Word], Iterable[str]]:
    """Words that may follow others and that only a pattern which names them grants, and words that lead to such."""
    known: dict[Word, tuple[str, ...]] = {}

    def naming(word: Word) -> tuple[str, ...]:
        if word not in known:
            profile = side.profile(word[0]) if word else None
            for text in word[1:]:
                profile = profile.commands.get(unmarked(text)) if profile is not None else None
            known[word] = _WARY if not word else () if profile is None else (*_marked(profile), *_leading(profile))
        return known[word]

    return naming


def _marked(profile: Profile) -> Iterator[str]:
    """An option in one word, of each of those that must be named."""
    for one in {o.names: o for o in profile.options.values() if o.marked}.values():
        name = one.names[0]
        yield NAMED + (f"{name}={_VALUE}" if one.role and name[:2] == "--" else name + _VALUE * bool(one.role))


def _leading(profile: Profile) -> Iterator[str]:
    """One name of each sub-command that has such options."""
    for name in dict.fromkeys(c.name for c in profile.commands.values() if c is not profile):
        one = profile.commands.get(name)
        if one is not None and (any(o.marked for o in one.options.values()) or any(_leading(one))):
            yield name


def unsure(found: Found) -> bool:
    """True when a word that was not confirmed may stand for others, or for other cases, that would be."""
    subjects = {a.subject for formula, _ in found.demands for a in atoms(formula)}
    return not found.exact or found.word[:1] == (BARE_WORD,) or any(not s.startswith(OPTION) for s in subjects)
