"""SEM014 twin-spelling."""

from __future__ import annotations

from collections.abc import Iterator

from ..about import twin
from ..check import Check
from ..context import LintContext
from ..finding import Finding


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    for fact in context.facts.found:
        if fact.kind == "redundant" and context.own(fact.rule):
            rule = context.rule(fact.rule)
            other = twin(context, fact)
            if other is not None and (other.file, other.line) < (rule.file, rule.line):
                yield check.finding(
                    context, f"it says the same as `{other.id}`", rule, related=(("the other one", context.span(other)),),
                    fixes=context.remove(rule),
                )  # fmt: skip


CHECK = Check(
    code="SEM014",
    name="twin-spelling",
    severity="info",
    evidence="proved",
    finds="Two rules that say the same in other words.",
    why="One of them will be changed and the other forgotten.",
    remediation="Delete one.",
    bad="""\
allow read "src/**"
allow read "src/*", "src/*/**"
""",
    good='allow read "src/**"',
    near=(
        """\
allow read "src/**"
allow read "src/a/**"
""",
    ),
    shows="the same as",
    function=_find,
)
