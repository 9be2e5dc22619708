"""The meaning of a change: requests newly permitted, or with less approval. Each row has a witness."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from ..automata.pattern import Pattern, instance
from ..domain.actions import ACTIONS, ASK, COMMAND, DENY, PATH
from ..domain.collection import no_collection
from ..domain.conditions import atoms
from ..domain.decision import RuleRef, Verdict
from ..domain.errors import SearchLimitError
from ..domain.limits import limit
from ..engine.pdp import Engine
from ..engine.prepare import engine_of, reference
from ..facts.commands import OPAQUE
from ..ir.model import PolicySet, Rule
from ..ir.sorts.host import host_text
from . import ungranted
from .cases import Cases
from .changes import Change, changes, merged_attributes, renamed_tiers, weaker_tiers
from .items import Side, rules_about
from .members import matching
from .questions import ADDRESSES, BARE, Question, permits, same_answer, search, unlogged, unsure, weakened, widened
from .sampling import Sampled
from .search import Found, Item
from .spaces import Layout
from .witness import SCRIPT, Witness, confirmed, requests, telling, usual_layout, verdict_on

Test = Callable[[tuple[Verdict, ...]], bool]
"""Whether two verdicts differ in some way."""
KINDS = ("widened", "lowered", "unlogged", "narrowed", "raised", "logged")
_MOST_WHOLE = limit("diff_whole")
"""Rows for which it is looked whether all of a pattern differs."""
_MOST_RULES = limit("diff_rules")
"""Rules about one action from which on that would cost more than the difference itself."""
_MOST_TRIES = limit("diff_tries")
_PATTERNS = limit("witness_patterns")
"""Words of one rule that are tried before it is called undecided."""


@dataclass(frozen=True, slots=True)
class DiffRow:
    """One difference. `proof` is the shortest witness, `witness` the one that tells a reader most.

    `agents` are an agent of each class for which it holds, None being an agent without a name. `rule` is the rule
    that makes the difference, on the `side` (`old` or `new`) where it stands; `pattern` is the part of it that the
    witness lies in, and `whole` says that all of the pattern differs (None: not decided).
    """

    kind: str
    action: str
    agents: tuple[str | None, ...]
    everyone: bool
    witness: Witness
    proof: Witness
    old: Verdict
    new: Verdict
    rule: RuleRef
    side: str
    tier: str = ""
    pattern: str = ""
    whole: bool | None = None
    files: tuple[str, ...] = ()
    """Tracked files that differ in this way by this rule."""


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
    old: Engine, new: Engine, layout: Layout | None = None, files: Iterable[str] = (), *, sample: bool = True
) -> Diff:
    """Compare two policy sets over all requests that say where the workspace and the home are.

    `layout` fixes where those are; by default they are anywhere. `files` are paths in the workspace, for examples. The
    policies' own files count as one thing: those of both sides are protected on both. With `sample` both are also asked
    about some requests one by one, which decides most of what the search leaves open.
    """
    with no_collection():
        return _Differ(old, new, layout or Layout(), tuple(files), sample).run()


class _Differ:
    def __init__(self, old: Engine, new: Engine, layout: Layout, files: tuple[str, ...], sample: bool) -> None:
        sources = tuple(sorted({*old.policy.sources, *new.policy.sources}))
        self.layout = layout
        self.files = files
        self.sample = sample
        self._decided: dict[object, list[tuple[Verdict, ...]]] = {}
        self.result = Diff(layout=layout)
        # two guardrails are compared by what they leave alone; beside a policy one grants nothing
        alone = old.over_everything and new.over_everything
        self.engines = {"old": _on(old, sources, alone), "new": _on(new, sources, alone)}
        self.attributes, spread, clash = merged_attributes(old.policy, new.policy)
        self.sides = {
            name: Side(e.policy, e.profiles, layout, sources, alone, spread) for name, e in self.engines.items()
        }
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
        old, new = self.sides["old"], self.sides["new"]
        back = {theirs: mine for mine, theirs in self.renamed.items()}
        self._questions("widened", action, "", list(widened(old, new, action)), _is_widened)
        self._questions("narrowed", action, "", list(widened(new, old, action)), lambda v: _is_widened(v[::-1]))
        for tier in old.policy.tiers:
            self._questions(
                "lowered", action, tier, list(weakened(old, new, action, tier, self.renamed)), self._lower(tier)
            )
        for tier in new.policy.tiers:
            found = list(weakened(new, old, action, tier, back))
            self._questions("raised", action, tier, found, self._higher(tier, back))
        self._questions("unlogged", action, "", list(unlogged(old, new, action)), _is_unlogged)
        self._questions("logged", action, "", list(unlogged(new, old, action)), lambda v: _is_unlogged(v[::-1]))

    def _lower(self, tier: str) -> Callable[[tuple[Verdict, ...]], bool]:
        mine, theirs = self.sides["old"].covering(tier), self.sides["new"].covering(self.renamed.get(tier, tier))
        return lambda v: _asks(v[0], mine) and v[1].effect != DENY and not _asks(v[1], theirs)

    def _higher(self, tier: str, back: dict[str, str]) -> Callable[[tuple[Verdict, ...]], bool]:
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
        tests = list(self._tests())
        engines = (self.engines["old"], self.engines["new"])
        # what the search left open of a rule is looked for among the commands that this rule is about
        rounds = [(focus, limit("sampled_requests")), *(((r,), limit("explored_commands")) for r in focus)]
        for rules, most in rounds:
            missed = {name for kind, name in wanted if (kind, name) not in {(k, n) for k, _, n in shown}} - done
            if rules is not focus and rules[0].id not in missed:
                continue
            sampled = Sampled(engines, action, rules, self.layout, self.attributes, most)
            for witness, verdicts in sampled.run():
                for kind, tier, holds in tests:
                    if not holds(verdicts):
                        continue
                    rule, stands = _cause(verdicts, fresh, kind)
                    key = (kind, tier, rule.id)
                    if key not in shown and ((kind, tier) not in known or (kind, rule.id) in wanted):
                        self.result.rows.append(self._found(kind, action, tier, witness, verdicts, rule, stands, holds))
                        known.add(key[:2])
                        shown.add(key)
            done.update(r.id for r in rules if sampled.settles(r))
        settled = {(k, name) for k, _, name in shown}
        self.result.undecided = [
            u for u in self.result.undecided
            if u not in left or u.rule is None or not (u.rule.id in done or (u.kind, u.rule.id) in settled)
        ]  # fmt: skip

    def _tests(self) -> Iterator[tuple[str, str, Test]]:
        """Every kind of difference, its tier, and whether it is one."""
        back = {theirs: mine for mine, theirs in self.renamed.items()}
        yield "widened", "", _is_widened
        yield "narrowed", "", lambda v: _is_widened(v[::-1])
        for tier in self.engines["old"].policy.tiers:
            yield "lowered", tier, self._lower(tier)
        for tier in self.engines["new"].policy.tiers:
            yield "raised", tier, self._higher(tier, back)
        yield "unlogged", "", _is_unlogged
        yield "logged", "", lambda v: _is_unlogged(v[::-1])

    def _found(
        self,
        kind: str,
        action: str,
        tier: str,
        proof: Witness,
        verdicts: tuple[Verdict, ...],
        ref: RuleRef,
        stands: str,
        holds: Test,
    ) -> DiffRow:
        """The row of a request that is decided differently."""
        engines = (self.engines["old"], self.engines["new"])
        rule = next(r for e in engines for r in _rules(e.policy, action) if r.id == ref.id)
        best = self._telling(proof, rule, stands, engines, holds, ())
        if best is not None:
            verdicts = tuple(verdict_on(e, best) for e in engines)
        pattern = matching(rule.include, proof)
        agent = proof.given.get("agent")
        conditions = (r.condition for e in engines for r in _rules(e.policy, action))
        everyone = not any(a.subject == "agent" for c in conditions for a in atoms(c))
        return DiffRow(
            kind, action, (None if agent is None else str(agent),), everyone, best or proof, proof, verdicts[0],
            verdicts[1], ref, stands, tier, pattern.text if pattern is not None else "",
        )  # fmt: skip

    # one kind of difference

    def _questions(
        self, kind: str, action: str, tier: str, questions: list[Question], holds: Callable[[tuple[Verdict, ...]], bool]
    ) -> None:
        if not questions:
            return
        formulas = [f for q in questions for f in q.formulas()]
        done: dict[tuple[str, str], int] = {}
        try:
            cases = Cases(formulas, self.attributes)
        except SearchLimitError as error:
            self._open(kind, action, str(error), (i for q in questions for i in q.required[0]))
            return
        for question in sorted(questions, key=lambda q: q.view == BARE):
            self._question(kind, action, tier, question, holds, cases, done)

    def _question(
        self,
        kind: str,
        action: str,
        tier: str,
        question: Question,
        holds: Callable[[tuple[Verdict, ...]], bool],
        cases: Cases,
        done: dict[tuple[str, str], int],
    ) -> None:
        tries: dict[int, int] = {}
        missed: dict[int, Item] = {}
        alike: dict[tuple[str, str], list[int]] = {}
        items = question.required[0]
        first = kind in {"widened", "lowered", "unlogged"}
        stands = "new" if (question.why == "granted") == first else "old"
        try:
            asked = search(self.sides["new"], action, question, cases)
            for number, item in enumerate(items):
                asked.close_item(number, done.get(_name(item), 0))
                alike.setdefault(_name(item), []).append(number)
            for found in asked.run():
                item, number = found.items[0], found.number
                agents = found.agents & asked.open[number]
                if not agents:
                    continue
                row = self._row(kind, action, tier, found, agents, holds, cases, stands, question)
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
            self._open(kind, action, str(error), items)
        self._open(kind, action, _UNSURE, (i for i in missed.values() if _name(i) not in done))

    def _open(self, kind: str, action: str, why: str, items: Iterable[Item]) -> None:
        """Note that something of these rules was not decided."""
        for ref in dict.fromkeys(None if i.rule is None else reference(i.rule) for i in items):
            found = Undecided(kind, action, why, ref)
            if found not in self.result.undecided:
                self.result.undecided.append(found)

    def _row(
        self,
        kind: str,
        action: str,
        tier: str,
        found: Found,
        agents: int,
        holds: Callable[[tuple[Verdict, ...]], bool],
        cases: Cases,
        stands: str,
        question: Question,
    ) -> DiffRow | None:
        engines = (self.engines["old"], self.engines["new"])
        lowest = (agents & -agents).bit_length() - 1
        case = cases.case(found.demands, lowest)
        if question.view == ADDRESSES:
            shown = confirmed(self._names(found), engines, holds)
        else:
            patterns = [s for p in self.sides["new"].parts(action) for i in p.grants for s in i.include][:_PATTERNS]
            shown = confirmed(requests(action, found.word, case, self.layout, patterns), engines, holds)
        if shown is None:
            return None
        proof, verdicts = shown
        rule = found.items[0].rule
        assert rule is not None
        differing = self._files(proof, rule, stands, holds)
        best = self._telling(proof, rule, stands, engines, holds, differing)
        if best is not None:
            verdicts = tuple(verdict_on(e, best) for e in engines)
        pattern = matching(rule.include, proof)
        whole = None
        if kind in {"widened", "narrowed"} and pattern is not None and rule.sort != COMMAND and not proof.resolved:
            whole = self._whole(kind, action, found.items[0], pattern)
        return DiffRow(
            kind,
            action,
            tuple(cases.names(agents)),
            agents == cases.everyone(),
            best or proof,
            proof,
            verdicts[0],
            verdicts[1],
            reference(rule),
            stands,
            tier,
            pattern.text if pattern is not None else "",
            whole,
            differing,
        )

    def _whole(self, kind: str, action: str, item: Item, pattern: Pattern) -> bool | None:
        """Does all that a rule's pattern stands for differ? None where it is not looked for, or not decided."""
        if len(self.result.rows) >= _MOST_WHOLE or self._large(action):
            return None
        first, second = ("old", "new") if kind == "widened" else ("new", "old")
        side = self.sides["new"]
        sequences = tuple(side.layout.sequence(s) for s in pattern.sequences)
        items = [replace(item, include=sequences, grants=True)]
        try:
            for question in same_answer(self.sides[first], self.sides[second], action, items):
                cases = Cases(question.formulas(), self.attributes)
                if next(search(side, action, question, cases).run(), None) is not None:
                    return False
        except SearchLimitError:
            return None
        return True

    def _large(self, action: str) -> bool:
        return any(len(p.grants) + len(p.denies) > _MOST_RULES for s in self.sides.values() for p in s.parts(action))

    def _names(self, found: Found) -> Iterator[Witness]:
        """Connections to a name that both sides permit, and that resolves to the address that was found."""
        old, new = self.sides["old"], self.sides["new"]
        name = replace(ungranted.named(found.word[0], found.word[1]), also=tuple(found.demands))
        for first in permits(old, "connect"):
            for second in permits(new, "connect"):
                asked = Question(([name], *first.grants, *second.grants), [*first.barred, *second.barred], "named")
                cases = Cases(asked.formulas(), self.attributes)
                for one in itertools.islice(search(new, "connect", asked, cases).run(), 1):
                    case = cases.case(one.demands, (one.agents & -one.agents).bit_length() - 1)
                    for witness in requests("connect", one.word, case, self.layout):
                        yield replace(witness, resolved=(host_text(found.word),))

    def _files(
        self, proof: Witness, rule: Rule, stands: str, holds: Callable[[tuple[Verdict, ...]], bool]
    ) -> tuple[str, ...]:
        """The tracked files that differ in the same case, by the same rule."""
        if rule.sort != PATH or not self.files:
            return ()
        key = (proof.action, tuple(sorted(proof.given.items(), key=repr)))
        engines = (self.engines["old"], self.engines["new"])
        if key not in self._decided:
            usual = replace(proof, layout=usual_layout(self.layout))
            self._decided[key] = [tuple(verdict_on(e, replace(usual, resource=f)) for e in engines) for f in self.files]
        at = 0 if stands == "old" else 1
        return tuple(
            f
            for f, v in zip(self.files, self._decided[key], strict=True)
            if holds(v) and any(r.id == rule.id for r in (*v[at].rules, *v[at].support))
        )

    def _telling(
        self,
        proof: Witness,
        rule: Rule,
        stands: str,
        engines: tuple[Engine, ...],
        holds: Callable[[tuple[Verdict, ...]], bool],
        files: tuple[str, ...],
    ) -> Witness | None:
        at = 0 if stands == "old" else 1
        own = [os.path.basename(p) for p in self.engines["new"].policy.sources]
        others = telling(proof, own if rule.sort == PATH else (), files[:1])
        if rule.sort == COMMAND and proof.resource != SCRIPT:  # what the rule itself says
            words = (instance(s, "") for p in rule.include for s in p.sequences if s != (OPAQUE,))
            others = (replace(proof, resource=w) for w in words if w and "" not in w)
        for witness in others:
            verdicts = tuple(verdict_on(e, witness) for e in engines)
            named = any(r.id == rule.id for r in (*verdicts[at].rules, *verdicts[at].support))
            if named and confirmed((witness,), engines, holds, doubted=rule.sort != COMMAND) is not None:
                return witness
        return None


_TURNED = (("old", "new"), ("new", "old"))


def _rules(policy: PolicySet, action: str) -> Iterator[Rule]:
    return rules_about(policy, action)


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
