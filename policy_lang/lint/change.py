"""Findings about what a change newly permits."""

from __future__ import annotations

from collections.abc import Iterator

from ..analysis.diff import Diff
from ..domain.decision import Verdict
from .check import Check
from .context import LintContext
from .finding import Finding, Step
from .places import request_text, verb

_SAYS = {
    "widened": "newly permitted",
    "lowered": "needs less approval than before",
    "unlogged": "is no longer flagged in the log",
}


def changes(context: LintContext, found: Diff, check: Check) -> list[Finding]:
    """A finding for each difference that gives an agent more."""
    return [*_rows(context, found, check), *_besides(context, found, check)]


def _rows(context: LintContext, found: Diff, check: Check) -> Iterator[Finding]:
    for row in found.rows:
        if row.kind not in _SAYS:
            continue
        step = Step(row.witness, row.new.effect, row.new.tiers, row.new.rules or row.new.support)
        asked = f"{verb(row.action)} {request_text(step)}"
        text = f"{asked} {_SAYS[row.kind]}: {_effect(row.old)} before, {_effect(row.new)} now"
        rule = context.rules.get(row.rule.id) if row.side == "new" else None
        yield check.finding(
            context, text, rule, content=(row.kind, row.action, row.rule.id, row.tier or ""), steps=(step,),
            severity="error" if row.kind == "widened" and row.new.effect == "allow" else "warning",
        )  # fmt: skip


def _besides(context: LintContext, found: Diff, check: Check) -> Iterator[Finding]:
    for change in found.changes:
        if change.kind == "lowered":
            yield check.finding(context, change.text, content=("tier", *change.names))
    for one in found.undecided:
        text = f"whether the change permits more is undecided within limits: {one.why}"
        yield check.finding(context, text, content=("undecided", one.action, one.kind))


def _effect(verdict: Verdict) -> str:
    return f"ask {', '.join(verdict.tiers)}" if verdict.tiers else verdict.effect
