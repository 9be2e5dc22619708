"""Facts about rules, each proved: dead, redundant, neutralised, meeting nothing, useless exceptions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

from ..automata.meet import possibly_met
from ..automata.pattern import instance
from ..automata.trie import Trie, marks_of
from ..automata.walker import walked_nodes
from ..domain.actions import ACTIONS, ALLOW, ASK, COMMAND, DENY, SORT_OF
from ..domain.collection import no_collection
from ..domain.decision import RuleRef, Verdict
from ..domain.errors import SearchLimitError
from ..domain.limits import limit
from ..engine.pdp import Engine
from ..engine.prepare import engine_of, reference
from ..ir.model import Rule
from .cases import Cases
from .items import Items, Part, side_of
from .questions import BARE, Question, resolved, restrictions, search
from .sampling import Sampled
from .search import Item
from .spaces import Layout

DEAD, REDUNDANT, NEUTRALISED, IDLE, USELESS, OPPOSED = (
    "dead", "redundant", "neutralised", "idle", "useless-exception", "contradiction",
)  # fmt: skip


_IDLERS = frozenset({DEAD, REDUNDANT, NEUTRALISED, IDLE})
"""Facts by which a rule could go and nothing would be decided otherwise."""
_STRONGER = {REDUNDANT: (DEAD, NEUTRALISED, IDLE), NEUTRALISED: (DEAD,), USELESS: (DEAD, IDLE)}
"""Facts that say already what another one about the same rule says."""
_MOST_SAMPLED = limit("sampled_facts")
_MOST_ALONE = limit("fact_reason_rules")
_MOST_REASONS = limit("fact_reasons")
"""Facts for which the rules behind them are looked for; the others stand without."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is true of a rule, over all requests.

    `dead`: everything it grants is denied. `neutralised`: its ceiling grants or leaves none of it. `redundant`:
    without it nothing would be decided otherwise. `idle`: nothing grants what it denies or asks about.
    `useless-exception`: its exception `pattern` takes nothing away. `contradiction`: it denies exactly what another
    grants. `by` are the rules that are the reason, where there are any; `actions` those for which it holds, always
    all of the rule's.
    """

    kind: str
    rule: RuleRef
    actions: tuple[str, ...]
    by: tuple[RuleRef, ...] = ()
    pattern: str = ""


@dataclass(slots=True)
class Facts:
    """All facts about the rules of a policy set. `undecided` lists rules about which something stayed open."""

    found: list[Fact]
    undecided: list[RuleRef]


def rule_facts(engine: Engine, layout: Layout | None = None, about: Callable[[Rule], bool] = lambda _: True) -> Facts:
    """The facts about every rule, exact for all requests that say where the workspace and the home are.

    Only those of the rules that `about` says yes to are looked for; the others still count as reasons.
    """
    with no_collection():
        return _Finder(engine, layout or Layout(), about).run()


class _Finder:
    def __init__(self, engine: Engine, layout: Layout, about: Callable[[Rule], bool]) -> None:
        self.about = about
        self.engine = engine
        self.sampled = 0
        self.side = side_of(engine, layout)
        self.seen: dict[str, Rule] = {}
        self.holds: dict[tuple[str, str, str], dict[str, tuple[RuleRef, ...]]] = {}
        self.open: dict[str, RuleRef] = {}
        self.twins: dict[object, list[str]] = {}
        self.reasons = 0
        self._tries: dict[int, tuple[Items, Trie]] = {}

    def run(self) -> Facts:
        """Action by action; a fact about a rule must hold for every action that it names."""
        for action in (a for a in ACTIONS if a in self.side.actions()):
            for layer, part in enumerate(self.side.parts(action)):
                self._layer(action, layer, part)
        found: list[Fact] = []
        for (kind, name, pattern), by_action in self.holds.items():
            rule = self.seen[name]
            if set(by_action) == set(rule.actions):
                by = tuple(dict.fromkeys(r for refs in by_action.values() for r in refs))
                found.append(Fact(kind, reference(rule), rule.actions, by, pattern))
        found.sort(key=lambda f: (f.rule.file, f.rule.line, f.rule.id, f.kind))
        by_rule: dict[RuleRef, set[str]] = {}
        for fact in found:
            by_rule.setdefault(fact.rule, set()).add(fact.kind)
        kept = [f for f in found if by_rule[f.rule].isdisjoint(_STRONGER.get(f.kind, ()))]
        return Facts([f for f in kept if f.kind not in _IDLERS or self._idles(f)], list(self.open.values()))

    def _idles(self, fact: Fact) -> bool:
        """False when some request is decided otherwise without the rule: then the search was wrong about it."""
        rule = self.seen[fact.rule.id]
        if rule.sort != COMMAND or self.sampled >= _MOST_SAMPLED:
            return True
        self.sampled += 1
        engines = (self._about_commands, self._of_commands(without=rule.id))
        asked = Sampled(engines, "run", (rule,), self.side.layout, self.engine.policy.attributes)
        return all(_decided(v[0]) == _decided(v[1]) for _, v in asked.run())

    @cached_property
    def _about_commands(self) -> Engine:
        return self._of_commands()

    def _of_commands(self, without: str = "") -> Engine:
        """The policy's rules about commands alone, less one of them."""
        policy = self.engine.policy
        layers = tuple(
            replace(la, rules=tuple(r for r in la.rules if r.sort == COMMAND and r.id != without))
            for la in policy.layers
        )
        return engine_of(replace(policy, layers=layers), self.engine.over_everything, self.engine.profiles)

    def _note(self, kind: str, rule: Rule, action: str, by: tuple[RuleRef, ...] = (), pattern: str = "") -> None:
        self.seen[rule.id] = rule
        self.holds.setdefault((kind, rule.id, pattern), {})[action] = by

    def _none(self, action: str, question: Question, alone: bool = False) -> set[str]:
        """The rules of the first set for which surely nothing is found; with `alone`, not counting themselves."""
        items = question.required[0]
        every = {i.rule.id for i in items if i.rule is not None}
        if not all(question.required):
            return every
        try:
            cases = Cases(question.formulas(), self.side.policy.attributes)
            asked = search(self.side, action, question, cases, self._spared if alone else None)
            met: set[str] = set()
            for found in asked.run(shortest=False):
                rule = found.items[0].rule
                met.add("" if rule is None else rule.id)
                asked.close_item(found.number, cases.everyone())
        except SearchLimitError:
            for item in items:
                if item.rule is not None:
                    self.open[item.rule.id] = reference(item.rule)
            return set()
        return every - met

    def _spared(self, rule: Rule) -> frozenset[str]:
        """A rule itself, and those further on that say the same: of twins only the later one is redundant."""
        twins = self.twins[rule.effect, _content(rule)]
        return frozenset(twins[twins.index(rule.id) :])

    def _layer(self, action: str, layer: int, part: Part) -> None:
        self.twins = {}
        every = {i.rule.id: i.rule for i in part.everything() if i.rule is not None}
        self.seen |= every
        for rule in sorted(every.values(), key=lambda r: (r.file, r.line, r.id)):
            self.twins.setdefault((rule.effect, _content(rule)), []).append(rule.id)
        self._grants(action, layer, part, every)
        parts = self.side.parts(action)
        granted = tuple(p.granting() for p in parts if not p.guardrail)
        bare = tuple(p.bare_grants for p in parts if not p.guardrail)
        self._denies(action, part, every, granted, bare)
        self._asks(action, part, every, granted, bare)
        for rule in (r for r in every.values() if self.about(r)):
            self._exceptions(action, rule)

    def _asked(self, items: Items) -> Items:
        return [i for i in items if i.rule is not None and self.about(i.rule)]

    def _grants(self, action: str, layer: int, part: Part, every: dict[str, Rule]) -> None:
        floor = self.side.floor(action)
        dead: set[str] = set()
        for over in (False, True):
            grants = [i for i in self._asked(part.grants) if i.rule is not None and i.rule.override == over]
            barred = part.denies if over else [*part.denies, *floor]
            none = self._none(action, Question((grants,), barred, "granted")) if grants else set()
            for name in sorted(none & self._deciding_nothing(action, grants)):
                dead.add(name)
                self._note(DEAD, every[name], action, self._meeting(action, every[name], barred))
                for twin in (r for r in every.values() if r.effect == DENY and _content(r) == _content(every[name])):
                    self._note(OPPOSED, twin, action, (reference(every[name]),))
            live = [i for i in grants if i.rule is not None and i.rule.id not in dead]
            self._ceilings(action, layer, live, every)
            plain = [i for i in live if i.rule is not None and i.rule.effect == ALLOW and not i.rule.log]
            others = live if over else [i for i in part.grants if i.rule is not None and i.rule.id not in dead]
            for name in self._none(action, Question((plain,), [*barred, *others], "granted"), True) if plain else ():
                self._note(REDUNDANT, every[name], action, self._meeting(action, every[name], others))

    def _deciding_nothing(self, action: str, grants: Items) -> set[str]:
        """The rules that ask about nothing which others permit: an `ask` restricts as well, in any spelling."""
        asks = {_name(i) for i in grants if i.rule is not None and i.rule.effect == ASK}
        parts = self.side.parts(action)
        granted = tuple(p.granting() for p in parts if not p.guardrail)
        bare = tuple(p.bare_grants for p in parts if not p.guardrail)
        items = [i for p in parts for found in p.asks.values() for i in found if _name(i) in asks]
        bares = [i for p in parts for found in p.bare_asks.values() for i in found if _name(i) in asks]
        denies = [i for p in parts for i in p.denies]
        idle = self._idle(action, items, bares, granted, bare, denies) if items else set()
        return idle | {_name(i) for i in grants if i.rule is not None and i.rule.effect != ASK}

    def _ceilings(self, action: str, layer: int, live: Items, every: dict[str, Rule]) -> None:
        """Note the policy's own grants that the other layers take away."""
        others = [p for i, p in enumerate(self.side.parts(action)) if i != layer]
        if not others or layer or not live:
            return
        denies = [i for p in others for i in p.denies]
        required = (live, *(p.granting() for p in others if not p.guardrail))
        none = self._none(action, Question(required, denies, "granted"))
        for name in sorted(none & self._deciding_nothing(action, live)):
            self._note(NEUTRALISED, every[name], action, self._meeting(action, every[name], denies))

    def _denies(
        self, action: str, part: Part, every: dict[str, Rule], granted: tuple[Items, ...], bare: tuple[Items, ...]
    ) -> None:
        if not part.denies:
            return
        asked = self._asked(part.denies)
        if not asked:
            return
        idle = self._idle(action, asked, self._asked(part.bare_denies), granted, bare, []) if granted else set()
        for name in idle:
            self._note(IDLE, every[name], action)
        live = [i for i in asked if _name(i) not in idle]
        others = [i for i in part.denies if _name(i) not in idle]
        redundant = self._none(action, Question((live,), others, "denied"), True) if live else set()
        bares = [i for i in part.bare_denies if _name(i) in redundant]
        if bares:
            covered = self._none(action, Question((bares,), part.bare_denies, "denied", BARE), True)
            redundant = {n for n in redundant if n in covered or all(_name(i) != n for i in bares)}
        for name in redundant:
            self._note(REDUNDANT, every[name], action, self._meeting(action, every[name], others))

    def _idle(
        self,
        action: str,
        items: Items,
        bares: Items,
        granted: tuple[Items, ...],
        bare: tuple[Items, ...],
        barred: Items,
    ) -> set[str]:
        """The rules that meet nothing which is permitted, with a grant or without one."""
        questions = [Question((items, *granted), barred, "met")]
        if bares:
            questions.append(Question((bares, *bare), [], "met", BARE))
        if action == "run":
            questions += restrictions(self.side, items, bares, [], [], "met")
        elif action == "connect":
            questions += resolved(self.side, self.side, items, [], "met")
        idle = {_name(i) for i in items}
        for question in questions:
            asked = {_name(i) for i in question.required[0]}
            idle -= asked - self._none(action, question)
        return idle

    def _asks(
        self, action: str, part: Part, every: dict[str, Rule], granted: tuple[Items, ...], bare: tuple[Items, ...]
    ) -> None:
        """Asks that grant nothing themselves, as in guardrails."""
        for tier, items in part.asks.items():
            asked = [i for i in self._asked(items) if i.rule is not None and not i.rule.grants]
            if not asked or not granted:
                continue
            names = {_name(i) for i in asked}
            bares = [i for i in part.bare_asks.get(tier, ()) if _name(i) in names]
            idle = self._idle(action, asked, bares, granted, bare, part.denies)
            for name in idle:
                self._note(IDLE, every[name], action)
            live = [i for i in asked if _name(i) not in idle]
            if not live or part.bare_asks.get(tier):
                continue
            stricter = [i for t in self.side.covering(tier) for i in part.asks.get(t, ())]
            for name in self._none(action, Question((live,), stricter, "asked"), True):
                self._note(REDUNDANT, every[name], action, self._meeting(action, every[name], stricter))

    def _exceptions(self, action: str, rule: Rule) -> None:
        if rule.sort == "command" or not rule.exclude:
            return
        items = self._items(rule)[:1]
        for pattern in rule.exclude:
            sequences = tuple(self.side.layout.sequence(s) for s in pattern.sequences)
            whole = [replace(i, exclude=()) for i in items]
            asked = [Item(rule, sequences, (), i.formula, i.grants) for i in items]
            if self._none(action, Question((whole, asked), [], "excepted")):
                self._note(USELESS, rule, action, pattern=pattern.text)

    def _meeting(self, action: str, rule: Rule, others: Items) -> tuple[RuleRef, ...]:
        """The rule that alone is the reason, or the rules among others that have a part in it."""
        self.reasons += 1
        if self.reasons > _MOST_REASONS:
            return ()
        items = self._items(rule)
        rest = [i for i in self._near(action, items, others) if i.rule is not None and i.rule.id != rule.id]
        if not rest:
            return ()
        missed = self._none(action, Question((rest, items), [], "met"))
        met: dict[str, Items] = {}
        for item in rest:
            if item.rule is not None and item.rule.id not in missed:
                met.setdefault(item.rule.id, []).append(item)
        # one that says it all matches any member; those that match an example are tried first
        example = instance(items[0].include[0], "x")
        likely = sorted(met.values(), key=lambda alone: not marks_of(walked_nodes(_trie(alone), example)))
        for alone in likely[:_MOST_ALONE]:
            if self._none(action, Question((items,), alone, "met")):
                met = {"": alone}  # one of them says it all
                break
        return tuple(reference(found[0].rule) for found in met.values() if found[0].rule is not None)[:8]

    def _near(self, action: str, items: Items, others: Items) -> Items:
        """Of other items those that may meet these; all of them where commands are read in several ways."""
        if SORT_OF[action] == COMMAND:
            return others
        if id(others) not in self._tries:
            self._tries[id(others)] = (others, _trie(others))
        return [others[i] for i in sorted(possibly_met(_trie(items), self._tries[id(others)][1]))]

    def _items(self, rule: Rule) -> Items:
        part = self.side.part("one", False, [rule])
        return [*part.denies, *part.grants, *(i for items in part.asks.values() for i in items)]


def _decided(verdict: Verdict) -> tuple[object, ...]:
    return (verdict.effect, verdict.tiers, verdict.obligations)


def _trie(items: Items) -> Trie:
    """What items are about, each under its place."""
    return Trie((sequence, place) for place, item in enumerate(items) for sequence in item.include)


def _name(item: Item) -> str:
    return "" if item.rule is None else item.rule.id


def _content(rule: Rule) -> tuple[object, ...]:
    return (
        rule.actions, rule.tier, rule.override, tuple(sorted(p.text for p in rule.include)),
        tuple(sorted(p.text for p in rule.exclude)), rule.with_options, rule.without_options,
        rule.condition,
    )  # fmt: skip
