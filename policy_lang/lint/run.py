"""One run of the linter over one policy: every rule, what suppressions and baselines take away, in a fixed order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ..analysis import deadline
from ..domain.collection import no_collection
from ..domain.errors import InternalError, SearchLimitError
from .check import Check
from .context import LintContext
from .finding import PERSONAS, SEVERITIES, Finding, Step
from .registry import checks


@dataclass(slots=True)
class Report:
    """What was found. `suppressed` and `baselined` are counted and listed, never lost."""

    findings: list[Finding] = field(default_factory=list)
    suppressed: list[Finding] = field(default_factory=list)
    baselined: list[Finding] = field(default_factory=list)
    files: int = 0
    unfinished: list[str] = field(default_factory=list)
    """Codes of the rules that were not looked at to their end: the time was over, or a search met its limit."""

    def failed(self, level: str) -> bool:
        """True when a finding is at least this severe."""
        return any(SEVERITIES.index(f.severity) >= SEVERITIES.index(level) for f in self.findings)


Looked = Callable[[int, int], None]
"""Told how many rules were looked at, and of how many."""


def found_in(
    context: LintContext,
    selected: Iterable[Check] | None = None,
    persona: str = "regular",
    looked: Looked = lambda _done, _all: None,
) -> tuple[list[Finding], list[str]]:
    """Every finding of the rules that a persona sees, each request in it asked again; the rules that did not end.

    Raises InternalError.
    """
    most = PERSONAS.index(persona)
    out: dict[tuple[str, str, int], Finding] = {}
    unfinished: list[str] = []
    every = [c for c in (checks().values() if selected is None else selected) if c.function is not None]
    with no_collection():
        for number, check in enumerate(every):
            looked(number, len(every))
            try:
                deadline.check()
                for finding in check.function(context, check) if check.function is not None else ():
                    if PERSONAS.index(finding.persona) <= most:
                        replay(context, finding)
                        out.setdefault((finding.fingerprint, finding.span.source.path, finding.span.start), finding)
                deadline.check()  # what gave up inside may have been taken for undecided
            except SearchLimitError:
                unfinished.append(check.code)
    looked(len(every), len(every))
    return ordered(_once(list(out.values()))), unfinished


_SUMMARIES = frozenset({"SEM008"})
"""Rules that say of the whole policy what others may say of one of its rules."""


def _once(findings: list[Finding]) -> Iterable[Finding]:
    """The findings without summaries of which every request is another finding's."""
    shown = {_asked(s) for f in findings if f.code not in _SUMMARIES for s in f.steps}
    return (f for f in findings if f.code not in _SUMMARIES or not all(_asked(s) in shown for s in f.steps))


def _asked(step: Step) -> tuple[object, ...]:
    return (step.witness.action, step.witness.resource, step.witness.method)


def replay(context: LintContext, finding: Finding) -> None:
    """Ask every request of a finding once more. Raises InternalError when the policy answers otherwise."""
    for step in finding.steps:
        again = context.engine.decide(step.witness.request(context.policy))
        if again.effect != step.effect:
            shown = f"{step.witness.action} {step.witness.resource}"
            raise InternalError(f"{finding.code}: `{shown}` is not decided `{step.effect}` any more")


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """By file and place, the most severe first at one place."""
    return sorted(
        findings, key=lambda f: (f.span.source.path, f.span.start, -SEVERITIES.index(f.severity), f.code, f.message)
    )
