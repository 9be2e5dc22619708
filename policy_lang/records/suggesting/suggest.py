"""Proposals: rules that let stops pass, each verified, with what else they permit and what the linter says."""

from __future__ import annotations

import difflib
import os
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from ...domain.actions import ALLOW, ASK, DENY
from ...domain.digest import sha256
from ...domain.errors import AuthorError
from ...domain.limits import limit
from ...domain.request import Request
from ...lint.context import LintContext
from ...lint.finding import Finding
from ...lint.linter import Options, context_of, lint_context
from ...policy import Policy
from ...resolve.files import overlay, read_source
from ...syntax import emit, tree
from ...testing import CaseResult, run_tests
from ..learning.observe import Seen
from ..learning.propose import Corrections, comments_of, statement_of
from .beyond import Beyond, beyond
from .edit import RulePlace, added, parsed
from .examples import tests_of
from .group import Refused, Sorted, StopGroup, groups, narrowed, sort_stops
from .needs import statement
from .stops import Stop, Stops

_MOST = limit("suggest_proposals")
_ROUNDS = limit("suggest_rounds")
_TYPED = "what you typed"
Key = tuple[tuple[str, ...], str, tuple[str, ...]]
"""Agents' and repository's globs and rules of a proposal."""


class SuggestError(AuthorError):
    """The policy is none that rules can be proposed for, or a rule that a person wrote does not do what it is for."""


@dataclass(slots=True)
class Proposal:
    """Rules for the stops of a group, verified: with them in the policy all of these stops pass.

    `also` are requests beyond the stops that pass as well. `text` is the whole policy with rules and tests in it.
    """

    id: str
    group: StopGroup
    nodes: tuple[tree.RuleNode, ...]
    text: str
    diff: str
    also: Beyond
    untested: str = ""
    findings: list[Finding] = field(default_factory=list)

    @property
    def place(self) -> RulePlace:
        """Where the rules go."""
        return self.group.place

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules as the language has them."""
        return tuple(map(emit.statement, self.nodes))

    @property
    def seen(self) -> Seen:
        """How often what passes was stopped, in which sessions, and when last."""
        return self.group.seen

    @property
    def key(self) -> Key:
        """The name that it has whatever else is in the policy."""
        return _key(self.place, self.rules)

    @property
    def stops(self) -> list[Stop]:
        """What passes."""
        return [one.stop for one in self.group.members]


@dataclass(slots=True)
class Suggested:
    """All that is proposed, and what is not. `more` are groups beyond those that are shown."""

    proposals: list[Proposal]
    refused: list[Refused]
    passing: int
    more: int = 0
    elsewhere: list[Finding] = field(default_factory=list)
    """What the linter finds in the policy with all proposals, and not at one of them."""


class Suggester:
    """Proposes rules for one policy. Raises PolicyError when it does not compile, SuggestError for a guardrail."""

    def __init__(self, path: str, evidence: int, text: str | None = None) -> None:
        self.path = path
        self.evidence = evidence
        self.text = read_source(path).text if text is None else text
        self.policy = Policy.loads(self.text, path)
        self.file = parsed(self.text, path)
        if self.policy.policy_set.layers[0].guardrail:
            raise SuggestError(f"`{path}` is a guardrail, and grants nothing: name the policy that agents run under")
        self.failing = {_case(r) for r in run_tests(self.policy).failures}
        self.found = Sorted()

    def suggest(self, stops: Stops, at_least: int = 1, without: Container[Key] = ()) -> Suggested:
        """Proposals for the stops of a log, `without` those that a person has answered."""
        found = self.found = sort_stops(self.policy, self.file, stops.found.values())
        corrections: dict[RulePlace, Corrections] = {}
        verified: dict[tuple[RulePlace, tuple[str, ...]], bool] = {}
        for _ in range(_ROUNDS):
            made = [
                g for g in groups(found, self.evidence, corrections)
                if g.seen.count >= at_least and _key(g.place, statements(g)) not in without
            ]  # fmt: skip
            changed = False
            for group in made[:_MOST]:
                key = (group.place, tuple(statements(group)))
                if key not in verified:
                    verified[key] = self._verified(group, found, corrections[group.place])
                    changed = changed or not verified[key]
            if not changed:
                break
        shown = [g for g in made[:_MOST] if verified.get((g.place, tuple(statements(g))))]
        proposals = [self._proposal(g, parts_of(g), found) for g in shown]
        return Suggested(proposals, list(found.refused.values()), found.passing, len(made) - len(shown))

    def _verified(self, group: StopGroup, found: Sorted, corrections: Corrections) -> bool:
        """Whether a group passes by its rules, and nothing that a rule stopped does; what does not is corrected."""
        policy = self.with_parts(group.place, parts_of(group))[1]
        failing = [one for one in group.members if policy.decide_request(one.request).effect != ALLOW]
        let = next((rule for request, rule, before in found.guarded if _let(policy, request, before.effect)), None)
        if not failing and let is None:
            return True
        if not narrowed(group, failing, corrections):
            for one in failing if let is None else group.members:
                found.open.remove(one)
                found.refuse(one.stop, "what would let it pass permits what a rule stopped" if let else _ALONE, let)
        return False

    def with_parts(
        self, place: RulePlace, parts: Sequence[emit.Part], tests: Sequence[emit.Part] = ()
    ) -> tuple[str, Policy]:
        """The policy's text with rules and tests in it, and the policy. Raises PolicyError."""
        text = added(self.file, [(place, parts)], tests)
        return text, Policy.loads(text, self.path)

    def written(self, proposal: Proposal, text: str) -> Proposal:
        """The proposal with rules that a person wrote instead, for those stops that pass by them.

        Raises PolicyError for what does not compile, SuggestError for what is not a rule that lets one of them pass.
        """
        nodes = [*parsed(text, _TYPED).items]
        if not nodes or not all(isinstance(n, tree.RuleNode) and n.effect.text != DENY for n in nodes):
            raise SuggestError('write rules that grant, such as `allow run "make"` or `ask review run "make"`')
        _, policy = self.with_parts(proposal.place, nodes)
        let = next((r for q, r, before in self.found.guarded if _let(policy, q, before.effect)), None)
        if let is not None:
            raise SuggestError(f"that would let pass what `{let.id}` stopped")
        passing = [m for m in proposal.group.members if _passes(policy, m.request)]
        if not passing:
            raise SuggestError("that lets none of these stops pass")
        return self._proposal(replace(proposal.group, members=passing), nodes, self.found)

    def _proposal(self, group: StopGroup, parts: Sequence[emit.Part], found: Sorted) -> Proposal:
        """The whole proposal of rules that are verified."""
        nodes = tuple(part for part in parts if isinstance(part, tree.RuleNode))
        rules = tuple(map(emit.statement, nodes))
        _, policy = self.with_parts(group.place, parts)
        also = self._also(group, policy, nodes)
        if any(node.effect.text == ASK for node in nodes):
            also.undecided.append("what else would be asked for is not looked for")
        tests = tests_of(self.policy, policy, group, found)
        text, tested = self.with_parts(group.place, parts, tests.parts)
        untested = tests.why
        if any(_case(r) not in self.failing for r in run_tests(tested).failures):
            text, untested = added(self.file, [(group.place, parts)]), "the tests of the policy would fail"
        name = sha256("\0".join([self.policy.digest, repr(group.place), *rules]).encode()).hexdigest()[:8]
        return Proposal(name, group, nodes, text, self.difference(text), also, untested)

    def _also(self, group: StopGroup, policy: Policy, nodes: Sequence[tree.RuleNode]) -> Beyond:
        """What passes beyond exactly what was stopped."""
        exact = dict.fromkeys(statement(g) for one in group.members for g in one.grants)
        if set(exact) == set(map(emit.statement, nodes)):
            return Beyond()
        only = [*parsed("\n".join(exact), self.path).items]
        both = self.with_parts(group.place, [*only, *nodes])[1]
        return beyond(self.policy, self.with_parts(group.place, only)[1], policy, both)

    def accepted(self, proposal: Proposal) -> Suggester:
        """What proposes for the policy with a proposal in it."""
        return Suggester(self.path, self.evidence, proposal.text)

    def refusal(self, text: str) -> str:
        """Why the policy's file must not become this text; empty when it may. Raises PolicyError."""
        if read_source(self.path).text != self.text:
            return f"`{self.path}` has changed meanwhile; look anew"
        failures = run_tests(Policy.loads(text, self.path)).failures
        if failures:
            line = failures[0].case.span.line
            return f"{len(failures)} of its tests would fail, the first in line {line}: {failures[0].test.name}"
        return ""

    def difference(self, text: str) -> str:
        """The unified diff from the policy's text to another."""
        name = os.path.basename(self.path)
        lines = difflib.unified_diff(
            self.text.splitlines(keepends=True), text.splitlines(keepends=True), f"a/{name}", f"b/{name}"
        )
        return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)

    def lint(self, found: Suggested, options: Options) -> None:
        """Add what the linter finds with all proposals in the policy, and not without them, each at its proposal."""
        if not found.proposals:
            return
        before = {f.fingerprint for f in lint_context(self._context(self.text, options), options).findings}
        rules = {(p.place, emit.statement(node)): node for p in found.proposals for node in p.nodes}
        text = added(self.file, [(place, [part]) for (place, _), part in rules.items()])
        owners = _owners(parsed(text, self.path), found.proposals)
        for finding in lint_context(self._context(text, options), options).findings:
            if finding.fingerprint not in before:
                own = [p for (start, end), p in owners if start <= finding.span.start < end]
                for proposal in own:
                    proposal.findings.append(finding)
                if not own:
                    found.elsewhere.append(finding)

    def _context(self, text: str, options: Options) -> LintContext:
        return context_of(self.path, options, overlay({self.path: text}))


_ALONE = "its own rules do not let it pass alone"


def _let(policy: Policy, request: Request, before: str) -> bool:
    return before != ALLOW and policy.decide_request(request).effect == ALLOW


def _case(result: CaseResult) -> tuple[object, ...]:
    case, test = result.case, result.test
    return (test.name, test.agent, case.action, case.resource, case.effect, case.tier)


def _passes(policy: Policy, request: Request) -> bool:
    """Whether nothing is denied any more; a person may choose to be asked."""
    return policy.decide_request(request).effect != DENY


def _key(place: RulePlace, rules: Iterable[str]) -> Key:
    return place.agents, place.repo, tuple(rules)


def statements(group: StopGroup) -> list[str]:
    """The rules of a group as the language has them."""
    return [emit.statement(statement_of(rule)) for rule in group.rules]


def parts_of(group: StopGroup) -> list[emit.Part]:
    """The rules of a group with what each rests on."""
    out: list[emit.Part] = []
    for rule in group.rules:
        out += [*comments_of(rule), statement_of(rule)]
    return out


def _owners(file: tree.File, proposals: Iterable[Proposal]) -> list[tuple[tuple[int, int], Proposal]]:
    """The rules of a file that are a proposal's, by their place."""
    found: list[tuple[tuple[int, int], Proposal]] = []
    for node in _rules_in(file.items):
        said = emit.statement(node)
        found += [((node.pos[0], node.pos[1]), p) for p in proposals if said in p.rules]
    return found


def _rules_in(items: Iterable[tree.Node]) -> Iterator[tree.RuleNode]:
    for item in items:
        if isinstance(item, tree.Scope):
            yield from _rules_in(item.body)
        elif isinstance(item, tree.RuleNode):
            yield item
