"""Grants that leave open what other rules of the same policy tell apart."""

from __future__ import annotations

from collections.abc import Iterator

from ..domain.conditions import subjects
from .check import Check, CheckFunction
from .context import LintContext, example_of
from .finding import Finding


def unbound(subject: str, text: str) -> CheckFunction:
    """A rule that finds grants whose conditions do not speak of a subject, where those of others do."""

    def function(context: LintContext, check: Check) -> Iterator[Finding]:
        bound = {r.id for r in context.own_rules() if subject in subjects(r.condition)}
        if context.ceiling or not bound:
            return
        for rule in context.own_rules("allow"):
            grant = None if rule.id in bound else example_of(context, rule)
            if grant is not None:
                yield check.finding(context, text, rule, steps=(grant.step,))

    return function
