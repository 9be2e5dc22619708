"""Running the tests of a policy file, and finding the rules that no test exercises."""

from __future__ import annotations

from dataclasses import dataclass, field

from .domain.actions import CALL
from .domain.conditions import ARGUMENT
from .domain.decision import Decision
from .domain.request import Request
from .ir.arguments import nested
from .ir.model import Case, TestBlock
from .policy import Policy

WORKSPACE, HOME = "/workspace", "/home/agent"
"""Where a test's agent works, so that a test means the same on every machine. `given` can say otherwise."""


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One expectation with its outcome."""

    test: TestBlock
    case: Case
    decision: Decision
    passed: bool

    @property
    def got(self) -> str:
        """The decision in one word, tiers included."""
        return " ".join([self.decision.effect, ", ".join(self.decision.tiers)]).strip()

    @property
    def wanted(self) -> str:
        """The expectation in one word."""
        return f"{self.case.effect} {self.case.tier}".strip()


@dataclass(slots=True)
class TestReport:
    """All outcomes of one file. `unexercised` are the file's own rules that decided no case: (id, file, line)."""

    __test__ = False
    results: list[CaseResult] = field(default_factory=list)
    unexercised: list[tuple[str, str, int]] = field(default_factory=list)
    rules: int = 0

    @property
    def failures(self) -> list[CaseResult]:
        """The expectations that do not hold."""
        return [r for r in self.results if not r.passed]

    @property
    def coverage(self) -> float:
        """The share of the file's own rules that decided at least one case; 1.0 when it has none."""
        return 1.0 - len(self.unexercised) / self.rules if self.rules else 1.0


def run_tests(policy: Policy) -> TestReport:
    """Run every test of the policy file itself, in order."""
    report = TestReport()
    used: set[tuple[str, int]] = set()
    for test in policy.policy_set.tests:
        for case in test.cases:
            decision = policy.decide_request(_request(test, case))
            passed = decision.effect == case.effect and (not case.tier or case.tier in decision.tiers)
            report.results.append(CaseResult(test, case, decision, passed))
            verdicts = (decision.verdict, *(e.verdict for e in decision.effects))
            used.update((r.id, r.line) for v in verdicts for r in (*v.rules, *v.support))
    name = policy.policy_set.name
    own = {(r.id, r.line): r for layer in policy.policy_set.layers for r in layer.rules if r.module == name}
    report.rules = len(own)
    report.unexercised = [(r.id, r.file, r.line) for key, r in own.items() if key not in used]
    return report


def _request(test: TestBlock, case: Case) -> Request:
    given = dict(test.given)
    places = {name: str(given.pop(name)) for name in ("workspace", "home", "cwd") if name in given}
    now, confined, versioned = given.pop("now", None), given.pop("confined", False), given.pop("versioned", False)
    arguments = nested({name: given.pop(name) for name in [*given] if name.startswith(ARGUMENT)})
    fields = {name: str(given.pop(name)) for name in ("agent", "repo", "branch", "session") if name in given}
    return Request(
        case.action,
        case.resource if case.resource is not None else "$opaque",
        agent=test.agent or fields.get("agent"),
        repo=fields.get("repo"),
        branch=fields.get("branch"),
        session=fields.get("session"),
        context=given,
        workspace=places.get("workspace", WORKSPACE),
        home=places.get("home", HOME),
        cwd=places.get("cwd"),
        method=case.method,
        lexical=True,
        now=float(now) if now is not None else None,
        confined=confined is True,
        versioned=versioned is True,
        destination=case.destination,
        arguments=arguments if case.action == CALL else None,
    )
