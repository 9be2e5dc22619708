"""Stops sorted: what rules could let pass, by the rules, and what none may, by why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from shlex import join

from ...domain.actions import ALLOW, COMMAND, DENY, HOST, SORT_OF
from ...domain.decision import Decision, Effect, RuleRef, Verdict
from ...domain.errors import RequestError
from ...domain.limits import limit
from ...domain.request import Request
from ...domain.strict_json import Json
from ...policy import Policy
from ...syntax import tree
from ..learning.generalise import Shape
from ..learning.observe import Observed, Seen, Word, words_of
from ..learning.propose import Corrections, Draft, LearnedRule, Wishes, rules_of
from ..questions import asked
from ..row import effect_of, resource_of, table, tables, text
from .edit import RulePlace, place_of
from .needs import Grant, needs_of
from .stops import Stop

_EFFECTS = limit("suggest_effects")
_TEXT = limit("suggest_text")


@dataclass(slots=True, eq=False)
class StopRequest:
    """A stop with its request, where its rules would go, and what it needs: the words of each action and method."""

    stop: Stop
    request: Request
    place: RulePlace
    grants: tuple[Grant, ...] = ()
    words: tuple[tuple[str, str, Word], ...] = ()


@dataclass(slots=True)
class Refused:
    """Stops for which nothing is proposed, and why; `rule` is the one that stands against it."""

    why: str
    rule: RuleRef | None = None
    seen: Seen = field(default_factory=Seen)
    examples: list[Stop] = field(default_factory=list)


@dataclass(slots=True)
class Sorted:
    """All stops. `open` can be proposed for; `guarded` are what named rules stopped, then or now."""

    open: list[StopRequest] = field(default_factory=list)
    guarded: list[tuple[Request, RuleRef, Decision]] = field(default_factory=list)
    refused: dict[tuple[str, str], Refused] = field(default_factory=dict)
    against: dict[RulePlace, dict[str, set[Word]]] = field(default_factory=dict)
    """What was denied by name, by place and action."""
    passing: int = 0
    """How often something was stopped that the policy lets pass now."""

    def refuse(self, stop: Stop, why: str, rule: RuleRef | None = None) -> None:
        """Note that nothing is proposed for a stop."""
        found = self.refused.setdefault((why, rule.id if rule else ""), Refused(why, rule))
        found.seen.add(stop.seen)
        found.examples.append(stop)


def sort_stops(policy: Policy, file: tree.File, stops: Iterable[Stop]) -> Sorted:
    """Which stops rules could let pass, by what each needs. Raises PolicyLangError."""
    out = Sorted()
    ready: list[StopRequest] = []
    for stop in stops:
        why = _unfit(stop.record)
        place = place_of(file, stop.agent, text(table(stop.record.get("request")).get("repo")))
        if why or place is None:
            out.refuse(stop, why or "no rule can be about an agent, or a repository, of that name alone")
            continue
        try:
            ready.append(StopRequest(stop, asked(stop.record), place))
        except RequestError as error:
            out.refuse(stop, error.message)
    for one, needs in zip(ready, needs_of(policy, [a.request for a in ready], _EFFECTS), strict=True):
        if needs.before.effect == ALLOW:
            out.passing += one.stop.seen.count
            continue
        if needs.before.verdict.undecided:
            out.refuse(one.stop, next(iter(needs.before.reasons), "it could not be decided"))
            continue
        if needs.before.opaque or needs.decision.opaque:
            out.refuse(one.stop, "the command could not be read whole")
            continue
        against = _against(policy, needs.before) or _against(policy, needs.decision)
        named = _denied_by(one.stop.record) or (against.rules[0] if against is not None else None)
        if named is not None:
            out.guarded.append((one.request, named, needs.before))
            words = out.against.setdefault(one.place, {})
            for action, _, word in _denied_words(one.stop.record):
                words.setdefault(action, set()).add(word)
            if against is not None and len(against.reasons) > len(against.rules):
                out.refuse(one.stop, against.reasons[0])  # what it carries, before any rule's reason
            else:
                out.refuse(one.stop, "a rule stops it, and no grant takes its place", named)
            continue
        one.grants = tuple(needs.grants)
        one.words = tuple(_words(one, needs.grants.values()))
        if needs.unsayable is not None:
            resource = needs.unsayable.resource
            shown = resource if isinstance(resource, str) else join(resource)
            out.refuse(one.stop, f"it would {needs.unsayable.action} `{shown[:60]}`, and no rule says exactly that")
        elif len(one.words) < len(one.grants) or not one.grants:
            out.refuse(one.stop, "no rule says exactly this")
        elif needs.decision.effect != ALLOW:
            out.refuse(one.stop, next(iter(needs.decision.reasons), "no rule lets it pass"))
        else:
            out.open.append(one)
    return out


def _unfit(record: Json) -> str:
    """Why a record speaks for no rule, whatever the policy says; empty when it may."""
    request = table(record.get("request"))
    resource = request.get("resource")
    if record.get("redacted"):
        return "a secret was taken out of the record"
    if isinstance(resource, dict):
        return "the resource was known in part only"
    words = resource_of(resource)
    size = len(words) if isinstance(words, str) else len(" ".join(words))
    return "it is too long for a person to judge" if size > _TEXT else ""


def _denied_by(record: Json) -> RuleRef | None:
    """The rule by whose name a record denies."""
    for rule in tables(record.get("rules")):
        if effect_of(rule.get("effect")) == DENY and rule.get("id"):
            line = rule.get("line")
            return RuleRef(
                text(rule.get("id")), DENY, text(rule.get("file")), line if isinstance(line, int) else 0,
                text(rule.get("because")),
            )  # fmt: skip
    return None


def _against(policy: Policy, decision: Decision) -> Verdict | None:
    """The verdict by which a rule denies or asks; what a default says is not one."""
    if decision.effect == ALLOW:
        return None
    by_default = policy.engine.evaluator.combiner.by_default
    for verdict in (*(e.verdict for e in decision.effects), decision.verdict):
        if verdict.effect != ALLOW and verdict.rules and not by_default(verdict):
            return verdict
    return None


def _denied_words(record: Json) -> Iterator[tuple[str, str, Word]]:
    request = table(record.get("request"))
    for effect in tables(record.get("effects")):
        if effect_of(effect.get("effect")) == DENY:
            for word in words_of(effect, request, record, None) or ():
                yield text(effect.get("action")), "", word


def _words(one: StopRequest, effects: Iterable[Effect]) -> Iterator[tuple[str, str, Word]]:
    """What a stop needs, as learning knows it. Nothing of what was known in part."""
    record = one.stop.record
    request = table(record.get("request"))
    for effect in effects:
        resource = effect.resource
        action, method = effect.action, effect.method or one.request.method or ""
        shown: Json = {"action": action, "resource": list(resource) if isinstance(resource, tuple) else resource}
        for word in words_of(shown, request, record, None) or ():
            if "**" not in word:
                yield action, method if SORT_OF[action] == HOST else "", word


Unit = tuple[tuple[str, ...], tuple[str, ...], str]
"""Actions, methods and one pattern: the smallest rule that may be proposed."""


@dataclass(slots=True)
class StopGroup:
    """Stops that the same rules let pass. `rules` have only the patterns that these stops need."""

    place: RulePlace
    rules: list[LearnedRule]
    members: list[StopRequest]

    @property
    def seen(self) -> Seen:
        """How often, in which sessions, and when last."""
        out = Seen()
        for one in self.members:
            out.add(one.stop.seen)
        return out


def groups(found: Sorted, evidence: int, corrections: dict[RulePlace, Corrections]) -> list[StopGroup]:
    """The open stops by the rules that they need, those of most sessions first."""
    out: dict[tuple[RulePlace, bool, frozenset[Unit]], StopGroup] = {}
    by_place: dict[tuple[RulePlace, bool], list[StopRequest]] = {}
    for one in found.open:
        by_place.setdefault((one.place, one.request.confined), []).append(one)
    for (place, confined), members in by_place.items():
        rules = _rules(place, members, found, evidence, corrections.setdefault(place, Corrections()))
        for one in members:
            known = [_unit(rules, word) for word in one.words]
            units = frozenset(u for u in known if u is not None)
            if None in known:
                found.open.remove(one)
                found.refuse(one.stop, "no rule says exactly this")
                continue
            group = out.setdefault((place, confined, units), StopGroup(place, [], []))
            group.members.append(one)
            group.rules = group.rules or list(_of(rules, units))
    return sorted(out.values(), key=_rank)


def _rank(group: StopGroup) -> tuple[int, int, str]:
    return -len(group.seen.sessions), len(group.rules), repr([(r.actions, list(r.shapes)) for r in group.rules])


def _rules(
    place: RulePlace, members: Sequence[StopRequest], found: Sorted, evidence: int, corrections: Corrections
) -> list[LearnedRule]:
    observed = Observed()
    for one in members:
        for action, method, word in one.words:
            seen = replace(one.stop.seen, sessions=set(one.stop.seen.sessions))
            observed.add(("", action, "", method, one.request.confined), word, seen)
    for action, words in found.against.get(place, {}).items():
        observed.denied["", action] = words
    return list(rules_of("", observed, Wishes(evidence=evidence, urls=evidence), corrections, Draft("", [])))


def _unit(rules: Iterable[LearnedRule], need: tuple[str, str, Word]) -> Unit | None:
    """The pattern that stands for a word."""
    action, method, word = need
    for exact in (True, False):
        for rule in rules:
            if action in rule.actions and (not rule.methods or method in rule.methods):
                for pattern, shape in rule.shapes.items():
                    if shape.place == word if exact else _covers(shape, word, SORT_OF[action]):
                        return rule.actions, rule.methods, pattern
    return None


def _covers(shape: Shape, word: Word, sort: str) -> bool:
    place = shape.place
    if shape.below == "verb":
        return word[:-1] == place[:-1] and word[-1].startswith(place[-1][:-1])
    deeper = bool(shape.below) or (sort == HOST and len(place) == 2)
    return word[: len(place)] == place and (deeper or len(word) == len(place))


def _of(rules: Iterable[LearnedRule], units: frozenset[Unit]) -> Iterator[LearnedRule]:
    for rule in rules:
        shapes = {t: s for t, s in rule.shapes.items() if (rule.actions, rule.methods, t) in units}
        if shapes:
            yield replace(rule, shapes=shapes)


def narrowed(group: StopGroup, failing: Sequence[StopRequest], corrections: Corrections) -> bool:
    """Take back what is too wide for a group, or what leaves out some of its stops; False when nothing can be.

    A command that its pattern leaves out, because it has an option that a grant must name, is written out.
    """
    before = len(corrections.blocked), sum(map(len, corrections.exact.values()))
    for rule in group.rules:
        sort = SORT_OF[rule.actions[0]]
        places = [s.place for s in rule.shapes.values() if s.general or (sort == HOST and len(s.place) == 2)]
        if failing and sort == COMMAND:
            exact = corrections.exact.setdefault(("", ""), set())
            exact |= {w for one in failing for a, _, w in one.words if a in rule.actions}
        else:
            corrections.blocked |= {("", action, place) for action in rule.actions for place in places}
    return (len(corrections.blocked), sum(map(len, corrections.exact.values()))) > before
