"""The meaning of a change: requests newly permitted, or with less approval. Each row has a witness."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from ..domain.actions import ACTIONS, ASK, DENY
from ..domain.collection import no_collection
from ..domain.decision import RuleRef, Verdict
from ..domain.errors import SearchLimitError
from ..domain.limits import limit
from ..engine.pdp import Engine
from ..engine.prepare import engine_of, reference
from ..ir.model import Rule
from .cases import Cases
from .changes import Change, changes, merged_attributes, renamed_tiers, weaker_tiers
from .items import Side
from .questions import BARE, Question, search, unlogged, unsure, weakened, widened
from .rows import Comparison, DiffRow, Rows, Test
from .sampling import Sampled
from .search import Item
from .spaces import Layout

KINDS = ("widened", "lowered", "unlogged", "narrowed", "raised", "logged")
_MOST_TRIES = limit("diff_tries")
"""Words of one rule that are tried before it is called undecided."""


@dataclass(frozen=True, slots=True)
class Undecided:
    """What could not be decided, and why."""

    kind: str
    action: str
    why: str
    rule: RuleRef | None = None


@dataclass(slots=True)
class Diff:
    """The difference of two policy sets. `same` is a proof: no request is decided differently."""

    rows: list[DiffRow] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    undecided: list[Undecided] = field(default_factory=list)
    layout: Layout = field(default_factory=Layout)

    @property
    def same(self) -> bool:
        """True when nothing differs and everything was decided."""
        moved = any(c.kind in {"lowered", "raised", "changed"} for c in self.changes)
        return not (self.rows or self.undecided or moved)

    def has(self, *kinds: str) -> bool:
        """True when a row or change is of one of the kinds."""
        return any(r.kind in kinds for r in self.rows) or any(c.kind in kinds for c in self.changes)


def diff(
    old: Engine,
    new: Engine,
    layout: Layout | None = None,
    files: Iterable[str] = (),
    *,
    sample: bool = True,
    whole: bool = True,
) -> Diff:
    """Compare two policy sets over all requests that say where the workspace and the home are.

    `layout` fixes where those are; by default they are anywhere. `files` are paths in the workspace, for examples. The
    policies' own files count as one thing: those of both sides are protected on both. With `sample` both are also asked
    about some requests one by one, which decides most of what the search leaves open. Without `whole` no row says
    whether all of its pattern differs, which takes longer than to find it.
    """
    with no_collection():
        return _Differ(old, new, layout or Layout(), tuple(files), sample, whole).run()


class _Differ:
    def __init__(
        self, old: Engine, new: Engine, layout: Layout, files: tuple[str, ...], sample: bool, whole: bool
    ) -> None:
        sources = tuple(sorted({*old.policy.sources, *new.policy.sources}))
        self.layout = layout
        self.sample = sample
        self.result = Diff(layout=layout)
        # two guardrails are compared by what they leave alone; beside a policy one grants nothing
        alone = old.over_everything and new.over_everything
        self.engines = {"old": _on(old, sources, alone), "new": _on(new, sources, alone)}
        self.attributes, spread, clash = merged_attributes(old.policy, new.policy)
        self.sides = {
            name: Side(e.policy, e.profiles, layout, sources, alone, spread) for name, e in self.engines.items()
        }
        self.rows = Rows(self.sides, self.engines, self.attributes, files, whole)
        self.renamed = renamed_tiers(old.policy, new.policy)
        for name in clash:
            why = f"the context attribute `{name}` changed its type, so conditions on it cannot be compared"
            self.result.undecided.append(Undecided("widened", "", why))

    def run(self) -> Diff:
        """Every action that one of the sides speaks of."""
        old, new = self.sides["old"], self.sides["new"]
        self.result.changes += changes(self.engines["old"].policy, self.engines["new"].policy)
        self.result.changes += weaker_tiers(self.engines["old"].policy, self.engines["new"].policy, self.renamed)
        if self.result.undecided:
            return self.result
        if self.engines["old"].policy.profiles != self.engines["new"].policy.profiles:
            why = "a `profile` changed, so commands are read differently"
            self.result.undecided.append(Undecided("widened", "run", why))
        if self.engines["old"].policy.trusts != self.engines["new"].policy.trusts:
            why = "a `trust` changed, so programs in that folder are what they are called, or no longer"
            self.result.undecided.append(Undecided("widened", "run", why))
        spoken = old.actions() | new.actions()
        for action in (a for a in ACTIONS if a in spoken):
            self._action(action)
            if self.sample:
                self._sampled(action)
        return self.result

    def _action(self, action: str) -> None:
        for way in self._ways(action):
            self._questions(way, list(self._about(way)))

    def _about(self, way: Comparison) -> Iterator[Question]:
        """What is asked of all requests about one way to differ: the later kinds are the others, turned round."""
        turned = way.kind in {"narrowed", "raised", "logged"}
        first, second = (self.sides[name] for name in _TURNED[turned])
        if way.kind in {"widened", "narrowed"}:
            return widened(first, second, way.action)
        if way.kind in {"unlogged", "logged"}:
            return unlogged(first, second, way.action)
        renamed = {theirs: mine for mine, theirs in self.renamed.items()} if turned else self.renamed
        return weakened(first, second, way.action, way.tier, renamed)

    def _lower(self, tier: str) -> Test:
        mine, theirs = self.sides["old"].covering(tier), self.sides["new"].covering(self.renamed.get(tier, tier))
        return lambda v: _asks(v[0], mine) and v[1].effect != DENY and not _asks(v[1], theirs)

    def _higher(self, tier: str, back: dict[str, str]) -> Test:
        mine, theirs = self.sides["new"].covering(tier), self.sides["old"].covering(back.get(tier, tier))
        return lambda v: _asks(v[1], mine) and v[0].effect != DENY and not _asks(v[0], theirs)

    # requests, tried one by one

    def _sampled(self, action: str) -> None:
        """Ask both about some requests: what differs is a row, and decides what the search left open."""
        recorded = {
            name: {(layer.name, r.key): r for layer in e.policy.layers for r in layer.rules if action in r.actions}
            for name, e in self.engines.items()
        }
        fresh = {name: [r for c, r in recorded[name].items() if c not in recorded[other]] for name, other in _TURNED}
        focus = (*fresh["old"], *fresh["new"])
        if not focus:
            return
        left = [u for u in self.result.undecided if u.action == action]
        wanted = {(u.kind, u.rule.id) for u in left if u.rule is not None}
        known = {(r.kind, r.tier) for r in self.result.rows if r.action == action}
        shown = {(r.kind, r.tier, r.rule.id) for r in self.result.rows if r.action == action}
        done: set[str] = set()
        ways = list(self._ways(action))
        engines = (self.engines["old"], self.engines["new"])
        # what the search left open of a rule is looked for among the commands that this rule is about
        rounds = [(focus, limit("sampled_requests")), *(((r,), limit("explored_commands")) for r in focus)]
        for rules, most in rounds:
            missed = {name for kind, name in wanted if (kind, name) not in {(k, n) for k, _, n in shown}} - done
            if rules is not focus and rules[0].id not in missed:
                continue
            sampled = Sampled(engines, action, rules, self.layout, self.attributes, most)
            for witness, verdicts in sampled.run():
                for way in (w for w in ways if w.holds(verdicts)):
                    rule, stands = _cause(verdicts, fresh, way.kind)
                    key = (way.kind, way.tier, rule.id)
                    if key not in shown and (key[:2] not in known or (way.kind, rule.id) in wanted):
                        self.result.rows.append(self.rows.asked(way, witness, verdicts, rule, stands))
                        known.add(key[:2])
                        shown.add(key)
            done.update(r.id for r in rules if sampled.settles(r))
        settled = {(k, name) for k, _, name in shown}
        self.result.undecided = [
            u for u in self.result.undecided
            if u not in left or u.rule is None or not (u.rule.id in done or (u.kind, u.rule.id) in settled)
        ]  # fmt: skip

    def _ways(self, action: str) -> Iterator[Comparison]:
        """Every way in which decisions on an action may differ."""
        back = {theirs: mine for mine, theirs in self.renamed.items()}
        yield Comparison("widened", action, "", _is_widened)
        yield Comparison("narrowed", action, "", lambda v: _is_widened(v[::-1]))
        for tier in self.engines["old"].policy.tiers:
            yield Comparison("lowered", action, tier, self._lower(tier))
        for tier in self.engines["new"].policy.tiers:
            yield Comparison("raised", action, tier, self._higher(tier, back))
        yield Comparison("unlogged", action, "", _is_unlogged)
        yield Comparison("logged", action, "", lambda v: _is_unlogged(v[::-1]))

    def _questions(self, way: Comparison, questions: list[Question]) -> None:
        if not questions:
            return
        formulas = [f for q in questions for f in q.formulas()]
        done: dict[tuple[str, str], int] = {}
        try:
            cases = Cases(formulas, self.attributes)
        except SearchLimitError as error:
            self._open(way, str(error), (i for q in questions for i in q.required[0]))
            return
        for question in sorted(questions, key=lambda q: q.view == BARE):
            self._question(way, question, cases, done)

    def _question(self, way: Comparison, question: Question, cases: Cases, done: dict[tuple[str, str], int]) -> None:
        tries: dict[int, int] = {}
        missed: dict[int, Item] = {}
        alike: dict[tuple[str, str], list[int]] = {}
        items = question.required[0]
        first = way.kind in {"widened", "lowered", "unlogged"}
        stands = "new" if (question.why == "granted") == first else "old"
        try:
            asked = search(self.sides["new"], way.action, question, cases)
            for number, item in enumerate(items):
                asked.close_item(number, done.get(_name(item), 0))
                alike.setdefault(_name(item), []).append(number)
            for found in asked.run():
                item, number = found.items[0], found.number
                agents = found.agents & asked.open[number]
                if not agents:
                    continue
                row = self.rows.searched(way, found, agents, cases, stands, question)
                if row is not None:
                    self.result.rows.append(row)
                    missed.pop(number, None)
                    done[_name(item)] = done.get(_name(item), 0) | agents
                    for other in alike[_name(item)]:
                        asked.close_item(other, agents)
                    continue
                if unsure(found):
                    missed[number] = item
                tries[number] = tries.get(number, 0) + 1
                if tries[number] >= _MOST_TRIES:
                    asked.close_item(number, cases.everyone())
        except SearchLimitError as error:
            self._open(way, str(error), items)
        self._open(way, _UNSURE, (i for i in missed.values() if _name(i) not in done))

    def _open(self, way: Comparison, why: str, items: Iterable[Item]) -> None:
        """Note that something of these rules was not decided."""
        for ref in dict.fromkeys(None if i.rule is None else reference(i.rule) for i in items):
            found = Undecided(way.kind, way.action, why, ref)
            if found not in self.result.undecided:
                self.result.undecided.append(found)


_TURNED = (("old", "new"), ("new", "old"))


def _cause(verdicts: tuple[Verdict, ...], fresh: dict[str, list[Rule]], kind: str) -> tuple[RuleRef, str]:
    """The rule that makes a difference, and its side: one that the other side has not, if there is one."""
    sides = ("new", "old") if kind in {"widened", "raised", "logged"} else ("old", "new")
    said = [(ref, side) for side in sides for v in (verdicts[side == "new"],) for ref in (*v.support, *v.rules)]
    own = {side: {r.id for r in fresh[side]} for side in sides}
    return next(((ref, side) for ref, side in said if ref.id in own[side]), said[0])


_UNSURE = "whether the options and exceptions of these rules leave a difference depends on how programs are called"


def _name(item: Item) -> tuple[str, str]:
    return ("", "") if item.rule is None else (item.rule.id, item.rule.effect)


def _on(engine: Engine, sources: tuple[str, ...], alone: bool) -> Engine:
    """The engine over the policy with these files protected, as guardrails alone or not."""
    if tuple(sorted(set(engine.policy.sources))) == sources and engine.over_everything == alone:
        return engine
    return engine_of(replace(engine.policy, sources=sources), alone, engine.profiles)


def _asks(verdict: Verdict, tiers: set[str]) -> bool:
    return verdict.effect == ASK and not tiers.isdisjoint(verdict.tiers)


def _is_widened(verdicts: tuple[Verdict, ...]) -> bool:
    return verdicts[0].effect == DENY and verdicts[1].effect != DENY


def _is_unlogged(verdicts: tuple[Verdict, ...]) -> bool:
    return DENY not in (verdicts[0].effect, verdicts[1].effect) and (
        "log" in verdicts[0].obligations and "log" not in verdicts[1].obligations
    )
