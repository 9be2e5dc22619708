"""Applying fixes: only what is proved to fix its finding, to add none, and, if it is called safe, to narrow."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from ..analysis.diff import diff
from ..domain.errors import PolicyError
from ..resolve.files import overlay
from .context import LintContext
from .finding import Finding, Fix
from .linter import Options, context_of, lint_context


@dataclass(slots=True)
class Fixed:
    """The new texts of files by path, the findings that were fixed, and those whose fix did not hold, with why."""

    texts: dict[str, str] = field(default_factory=dict)
    fixed: list[Finding] = field(default_factory=list)
    refused: list[tuple[Finding, str]] = field(default_factory=list)


def fix(path: str, options: Options, *, unsafe: bool = False) -> Fixed:
    """Fix what can be fixed in a policy, one fix after the other. Raises PolicyError when it does not compile."""
    out = Fixed()
    options = replace(options, baseline=None)
    context = context_of(path, options)
    findings = lint_context(context, options).findings
    tried: set[str] = set()
    while True:
        todo = next((f for f in findings if f.fingerprint not in tried and any(_usable(f, unsafe))), None)
        if todo is None:
            return out
        tried.add(todo.fingerprint)
        why = ""
        for chosen in _usable(todo, unsafe):
            texts = {**out.texts, **_edited(chosen)}
            try:
                after = context_of(path, options, overlay(texts))
            except PolicyError as error:
                why = why or f"the policy would not compile: {error}"
                continue
            left = lint_context(after, options).findings
            fault = _fault(todo, chosen, findings, left, context, after)
            if not fault:
                gone = {f.fingerprint for f in findings} - {f.fingerprint for f in left}
                out.fixed += [f for f in findings if f.fingerprint in gone]
                out.texts, context, findings, why = texts, after, left, ""
                break
            why = why or fault
        if why:
            out.refused.append((todo, why))


def _usable(finding: Finding, unsafe: bool) -> list[Fix]:
    """The fixes that may be tried, in order: the next one where an earlier one does not hold."""
    return [f for f in finding.fixes if f.safe or unsafe]


def _edited(chosen: Fix) -> dict[str, str]:
    """The texts after a fix; edits are about the texts as they stand now."""
    texts: dict[str, str] = {}
    for edit in sorted(chosen.edits, key=lambda e: -e.span.start):
        path = edit.span.source.path
        text = texts.get(path, edit.span.source.text)
        texts[path] = text[: edit.span.start] + edit.text + text[edit.span.end :]
    return texts


def _fault(
    finding: Finding, chosen: Fix, before: list[Finding], after: list[Finding], old: LintContext, new: LintContext
) -> str:
    """Why a fix does not hold; empty when it does."""
    if finding.fingerprint in {f.fingerprint for f in after}:
        return "the finding would still be there"
    # by their codes: a finding about a rule whose text changes has another fingerprint afterwards
    was, now = Counter(f.code for f in before), Counter(f.code for f in after)
    if now[finding.code] >= was[finding.code]:
        return "the finding would still be there"
    notes = {f.code for f in after if f.severity == "info"}  # a denial that has nothing left to meet
    if added := {code for code in now - was if code not in notes}:
        return f"it would bring {', '.join(sorted(added))}"
    if chosen.safe:
        found = diff(old.engine, new.engine, old.layout)
        if found.has("widened", "lowered", "unlogged"):
            return "it would permit more than before"
        if found.undecided:
            return "whether it permits more is undecided within limits"
    return ""
