"""Rows of a difference: from a request that is decided differently to what a reader is told of it."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from ..automata.pattern import Pattern, instance
from ..domain.actions import COMMAND, PATH
from ..domain.conditions import subjects
from ..domain.decision import RuleRef, Verdict
from ..domain.errors import SearchLimitError
from ..domain.limits import limit
from ..domain.policy import AttributeType
from ..engine.pdp import Engine
from ..engine.prepare import reference
from ..facts.commands import OPAQUE
from ..ir.model import Rule
from ..ir.sorts.host import host_text
from . import ungranted
from .cases import Cases
from .items import Side, rules_about
from .members import matching
from .questions import ADDRESSES, Question, permits, same_answer, search
from .search import Found, Item
from .witness import SCRIPT, Witness, confirmed, only_when, requests, telling, usual_layout, verdict_on

Test = Callable[[tuple[Verdict, ...]], bool]
"""Whether two verdicts differ in some way."""
_MOST_WHOLE = limit("diff_whole")
"""Rows for which it is looked whether all of a pattern differs."""
_MOST_RULES = limit("diff_rules")
"""Rules about one action from which on that would cost more than the difference itself."""
_PATTERNS = limit("witness_patterns")
"""Words of one rule that are tried before it is called undecided."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One way to differ: its kind, of which action and tier, and whether two verdicts do."""

    kind: str
    action: str
    tier: str
    holds: Test


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
    only: str = ""
    """`confined` or `not confined` where the witness differs on that side of the walls alone."""


class Rows:
    """Makes the rows of one difference."""

    def __init__(
        self, sides: Mapping[str, Side], engines: Mapping[str, Engine], attributes: Mapping[str, AttributeType],
        files: tuple[str, ...], whole: bool,
    ) -> None:  # fmt: skip
        self.sides = sides
        self.engines = (engines["old"], engines["new"])
        self.layout = sides["new"].layout
        self.attributes = attributes
        self.files = files
        self.whole = whole
        self.made = 0
        self._decided: dict[object, list[tuple[Verdict, ...]]] = {}

    def asked(
        self, way: Comparison, proof: Witness, verdicts: tuple[Verdict, ...], ref: RuleRef, stands: str
    ) -> DiffRow:
        """The row of a request that is decided differently, by a rule on the side `stands`."""
        rule = next(r for e in self.engines for r in rules_about(e.policy, way.action) if r.id == ref.id)
        best = self._telling(proof, rule, stands, way, ())
        if best is not None:
            verdicts = tuple(verdict_on(e, best) for e in self.engines)
        pattern = matching(rule.include, proof)
        agent = proof.given.get("agent")
        conditions = (r.condition for e in self.engines for r in rules_about(e.policy, way.action))
        everyone = not any("agent" in subjects(c) for c in conditions)
        self.made += 1
        return DiffRow(
            way.kind, way.action, (None if agent is None else str(agent),), everyone, best or proof, proof, verdicts[0],
            verdicts[1], ref, stands, way.tier, pattern.text if pattern is not None else "",
            only=only_when(best or proof, self.engines, way.holds),
        )  # fmt: skip

    # one kind of difference

    def searched(
        self, way: Comparison, found: Found, agents: int, cases: Cases, stands: str, question: Question
    ) -> DiffRow | None:
        """The row of an answer of a search, if a request confirms it. Its rule stands on the side `stands`."""
        lowest = (agents & -agents).bit_length() - 1
        case = cases.case(found.demands, lowest)
        if question.view == ADDRESSES:
            shown = confirmed(self._names(found), self.engines, way.holds)
        else:
            patterns = [s for p in self.sides["new"].parts(way.action) for i in p.grants for s in i.include][:_PATTERNS]
            shown = confirmed(requests(way.action, found.word, case, self.layout, patterns), self.engines, way.holds)
        if shown is None:
            return None
        proof, verdicts = shown
        rule = found.items[0].rule
        assert rule is not None
        differing = self._files(proof, rule, stands, way)
        best = self._telling(proof, rule, stands, way, differing)
        if best is not None:
            verdicts = tuple(verdict_on(e, best) for e in self.engines)
        pattern = matching(rule.include, proof)
        whole = None
        if way.kind in {"widened", "narrowed"} and pattern is not None and rule.sort != COMMAND and not proof.resolved:
            whole = self._whole(way, found.items[0], pattern)
        self.made += 1
        return DiffRow(
            way.kind,
            way.action,
            tuple(cases.names(agents)),
            agents == cases.everyone(),
            best or proof,
            proof,
            verdicts[0],
            verdicts[1],
            reference(rule),
            stands,
            way.tier,
            pattern.text if pattern is not None else "",
            whole,
            differing,
            only_when(best or proof, self.engines, way.holds),
        )

    def _whole(self, way: Comparison, item: Item, pattern: Pattern) -> bool | None:
        """Does all that a rule's pattern stands for differ? None where it is not looked for, or not decided."""
        if not self.whole or self.made >= _MOST_WHOLE or self._large(way.action):
            return None
        first, second = ("old", "new") if way.kind == "widened" else ("new", "old")
        side = self.sides["new"]
        sequences = tuple(side.layout.sequence(s) for s in pattern.sequences)
        items = [replace(item, include=sequences, grants=True)]
        try:
            for question in same_answer(self.sides[first], self.sides[second], way.action, items):
                cases = Cases(question.formulas(), self.attributes)
                if next(search(side, way.action, question, cases).run(), None) is not None:
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

    def _files(self, proof: Witness, rule: Rule, stands: str, way: Comparison) -> tuple[str, ...]:
        """The tracked files that differ in the same case, by the same rule."""
        if rule.sort != PATH or not self.files:
            return ()
        key = (proof.action, tuple(sorted(proof.given.items(), key=repr)))
        if key not in self._decided:
            usual = replace(proof, layout=usual_layout(self.layout))
            self._decided[key] = [
                tuple(verdict_on(e, replace(usual, resource=f)) for e in self.engines) for f in self.files
            ]
        at = 0 if stands == "old" else 1
        return tuple(
            f
            for f, v in zip(self.files, self._decided[key], strict=True)
            if way.holds(v) and any(r.id == rule.id for r in (*v[at].rules, *v[at].support))
        )

    def _telling(
        self, proof: Witness, rule: Rule, stands: str, way: Comparison, files: tuple[str, ...]
    ) -> Witness | None:
        at = 0 if stands == "old" else 1
        own = [os.path.basename(p) for p in self.engines[1].policy.sources]
        others = telling(proof, own if rule.sort == PATH else (), files[:1])
        if rule.sort == COMMAND and proof.resource != SCRIPT:  # what the rule itself says
            words = (instance(s, "") for p in rule.include for s in p.sequences if s != (OPAQUE,))
            others = (replace(proof, resource=w) for w in words if w and "" not in w)
        for witness in others:
            verdicts = tuple(verdict_on(e, witness) for e in self.engines)
            named = any(r.id == rule.id for r in (*verdicts[at].rules, *verdicts[at].support))
            if named and confirmed((witness,), self.engines, way.holds, doubted=rule.sort != COMMAND) is not None:
                return witness
        return None
