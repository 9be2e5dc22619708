"""Findings about a policy's rules from a decision log.

A log shows what happened, not what must be possible: a rule for a job of every quarter looks unused for three months.
So the window is shown with every finding, and what the log cannot show is said instead of guessed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ..domain.errors import Span
from ..domain.wording import counted
from ..ir.model import Rule
from ..syntax.emit import string
from .check import Check
from .context import LintContext, words
from .finding import Edit, Finding, Fix

_LEAST_DAYS = 7
"""Below which nothing is called unused."""
_ENOUGH_DAYS = 90
"""From which on a log is long enough for most work; below, the report says that it may not be."""
_LEAST_USES = 20
_FEW_PATTERNS = 6
"""A proposal with more patterns is harder to review than the rule that it replaces."""
_LEAST_DENIED = 20
_LEAST_ANSWERS = 10
_MANY_A_DAY = 20


@dataclass(slots=True)
class RuleUse:
    """How often a rule granted something, for how many different values, and the patterns that all of them fit in.

    `smaller` are such patterns for each action, empty when they are not smaller; a replay has shown that they suffice.
    """

    count: int = 0
    values: int = 0
    last: str = ""
    smaller: tuple[str, ...] = ()
    approved: dict[str, int] = field(default_factory=dict)
    """How often people said yes, by day."""
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class Denied:
    """Something that was asked for again and again, and never granted."""

    rule: str
    agent: str
    action: str
    resource: str
    count: int
    sessions: int


@dataclass(slots=True)
class Usage:
    """What a log says: over how many days, which actions it holds at all, and what each rule granted."""

    decisions: int
    days: float
    first: str
    last: str
    actions: frozenset[str]
    uses: dict[str, RuleUse] = field(default_factory=dict)
    denied: list[Denied] = field(default_factory=list)

    @property
    def window(self) -> str:
        """The log in a few words."""
        return f"{self.decisions:,} decisions over {self.days:.0f} days"


def used(context: LintContext, usage: Usage, checks: dict[str, Check], codes: set[str]) -> list[Finding]:
    """The findings of the rules about use that are asked for."""
    found = {
        "USE001": _unused, "USE002": _smaller, "USE003": _always_approved, "USE004": _always_denied,
        "USE005": _short, "USE006": _not_logged, "APR008": _fatigue,
    }  # fmt: skip
    return [f for code, function in found.items() if code in codes for f in function(context, usage, checks[code])]


def _grants(context: LintContext) -> Iterator[Rule]:
    """The author's own rules that grant; those of a ceiling are there for others."""
    if not context.ceiling:
        yield from (r for r in context.own_rules() if r.grants)


def _unused(context: LintContext, usage: Usage, check: Check) -> Iterator[Finding]:
    if usage.days < _LEAST_DAYS:
        return
    for rule in _grants(context):
        if rule.id not in usage.uses and usage.actions & set(rule.actions):
            text = f"`{rule.id}` granted nothing in {usage.window}"
            yield check.finding(context, text, rule, fixes=context.remove(rule, safe=False))


def _smaller(context: LintContext, usage: Usage, check: Check) -> Iterator[Finding]:
    for rule in _grants(context):
        use = usage.uses.get(rule.id)
        if use is None or use.count < _LEAST_USES or not 0 < len(use.smaller) <= _FEW_PATTERNS:
            continue
        shown = ", ".join(map(string, use.smaller))
        text = f"all {use.count:,} grants of `{rule.id}` ({use.values:,} different) fit in {shown}; {usage.window}"
        found = words(context, rule)
        fixes: tuple[Fix, ...] = ()
        statement = context.statement(rule)
        if statement is not None and len(found) == len(statement.patterns):
            span = Span(rule.span.source, found[0].pos[0], found[-1].pos[1])
            fixes = (Fix("grant what was used", (Edit(span, shown),)),)
        yield check.finding(context, text, rule, content=use.smaller, fixes=fixes)


def fatigue(busiest: int, rejected: int) -> bool:
    """Whether so many approvals on one day, and so many rejections, say that nobody reads a rule's questions."""
    return busiest >= _MANY_A_DAY and not rejected


def _always_approved(context: LintContext, usage: Usage, check: Check) -> Iterator[Finding]:
    for rule in context.own_rules("ask"):
        use = usage.uses.get(rule.id, RuleUse())
        count = sum(use.approved.values())
        if count >= _LEAST_ANSWERS and not use.rejected:
            text = f"people said yes to all {count:,} questions of `{rule.id}`; {usage.window}"
            yield check.finding(context, text, rule)


def _fatigue(context: LintContext, usage: Usage, check: Check) -> Iterator[Finding]:
    for rule in context.own_rules("ask"):
        use = usage.uses.get(rule.id, RuleUse())
        day, most = max(use.approved.items(), key=lambda d: d[1], default=("", 0))
        if fatigue(most, use.rejected):
            text = f"`{rule.id}` asked people {most:,} times on {day}, and they always said yes: nobody reads that many"
            yield check.finding(context, text, rule)


def _always_denied(context: LintContext, usage: Usage, check: Check) -> Iterator[Finding]:
    for one in usage.denied:
        if one.count >= _LEAST_DENIED:
            who = f"`{one.agent}`" if one.agent else "an agent without a name"
            by = f"`{one.rule}` denies it" if one.rule else "no rule grants it"
            sessions = counted(one.sessions, "session")
            text = (
                f"{who} asked {one.count:,} times in {sessions} for {one.action} `{one.resource[:80]}`, in vain: {by}"
            )
            rule = context.rules.get(one.rule)
            yield check.finding(context, text, rule, content=(one.agent, one.action, one.resource))


def _short(context: LintContext, usage: Usage, check: Check) -> Iterator[Finding]:
    if usage.days < _ENOUGH_DAYS:
        text = f"the log covers {usage.days:.0f} days: work of every month or quarter may not be in it"
        if usage.days < _LEAST_DAYS:
            text += "; no rule is called unused"
        yield check.finding(context, text)


def _not_logged(context: LintContext, usage: Usage, check: Check) -> Iterator[Finding]:
    silent: dict[str, Rule] = {}
    for rule in _grants(context):
        if not usage.actions & set(rule.actions):
            silent.setdefault(rule.actions[0], rule)
    for action, rule in silent.items():
        text = f"the log holds no `{action}` at all, of any agent: whether rules about it are used, it cannot show"
        yield check.finding(context, text, rule, content=(action,))
