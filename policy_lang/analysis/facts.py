"""What rules do and do not do, each fact proved: dead, redundant, neutralised, meeting nothing, useless exceptions."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..domain.actions import ACTIONS
from ..domain.collection import no_collection
from ..domain.decision import RuleRef
from ..domain.errors import SearchLimitError
from ..engine.engine import Engine
from ..engine.table import reference
from ..ir.model import Rule
from .cases import Cases
from .items import Items, Part, Side, minus
from .questions import BARE, Question, search
from .search import Item
from .spaces import Layout

DEAD, REDUNDANT, NEUTRALISED, IDLE, USELESS, OPPOSED = (
    "dead", "redundant", "neutralised", "idle", "useless-exception", "contradiction",
)  # fmt: skip


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


def rule_facts(engine: Engine, layout: Layout | None = None) -> Facts:
    """The facts about every rule, exact for all requests that say where the workspace and the home are."""
    with no_collection():
        return _Finder(engine, layout or Layout()).run()


class _Finder:
    def __init__(self, engine: Engine, layout: Layout) -> None:
        policy = engine.policy
        self.side = Side(policy, engine.profiles, layout, policy.sources, engine.judge.over_everything)
        self.seen: dict[str, Rule] = {}
        self.holds: dict[tuple[str, str, str], dict[str, tuple[RuleRef, ...]]] = {}
        self.open: dict[str, RuleRef] = {}

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
        return Facts([f for f in found if not _covered(f, found)], list(self.open.values()))

    def _note(self, kind: str, rule: Rule, action: str, by: tuple[RuleRef, ...] = (), pattern: str = "") -> None:
        self.seen[rule.id] = rule
        self.holds.setdefault((kind, rule.id, pattern), {})[action] = by

    def _none(self, action: str, question: Question) -> set[int]:
        """The numbers of the first set's items for which surely nothing is found."""
        if any(not items for items in question.required):
            return set(range(len(question.required[0])))
        try:
            cases = Cases(question.formulas(), self.side.policy.attributes)
            asked = search(self.side, action, question, cases)
            met = set()
            for found in asked.run():
                met.add(found.number)
                asked.close_item(found.number, cases.everyone())
        except SearchLimitError:
            for item in question.required[0]:
                if item.rule is not None:
                    self.open[item.rule.id] = reference(item.rule)
            return set()
        return set(range(len(question.required[0]))) - met

    def _layer(self, action: str, layer: int, part: Part) -> None:
        parts = self.side.parts(action)
        floor = self.side.floor(action)
        grants = _grouped(part.grants)
        denies = _grouped(part.denies, part.bare_denies)
        for rule, items, _ in grants:
            barred = part.denies if rule.override else [*part.denies, *floor]
            if len(self._none(action, Question((items,), barred, "granted"))) == len(items):
                self._note(DEAD, rule, action, self._meeting(action, items, barred))
                twins = [d for d, _, _ in denies if _content(d) == _content(rule)]
                for twin in twins:
                    self._note(OPPOSED, twin, action, (reference(rule),))
                continue
            self._ceilings(action, layer, rule, items, parts)
            others = [i for r, more, _ in grants if r is not rule and not self._later_twin(rule, r) for i in more]
            others = [i for i in others if not rule.override or (i.rule is not None and i.rule.override)]
            if (
                rule.effect == "allow"
                and not rule.log
                and len(self._none(action, Question((items,), [*barred, *others], "granted"))) == len(items)
            ):
                self._note(REDUNDANT, rule, action, self._meeting(action, items, others))
        granted = [p.grants for p in parts if not p.guardrail]
        bare_granted = [p.bare_grants for p in parts if not p.guardrail]
        for rule, items, bare in denies:
            if granted and self._nothing(action, items, bare, granted, bare_granted, []):
                self._note(IDLE, rule, action)
                continue
            self._redundant_deny(action, rule, items, bare, denies)
        self._asks(action, part, granted, bare_granted)
        for rule, items, _ in (*grants, *denies):
            self._exceptions(action, rule, items)

    def _nothing(
        self, action: str, items: Items, bare: Items, granted: list[Items], bare_granted: list[Items], barred: Items
    ) -> bool:
        """True when nothing that some layer grants is met, nor left by `barred`."""
        if len(self._none(action, Question((items, *granted), barred, "met"))) < len(items):
            return False
        return not bare or len(self._none(action, Question((bare, *bare_granted), [], "met", BARE))) == len(bare)

    def _redundant_deny(
        self, action: str, rule: Rule, items: Items, bare: Items, denies: list[tuple[Rule, Items, Items]]
    ) -> None:
        others = [d for d in denies if d[0] is not rule and not self._later_twin(rule, d[0])]
        plain = [i for _, more, _ in others for i in more]
        bares = [i for _, _, more in others for i in more]
        if len(self._none(action, Question((items,), plain, "denied"))) < len(items):
            return
        if bare and len(self._none(action, Question((bare,), bares, "denied", BARE))) < len(bare):
            return
        self._note(REDUNDANT, rule, action, self._meeting(action, items, plain))

    def _asks(self, action: str, part: Part, granted: list[Items], bare_granted: list[Items]) -> None:
        for tier, asked in part.asks.items():
            stricter = [i for t in self.side.covering(tier) for i in part.asks.get(t, ())]
            for rule, items, bare in _grouped(asked, part.bare_asks.get(tier, [])):
                if rule.grants or not granted:
                    continue
                if self._nothing(action, items, bare, granted, bare_granted, part.denies):
                    self._note(IDLE, rule, action)
                    continue
                others = [
                    i
                    for i in stricter
                    if i.rule is not None and i.rule is not rule and not self._later_twin(rule, i.rule)
                ]
                if not bare and len(self._none(action, Question((items,), others, "asked"))) == len(items):
                    self._note(REDUNDANT, rule, action, self._meeting(action, items, others))

    def _ceilings(self, action: str, layer: int, rule: Rule, items: Items, parts: list[Part]) -> None:
        """Note a rule whose grants the other layers take away."""
        others = [p for i, p in enumerate(parts) if i != layer]
        if not others or layer:
            return
        denies = [i for p in others for i in p.denies]
        required = (items, *(p.grants for p in others if not p.guardrail))
        if len(self._none(action, Question(required, [*denies], "granted"))) == len(items):
            self._note(NEUTRALISED, rule, action, self._meeting(action, items, denies))

    def _exceptions(self, action: str, rule: Rule, items: Items) -> None:
        if rule.sort == "command":
            return
        for pattern in rule.exclude:
            sequences = tuple(self.side.layout.sequence(s) for s in pattern.sequences)
            whole = [replace(i, exclude=()) for i in items]
            asked = [Item(rule, sequences, (), i.formula, i.grants) for i in items[:1]]
            if len(self._none(action, Question((whole, asked), [], "excepted"))) == len(whole):
                self._note(USELESS, rule, action, pattern=pattern.text)

    def _meeting(self, action: str, items: Items, others: Items) -> tuple[RuleRef, ...]:
        """The rules among others that meet one of the items."""
        rules = [i for i in others if i.rule is not None]
        if not rules:
            return ()
        missed = self._none(action, Question((rules, items), [], "met"))
        met: dict[str, Items] = {}
        for number, item in enumerate(rules):
            if number not in missed and item.rule is not None:
                met.setdefault(item.rule.id, []).append(item)
        for alone in met.values():
            if len(self._none(action, Question((items,), alone, "met"))) == len(items):
                met = {"": alone}  # one of them says it all
                break
        return tuple(reference(found[0].rule) for found in met.values() if found[0].rule is not None)[:8]

    def _later_twin(self, rule: Rule, other: Rule) -> bool:
        """Of two rules that say the same only the later one is redundant."""
        return (
            not minus(self._items(rule), self._items(other))
            and not minus(self._items(other), self._items(rule))
            and (other.file, other.line, other.id) > (rule.file, rule.line, rule.id)
        )

    def _items(self, rule: Rule) -> Items:
        part = self.side.part("one", False, [rule])
        return [*part.denies, *part.grants, *(i for items in part.asks.values() for i in items)]


def _grouped(items: Items, bare: Items | None = None) -> list[tuple[Rule, Items, Items]]:
    """The items of each rule."""
    out: dict[str, tuple[Rule, Items, Items]] = {}
    for place, found in ((1, items), (2, bare or [])):
        for item in found:
            assert item.rule is not None
            entry = out.setdefault(item.rule.id, (item.rule, [], []))
            (entry[1] if place == 1 else entry[2]).append(item)
    return list(out.values())


def _content(rule: Rule) -> tuple[object, ...]:
    return (
        rule.actions, tuple(sorted(p.text for p in rule.include)), tuple(sorted(p.text for p in rule.exclude)),
        rule.with_options, rule.without_options, rule.condition,
    )  # fmt: skip


def _covered(fact: Fact, found: list[Fact]) -> bool:
    """True for what another fact about the same rule already says."""
    stronger = {IDLE: (), REDUNDANT: (DEAD, NEUTRALISED, IDLE), NEUTRALISED: (DEAD,), USELESS: (DEAD, IDLE)}
    return any(f.rule == fact.rule and f.kind in stronger.get(fact.kind, ()) for f in found)
