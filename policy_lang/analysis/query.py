"""Answers to who can do what: the grants that take effect, each with an example that the engine confirms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from ..automata.pattern import Pattern, Sequence
from ..domain.actions import ALLOW, ASK, COMMAND, DENY
from ..domain.collection import no_collection
from ..domain.conditions import TRUE, Atom
from ..domain.decision import RuleRef, Verdict
from ..domain.errors import SearchLimitError
from ..domain.limits import limit
from ..engine.pdp import Engine
from ..engine.prepare import reference
from ..engine.readings import profile_of
from ..ir.model import Rule
from ..shell.profile import Profiles
from .cases import TRUE as SURELY
from .cases import Cases, Demand, one_side
from .items import Items, Side, side_of
from .members import matching
from .questions import Permit, Question, by_default, permits, search
from .sampling import Sampled
from .search import Item
from .spaces import Layout
from .witness import Witness, confirmed, requests, telling

_MOST_TRIES = limit("query_tries")
_MOST_CUTS = limit("query_cuts")
"""Rules for which the restrictions that cut into them are looked for."""


@dataclass(frozen=True, slots=True)
class QueryGrant:
    """A rule that grants something of what is asked about, once for what is allowed and once for what asks.

    `patterns` are the rule's patterns that take part, `cuts` the restrictions that take something of it away,
    `agents` an agent of each class that has it, None being an agent without a name.
    """

    action: str
    effect: str
    tiers: tuple[str, ...]
    rule: RuleRef
    patterns: tuple[str, ...]
    exceptions: tuple[str, ...]
    agents: tuple[str | None, ...]
    everyone: bool
    witness: Witness
    cuts: tuple[tuple[RuleRef, tuple[str, ...]], ...] = ()
    only: str = ""
    """`confined` or `not confined` where the rule can hold on that side of the walls alone."""


@dataclass(slots=True)
class QueryAnswer:
    """The whole answer: exactly what the grants say, less what cuts into them. `undecided` says what is not known."""

    grants: list[QueryGrant]
    undecided: list[str]


def query(
    engine: Engine,
    actions: tuple[str, ...],
    patterns: tuple[Pattern, ...] = (),
    agent: str | None = None,
    layout: Layout | None = None,
    side: Side | None = None,
    accept: Callable[[Witness], bool] | None = None,
    examples: tuple[str, ...] = (),
    only: frozenset[str] = frozenset(),
    less: frozenset[str] = frozenset(),
    but: tuple[Pattern, ...] = (),
) -> QueryAnswer:
    """Which rules grant something of the `patterns` (everything when empty) to `agent` (anybody when None).

    With `accept` only what is allowed without approval is looked for, only requests that it accepts count, and what
    cuts into the grants is left out; `examples` are tried as telling ones. With ids of rules in `only`, what they grant
    is looked for, less what the rules in `less` grant. Nothing that the patterns in `but` match is looked for. A `side`
    of the same policy and layout saves work.
    """
    answer = QueryAnswer([], [])
    layout = layout or (side.layout if side is not None else Layout())
    with no_collection():
        asker = _Asker(engine, patterns, agent, side or side_of(engine, layout), answer, accept, examples)
        asker.only, asker.less, asker.but = only, less, but
        for action in actions:
            try:
                asker.action(action)
            except SearchLimitError as error:
                answer.undecided.append(f"{action}: {error}")
    return answer


class _Asker:
    def __init__(
        self,
        engine: Engine,
        patterns: tuple[Pattern, ...],
        agent: str | None,
        side: Side,
        answer: QueryAnswer,
        accept: Callable[[Witness], bool] | None,
        examples: tuple[str, ...],
    ) -> None:
        self.engine = engine
        # a person who asks about a sub-command means it under each of its names
        self.patterns = patterns if accept is not None else tuple(_by_every_name(p, engine.profiles) for p in patterns)
        self.answer = answer
        self.accept = accept
        self.examples = examples
        self.side = side
        self.only: frozenset[str] = frozenset()
        self.less: frozenset[str] = frozenset()
        self.but: tuple[Pattern, ...] = ()
        self.also: tuple[Demand, ...] = ((Atom("agent", "==", (agent,)), SURELY),) if agent is not None else ()

    def action(self, action: str) -> None:
        """Add what is granted of one action."""
        wanted = self._wanted(action)
        left_out = [Item(None, self._sequences(self.but), (), TRUE, False, raw=action == "run")] if self.but else []
        parts = self.side.parts(action)
        asks = [i for p in parts for items in p.asks.values() for i in items]
        tiers = self.side.policy.tiers
        looked: list[tuple[str, Permit, tuple[Items, ...], Items]] = []
        for way in permits(self.side, action, tiers):
            looked.append((ALLOW, way, (), asks))
        for way in permits(self.side, action) if self.accept is None else ():
            if asks:
                looked.append((ASK, way, (asks,), []))
            looked += [(ASK, way, (items,), part.grants) for part, items in by_default(self.side, action, tiers)]
        for effect, way, more, barred in looked:
            if not way.grants:
                continue
            own, others = self._own(way.grants[0])
            if not own:
                continue
            required = (self._for_agent(own), *wanted, *way.grants[1:], *more)
            question = Question(required, [*way.barred, *barred, *others, *left_out], "granted")
            if self.accept is not None and wanted and not self._any(action, question, wanted):
                continue
            self._grants(action, effect, question, way)
        if self.accept is None:
            self._sampled(action)

    def _sampled(self, action: str) -> None:
        """Ask for some requests: what is granted is an answer, and decides what the search left open."""
        open_ = [text for text in self.answer.undecided if text.startswith(f"{action}: ")]
        known = {(g.effect, g.rule.id) for g in self.answer.grants if g.action == action}
        if known and not open_:
            return
        rules = {
            r.id: r for layer in self.engine.policy.layers for r in layer.rules if action in r.actions and r.grants
        }
        asked_for = tuple(rules.values())
        if self.patterns:
            asked_for = tuple(replace(r, include=self.patterns, exclude=()) for r in asked_for[:1])
        most = limit("explored_commands" if open_ else "sampled_requests")
        attributes = self.side.policy.attributes
        asked = Sampled((self.engine,), action, asked_for, self.side.layout, attributes, most, self.also)
        for witness, (verdict,) in asked.run():
            ref = next((r for r in verdict.support or verdict.rules if r.id in rules), None)
            wanted = not self.patterns or matching(self.patterns, witness) is not None
            if verdict.effect == DENY or ref is None or not wanted or (verdict.effect, ref.id) in known:
                continue
            known.add((verdict.effect, ref.id))
            rule, agent = rules[ref.id], witness.given.get("agent")
            self.answer.grants.append(
                QueryGrant(
                    action, verdict.effect, verdict.tiers, ref, tuple(p.text for p in rule.include),
                    tuple(p.text for p in rule.exclude), (None if agent is None else str(agent),), agent is None,
                    witness, only=one_side(rule.condition, attributes),
                )
            )  # fmt: skip
        if all(map(asked.settles, asked_for)):
            self.answer.undecided = [text for text in self.answer.undecided if text not in open_]

    def _wanted(self, action: str) -> tuple[Items, ...]:
        if not self.patterns:
            return ()
        return ([Item(None, self._sequences(self.patterns), (), TRUE, True, raw=action == "run")],)

    def _sequences(self, patterns: tuple[Pattern, ...]) -> tuple[Sequence, ...]:
        return tuple(self.side.layout.sequence(s) for p in patterns for s in p.sequences)

    def _own(self, grants: Items) -> tuple[Items, Items]:
        """The grants that are asked about, and those that are left out of them."""
        if not self.only:
            return grants, []
        ruled = [(i, i.rule.id) for i in grants if i.rule is not None]
        return [i for i, name in ruled if name in self.only], [i for i, name in ruled if name in self.less]

    def _for_agent(self, items: Items) -> Items:
        return [replace(i, also=self.also) for i in items] if self.also else items

    def _grants(self, action: str, effect: str, question: Question, way: Permit) -> None:
        cases = Cases(question.formulas(), self.side.policy.attributes)
        asked = search(self.side, action, question, cases)
        found: dict[int, list[tuple[int, Witness, Verdict]]] = {}
        tries: dict[int, int] = {}
        for one in asked.run():
            agents = one.agents & asked.open[one.number]
            case = cases.case(one.demands, (agents & -agents).bit_length() - 1)
            asked_for: Iterable[Witness] = requests(action, one.word, case, self.side.layout)
            if self.patterns and action == "run":  # with other options it may be none of the commands meant
                asked_for = (w for w in asked_for if matching(self.patterns, w) is not None)
            shown = self._confirmed(asked_for, effect)
            if shown is None:
                tries[one.number] = tries.get(one.number, 0) + 1
                if tries[one.number] >= _MOST_TRIES:
                    asked.close_item(one.number, cases.everyone())
                continue
            found.setdefault(one.number, []).append((agents, shown[0], shown[1][0]))
            asked.close_item(one.number, agents)
        items = question.required[0]
        first: dict[str, int] = {}  # a rule about commands is several items: one row tells of all
        for number in sorted(found):
            rule = items[number].rule
            known = number if rule is None else first.setdefault(rule.id, number)
            if known != number:
                seen = {agents for agents, _, _ in found[known]}
                found[known] += [one for one in found.pop(number) if one[0] not in seen]
        unsure = {r.id: r.effect for n in sorted(tries) if n not in found and (r := items[n].rule) is not None}
        self.answer.undecided += [
            f"{action}: whether `{rule}` grants anything depends on how programs are called"
            for rule, own in unsure.items()
            if rule not in first and not (effect == ALLOW and own == ASK)  # what an ask grants, it asks for
        ]
        for number in sorted(found):
            self._add(action, effect, items[number], found[number], cases, way)

    def _any(self, action: str, question: Question, wanted: tuple[Items, ...]) -> bool:
        """Whether anything at all is found: what is wanted first, since it is little and mostly denied."""
        first = replace(question, required=(*wanted, *(r for r in question.required if r is not wanted[0])))
        cases = Cases(question.formulas(), self.side.policy.attributes)
        return any(True for _ in search(self.side, action, first, cases, sieve=False).run(shortest=False))

    def _confirmed(self, candidates: Iterable[Witness], effect: str) -> tuple[Witness, tuple[Verdict, ...]] | None:
        accepted = candidates if self.accept is None else filter(self.accept, candidates)
        if self.but:
            accepted = (w for w in accepted if matching(self.but, w) is None)
        return confirmed(accepted, (self.engine,), lambda v: v[0].effect == effect)

    def _add(
        self, action: str, effect: str, item: Item, found: list[tuple[int, Witness, Verdict]], cases: Cases, way: Permit
    ) -> None:
        rule = item.rule
        assert rule is not None
        agents = 0
        for mask, _, _ in found:
            agents |= mask
        witness, verdict = self._best(rule, effect, found[0][1], found[0][2])
        wanted = self.accept is None and len(self.answer.grants) < _MOST_CUTS
        cuts = tuple(self._cuts(action, item, way)) if wanted else ()
        self.answer.grants.append(
            QueryGrant(
                action,
                effect,
                verdict.tiers,
                reference(rule),
                tuple(p.text for p in rule.include),
                tuple(p.text for p in rule.exclude),
                tuple(cases.names(agents)),
                agents == cases.everyone(),
                witness,
                cuts,
                one_side(rule.condition, self.side.policy.attributes),
            )
        )

    def _best(self, rule: Rule, effect: str, witness: Witness, verdict: Verdict) -> tuple[Witness, Verdict]:
        """A more telling example of the same."""
        others = telling(witness) if self.accept is None else (replace(witness, resource=e) for e in self.examples)
        for other in others:
            if matching(rule.include, other) is None or (self.patterns and matching(self.patterns, other) is None):
                continue
            shown = self._confirmed((other,), effect)
            if shown is not None and shown[1][0].tiers == verdict.tiers:
                return shown[0], shown[1][0]
        return witness, verdict

    def _cuts(self, action: str, item: Item, way: Permit) -> Iterator[tuple[RuleRef, tuple[str, ...]]]:
        """The denials that take something of a grant away."""
        denies = [i for i in way.barred if i.rule is not None]
        if not denies:
            return
        wanted = self._wanted(action)
        question = Question((denies, [replace(item, also=self.also)], *wanted), [], "denied")
        cases = Cases(question.formulas(), self.side.policy.attributes)
        asked = search(self.side, action, question, cases)
        met: dict[str, Rule] = {}
        for one in asked.run():
            asked.close_item(one.number, cases.everyone())
            rule = one.items[0].rule
            assert rule is not None
            met.setdefault(rule.id, rule)
        for rule in met.values():
            yield reference(rule), tuple(p.text for p in rule.include)


def _by_every_name(pattern: Pattern, profiles: Profiles) -> Pattern:
    """A pattern of commands with the other names of the sub-commands that it names."""
    if pattern.sort != COMMAND:
        return pattern
    return Pattern(pattern.sort, pattern.text, tuple(n for s in pattern.sequences for n in _names(s, profiles)))


def _names(sequence: Sequence, profiles: Profiles) -> list[Sequence]:
    out: list[Sequence] = [sequence[:1]]
    profile = profile_of(sequence[0], profiles)
    for at, label in enumerate(sequence[1:], 1):
        command = profile.commands.get(label) if profile is not None and isinstance(label, str) else None
        if profile is None or command is None:
            return [(*begun, *sequence[at:]) for begun in out]
        others = [name for name, one in profile.commands.items() if one.name == command.name and name != label]
        out = [(*begun, name) for begun in out for name in (label, *others)]
        profile = command
    return out
