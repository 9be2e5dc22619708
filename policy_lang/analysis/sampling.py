"""Requests that policies can tell apart, tried one by one: nothing is said of all requests before some were asked.

Commands are walked through word by word, with the words that rules speak of, other spellings of their options, near
misses, and words that no rule knows. Two commands are alike when the tables stand at the same places, the same options
are given, and the profile reads what follows in the same way; only the shorter one goes on. So few commands stand for
all, and where the walk comes to its end, every kind was asked. Of other sorts the members of patterns are taken, and
their neighbours.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ..automata.budget import Budget
from ..automata.glob import Glob
from ..automata.letters import letters
from ..automata.pattern import ANY, CONTROL, MANY, Sequence, Word, instance
from ..domain.actions import COMMAND, SORT_OF
from ..domain.conditions import Value
from ..domain.decision import Verdict
from ..domain.errors import RequestError, SearchLimitError
from ..domain.limits import limit
from ..domain.policy import AttributeType
from ..engine.options import Need
from ..engine.pdp import Engine
from ..engine.prepare import rules_table
from ..facts.commands import OPAQUE
from ..ir.model import Rule
from ..ir.sorts.command import WORDS
from ..shell.builtins import TABLE
from ..shell.profile import Parsed, Profile
from .alike import Alike, Key, Met
from .cases import Cases, Demand, outcome
from .commands import command, sub_profiles
from .items import rules_about
from .spaces import Layout
from .witness import SCRIPT, Witness, plain_case, requests, usual_layout, verdict_on

_MOST_CASES = limit("sampled_cases")
_MOST_NAMED = limit("sampled_names")
_DULL = 12
"""What a word adds that nobody writes alone, an option a third of it: others are shown first."""
_FRESH = "x"
"""A word that says nothing."""


@dataclass(slots=True)
class Sampled:
    """Requests with what each engine says. `complete` when every kind of command of the programs named was asked."""

    engines: tuple[Engine, ...]
    action: str
    rules: tuple[Rule, ...]
    layout: Layout
    attributes: Mapping[str, AttributeType]
    most: int = limit("sampled_requests")
    also: tuple[Demand, ...] = ()
    """What a case must meet to be asked about."""
    complete: bool = field(default=False, init=False)

    def run(self) -> Iterator[tuple[Witness, tuple[Verdict, ...]]]:
        """At most `most` resources that the rules are about, or nearly, each for a few principals and contexts."""
        given, every = self._given()
        for resource in itertools.islice(self._resources(), self.most):
            for case in given:
                witness = Witness(self.action, resource.resource, case, resource.method, resource.layout)
                yield witness, tuple(verdict_on(e, witness) for e in self.engines)
        self.complete = self.complete and every

    def settles(self, rule: Rule) -> bool:
        """True when every request that a rule may be about was of a kind that was asked. It must be one of `rules`.

        Which programs a wildcard stands for is not known, and what the shell has built in it reads itself.
        """
        programs = {s[0] for p in rule.include for s in p.sequences}
        return self.complete and all(isinstance(x, str) and x not in TABLE for x in programs)

    def _given(self) -> tuple[list[dict[str, Value | None]], bool]:
        """Cases of the conditions, and whether these are all: else each subject's values, one subject at a time."""
        formulas = [*(r.condition for r in _about(self.engines, self.action)), *(f for f, _ in self.also)]
        try:
            values = Cases(formulas, self.attributes).values
        except SearchLimitError:
            return [{}], False
        every = math.prod(map(len, values.values())) <= _MOST_CASES
        found = (
            [dict(zip(values, chosen, strict=True)) for chosen in itertools.product(*values.values())] if every else []
        )
        if not every:
            first = {s: v[0] for s, v in values.items()}
            found = [first, *({**first, s: value} for s, others in values.items() for value in others[1:])]
        met = (c for c in found if all(outcome(f, c) & allowed for f, allowed in self.also))
        return [plain_case(c) for c in itertools.islice(met, _MOST_CASES)], every

    def _resources(self) -> Iterator[Witness]:
        if SORT_OF[self.action] == COMMAND:
            walk = _Walk(self.engines, self.rules)
            if walk.opaquely:
                yield Witness(self.action, SCRIPT, {}, None, usual_layout(self.layout))
            for words in walk.run():
                yield Witness(self.action, words, {}, None, usual_layout(self.layout))
            self.complete = walk.complete
            return
        sequences = (self.layout.sequence(s) for r in self.rules for p in r.include for s in p.sequences)
        for word in dict.fromkeys(w for s in sequences for w in _members(s)):
            try:
                yield from requests(self.action, word, {}, self.layout)
            except (RequestError, ValueError, KeyError):
                continue  # no resource has these words


def _about(engines: Iterable[Engine], action: str) -> Iterator[Rule]:
    for engine in engines:
        yield from rules_about(engine.policy, action)


def _members(sequence: Sequence) -> Iterator[Word]:
    """Members of a pattern and words beside them: each `**` as nothing and as one segment, one segment less."""
    for fill in ("", _FRESH):
        word = instance(sequence, fill)
        yield word
        more = instance(tuple(ANY if x is MANY else x for x in sequence), _FRESH)
        yield more
        if word and word[-1][:1] != CONTROL:
            yield word[:-1]


class _Walk:
    """Commands, the shortest of each kind first."""

    def __init__(self, engines: tuple[Engine, ...], rules: tuple[Rule, ...]) -> None:
        self.engines = engines
        self.profiles = engines[0].profiles
        self.tables = [e.evaluator.table("run") for e in engines]
        self.complete = False
        self._rules = rules
        every = {(r.id, r.effect): r for r in (*_about(engines, "run"), *rules)}
        self._every = tuple(every.values())
        # then a command that cannot be read is one of them
        self.opaquely = any(r.grants and _opaque(r) for r in self._every)
        self._mine = Alike(rules_table(rules, self.profiles))
        self._tables = [Alike(t) for t in self.tables]
        self._letters: dict[object, tuple[str, ...]] = {}

    def run(self) -> Iterator[tuple[str, ...]]:
        """Until nothing is left that a rule in question may match."""
        seen: set[Key] = set()
        order = itertools.count()
        heap: list[tuple[int, int, tuple[str, ...], Key]] = []
        for program in self._programs():
            heapq.heappush(heap, (0, next(order), (program,), ()))
        while heap:
            _, _, words, before = heapq.heappop(heap)
            read = self._read(words, before)
            if read is None or read[0] in seen:
                continue
            key, whole, more = read
            seen.add(key)
            if whole:
                yield words
            for letter in more:
                longer = (*words, letter)
                cost = sum(
                    len(w) + (_DULL if w in {"", "-", "--"} else _DULL // 3 if w[:1] == "-" else 1) for w in longer
                )
                heapq.heappush(heap, (cost, next(order), longer, key))
        self.complete = True

    def _programs(self) -> list[str]:
        """The programs that the rules name; for a wildcard all that some rule names, and one that none does."""
        firsts = [s[0] for r in self._rules for p in r.include for s in p.sequences if s != (OPAQUE,)]
        named = [x for x in firsts if isinstance(x, str)]
        if len(named) < len(firsts):
            others = (s[0] for r in self._every for p in (*r.include, *r.exclude) for s in p.sequences)
            named += [x for x in others if isinstance(x, str) and x[:1] != CONTROL]
            named += [w for x in firsts if isinstance(x, Glob) and (w := x.filled(_FRESH))]
            named += [_UNKNOWN]
        return list(dict.fromkeys(named))

    # one command

    def _read(self, words: tuple[str, ...], before: Key) -> tuple[Key, bool, tuple[str, ...]] | None:
        """What a command is like, whether it is one, and the words that it may go on with.

        None when nothing is left to say of it: no rule in question may match it, or it cannot be read. `before` is what
        the command without its last word is like.
        """
        known = command(self.profiles, words)
        parsed, profile = known.parsed, known.profile
        mine = self._mine.of(known)
        if mine is None:
            return None
        found = [one.of(known) for one in self._tables]
        spoken = _spoken([mine, *(one for one in found if one is not None)])
        if not known.readable and not self.opaquely:
            if not command(self.profiles, (*words, _FRESH)).readable:  # whatever follows, it cannot be read
                return None
            return (before, words[-1]), False, (_FRESH, *spoken.operands[:_MOST_NAMED])
        met: Key = (words[0], *(None if one is None else one.key for one in found))
        if all(one is not None and one.denied for one in found):  # denied, and so is whatever begins with it
            return met, True, ()
        if parsed is None or profile is None:
            chain = sub_profiles(profile, words)
            key: Key = (*met, tuple(p.name for p in chain), "--" in words, words[-1][:1] == "-")
            return key, True, self._following(spoken, chain[-1] if chain else None, None, True, True)
        ended = "--" in words or (parsed.profile.style.endswith("stop") and bool(parsed.operands))
        special = frozenset(
            (g.option.names[0], g.level) for g in parsed.options
            if g.option.marked or g.option.names[0] in parsed.root.plain
        )  # fmt: skip
        key = (*met, parsed.path, ended, special)
        return key, True, self._following(spoken, parsed.profile, parsed, not ended, not special)

    def _following(
        self, spoken: _Spoken, profile: Profile | None, parsed: Parsed | None, options: bool, others: bool
    ) -> tuple[str, ...]:
        """The words that may come next. Of `others`, options that no rule names but a profile marks, one is enough."""
        key = (spoken, id(profile), options, others)
        found = self._letters.get(key)
        if found is None:
            out = [*spoken.operands]
            try:
                out += [w or _FRESH for w in letters(spoken.globs, spoken.operands, WORDS, Budget())]
            except SearchLimitError:
                out += [w for g in spoken.globs if (w := g.filled(_FRESH))]
            out.append(_FRESH)
            if profile is not None and profile.commands:
                out += _others(profile.commands, spoken)
            if options:
                out += _spellings(spoken, profile, parsed, others)
            found = self._letters[key] = tuple(dict.fromkeys(w for w in out if w[:1] != CONTROL))
        return found


@dataclass(frozen=True, slots=True)
class _Spoken:
    """What rules speak of that may still match: words, globs, options."""

    operands: tuple[str, ...]
    globs: tuple[Glob, ...]
    options: tuple[str, ...]


def _spoken(met: list[Met]) -> _Spoken:
    """What the rules speak of, each once."""
    labels = set().union(*(m.labels for m in met))
    named = [x for x in labels if isinstance(x, str) and x[:1] != CONTROL]
    groups = dict.fromkeys(g for m in met for g in m.groups)
    # of what a glob of options stands for, one is like the others
    needs = [n for g in groups for n in (g if len(g) <= _MOST_NAMED else g[:1])]
    options = {Need(n.names, n.value, False, n.glob).text for n in needs}
    options.update(x for x in named if x[:1] == "-" and len(x) > 1 and x != "--")
    operands = sorted(x for x in named if x[:1] != "-" or len(x) == 1)
    globs = sorted((x for x in labels if isinstance(x, Glob)), key=lambda g: g.text)
    return _Spoken(tuple(operands), tuple(globs), tuple(sorted(options)))


def _spellings(spoken: _Spoken, profile: Profile | None, parsed: Parsed | None, others: bool) -> Iterator[str]:
    """Options as rules name them, their other spellings, and some that no rule names."""
    yield "--"
    root = parsed.root if parsed is not None else None
    for need in map(Need.parse, spoken.options):
        yield from need.spelled()
        head = need.names[0] if need.names else need.glob
        for entry in (p.options[head] for p in (profile, root) if p is not None and head in p.options):
            yield from entry.names[:2]
            if entry.role:
                yield f"{head}={_FRESH}" if head[:2] == "--" else f"{head}{_FRESH}"
        if profile is None:
            yield f"{head}={_FRESH}"
            yield head[:-1] if head[:2] == "--" and len(head) > 4 else f"-{_other_letter(spoken.options)}{head[1:]}"
    if profile is None:
        yield "--other"
        return
    kinds: set[object] = set()
    named = set(spoken.options)
    for known in (p for p in (profile, root) if p is not None):
        for entry in known.options.values():
            kind = (
                id(known), bool(entry.role), entry.attached_only, entry.marked, entry.names[0] in known.plain,
                tuple(g for g in spoken.globs if g.matches(entry.names[0])), entry.names[0] in known.changes,
            )  # fmt: skip
            special = entry.marked or entry.names[0] in known.plain
            if kind not in kinds and named.isdisjoint(entry.names) and (others or not special):
                kinds.add(kind)
                yield entry.names[0]


_UNKNOWN = "no-such-program"


def _others(commands: Mapping[str, Profile], spoken: _Spoken) -> Iterator[str]:
    """Sub-commands that no rule names: one of each kind that globs and the options in question tell apart."""
    heads = [n for text in spoken.options for n in Need.parse(text).names]
    kinds: set[object] = set()
    for name, one in commands.items():
        known = tuple((h, bool(one.options[h].role)) for h in heads if h in one.options)
        kind = (
            tuple(g for g in spoken.globs if g.matches(name)),
            known,
            one.style,
            one.transparent,
            bool(one.commands),
        )
        if kind not in kinds and name not in spoken.operands:
            kinds.add(kind)
            yield name


def _opaque(rule: Rule) -> bool:
    """True for a rule about commands that cannot be read."""
    return any(s == (OPAQUE,) for p in rule.include for s in p.sequences)


def _other_letter(names: tuple[str, ...]) -> str:
    return next((c for c in "zqjkwyx" if not any(c in n for n in names)), "z")
