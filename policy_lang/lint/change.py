"""Findings about what a change newly permits."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator

from ..analysis.diff import Diff
from ..domain.decision import Verdict
from ..domain.errors import Span
from .check import Check
from .context import LintContext
from .finding import Finding, Step
from .places import request_text, verb

_SAYS = {
    "widened": "newly permitted",
    "lowered": "needs less approval than before",
    "unlogged": "is no longer flagged in the log",
}


def changes(context: LintContext, before: LintContext, found: Diff, check: Check) -> list[Finding]:
    """A finding for each difference that gives an agent more, where the change is: in an imported file, too."""
    return [*_rows(context, before, found, check), *_besides(context, found, check)]


def _rows(context: LintContext, before: LintContext, found: Diff, check: Check) -> Iterator[Finding]:
    for row in found.rows:
        if row.kind not in _SAYS:
            continue
        step = Step(row.witness, row.new.effect, row.new.tiers, row.new.rules or row.new.support)
        asked = f"{verb(row.action)} {request_text(step)}"
        text = f"{asked} {_SAYS[row.kind]}: {_effect(row.old)} before, {_effect(row.new)} now"
        place = context.rules.get(row.rule.id) if row.side == "new" else _gone(context, before, row.rule.id)
        yield check.finding(
            context, text, place, content=(row.kind, row.action, row.rule.id, row.tier or ""), steps=(step,),
            severity="error" if row.kind == "widened" and row.new.effect == "allow" else "warning",
        )  # fmt: skip


def _gone(context: LintContext, before: LintContext, rule: str) -> Span | None:
    """The line where a rule stood that is gone, or the import that brought it."""
    if rule not in before.rules:
        return None
    span = before.span(before.rules[rule])
    path = os.path.realpath(span.source.path)
    now = next((m.file.source for m in context.modules if os.path.realpath(m.file.source.path) == path), None)
    if now is None:
        return None
    old, new = span.source.text.splitlines(keepends=True), now.text.splitlines(keepends=True)
    line = span.line - 1
    for _, first, last, at, end in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if first <= line < last:
            line = min(at + line - first, max(at, end - 1), len(new) - 1)
            break
    start = sum(map(len, new[:line]))
    return Span(now, start, start + len(new[line].rstrip("\r\n"))) if new else None


def _besides(context: LintContext, found: Diff, check: Check) -> Iterator[Finding]:
    for change in found.changes:
        if change.kind == "lowered":
            yield check.finding(context, change.text, content=("tier", *change.names))
    for one in found.undecided:
        text = f"whether the change permits more is undecided within limits: {one.why}"
        yield check.finding(context, text, content=("undecided", one.action, one.kind))


def _effect(verdict: Verdict) -> str:
    return f"ask {', '.join(verdict.tiers)}" if verdict.tiers else verdict.effect
