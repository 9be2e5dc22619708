"""SEM019 end-without-sense."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from ...domain.conditions import atoms
from ...ir.model import Rule
from ..check import Check
from ..context import LintContext
from ..finding import Finding

_FAR = timedelta(days=3653)
"""Ten years: who writes a later end means none."""


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    for rule in context.own_rules():
        end = _end(context, rule)
        if end is None:
            continue
        if end < context.today:
            what = "denies" if rule.effect == "deny" else "grants"
            text = f"it ended on {end.isoformat()}: it {what} nothing any more"
            yield check.finding(context, text, rule, content=("past",), fixes=context.remove(rule, safe=False))
        elif end - context.today > _FAR:
            text = f"it ends on {end.isoformat()}, which is as good as never"
            yield check.finding(context, text, rule, content=("far",))


def _end(context: LintContext, rule: Rule) -> date | None:
    """The last day on which a rule with `until` holds."""
    statement = context.statement(rule)
    if statement is None or statement.clause("until") is None:
        return None
    ends = [int(a.values[0]) for a in atoms(rule.condition) if a.subject == "now" and a.op == "<"]
    return datetime.fromtimestamp(min(ends) - 1, UTC).date() if ends else None


CHECK = Check(
    code="SEM019",
    name="end-without-sense",
    severity="warning",
    evidence="proved",
    finds="A rule whose `until` is past, or more than ten years away.",
    why=(
        "A rule that has ended is text that somebody believes in, and worst where it was a denial. An end that nobody "
        "lives to see is none."
    ),
    remediation="Delete the rule, or write the day on which it is looked at again.",
    bad='allow push "migrate/**" until 2021-01-31',
    good='allow push "migrate/**" until 2027-01-31',
    near=('allow push "migrate/**" until 2029-12-31', 'allow push "migrate/**" when now in 08:00..16:00'),
    shows="2021-01-31",
    function=_find,
)
