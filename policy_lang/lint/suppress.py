"""Suppressions: `# lint: allow CODE reason="..." owner=@team until=2027-01-31`, on a statement or above it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from ..domain.errors import Span
from ..ir.model import Rule
from ..resolve.modules import walk_rules
from ..syntax import tree
from .check import Check
from .context import LintContext
from .finding import Edit, Finding, Fix

_DIRECTIVE = re.compile(r"#\s*lint\s*:\s*(.*)", re.DOTALL)
_PARTS = re.compile(r'([a-z]+)=(?:"([^"]*)"|(\S*))|([^\s,]+)')
_CODE = re.compile(r"[A-Z]{3}[0-9]{3}")
_LEAST_REASON = 12
"""Characters below which a reason says nothing."""
_PHRASES = {
    "by design", "todo", "ok", "okay", "fine", "false positive", "n/a", "none", "wontfix", "won't fix",
    "works as intended", "intended", "intentional", "needed", "required", "legacy", "ignore", "tbd",
    "fixme", "accepted risk", "known issue",
}  # fmt: skip
CODES = tuple(f"SUP00{i}" for i in range(1, 8))


@dataclass(slots=True)
class Suppression:
    """One comment: what it allows, for which statement, and what is missing."""

    span: Span
    codes: tuple[str, ...]
    reason: str = ""
    owner: str = ""
    until: str = ""
    statement: tuple[int, int] = (0, 0)
    faults: list[tuple[str, str]] = field(default_factory=list)
    used: set[str] = field(default_factory=set)


def by_machinery(context: LintContext, check: Check) -> Iterator[Finding]:  # noqa: ARG001 (the signature of a check function)
    """For rules about the linter's own records: `applied` and the baseline find these."""
    return iter(())


def applied(
    context: LintContext, findings: list[Finding], checks: dict[str, Check], ran: set[str], today: date | None = None
) -> tuple[list[Finding], list[Finding]]:
    """The findings that stay, with those about suppressions, and those that are suppressed.

    `ran` are the rules that ran: what another one might have found is not called unused.
    """
    found = [s for m in context.modules for s in _suppressions(m.file)]
    now = today or datetime.now(UTC).date()
    for one in found:
        _judge(one, now)
    kept: list[Finding] = []
    hidden: list[Finding] = []
    for finding in findings:
        fitting = [s for s in found if finding.code in s.codes and _on(s, finding) and finding.code not in _NEVER]
        holding = None
        for one in fitting:
            one.used.add(finding.code)
            if finding.severity == "error" and not (one.owner and one.until):
                fault = ("SUP005", f"an error needs an owner and an end: {finding.code} has none here")
                if fault not in one.faults:
                    one.faults.append(fault)
            if not any(code in _STOPS for code, _ in one.faults):
                holding = one
        (hidden if holding is not None else kept).append(finding)
    for one in found:
        unused = [c for c in one.codes if c not in one.used and (c in ran or c not in checks)]
        if unused:
            one.faults.append(("SUP002", f"it hides nothing: {', '.join(unused)}"))
        for code, message in one.faults:
            yield_fix = (
                (Fix("delete the comment", (Edit(one.span, ""),), True),)
                if code == "SUP002" and len(unused) == len(one.codes)
                else ()
            )
            kept.append(
                checks[code].finding(
                    context, message, one.span, content=(*one.codes, code, one.reason), fixes=yield_fix
                )
            )
    return kept, hidden


_NEVER = {"SEM009", *CODES}
"""What a change newly permits is for its reviewer: the change itself cannot hide it."""
_STOPS = {"SUP001", "SUP003", "SUP004", "SUP005"}
"""A suppression with such a fault does not hold."""


def _on(suppression: Suppression, finding: Finding) -> bool:
    start, end = suppression.statement
    spans = (finding.span, *(s for _, s in finding.related))
    return any(s.source is suppression.span.source and s.start < end and start < s.end for s in spans)


def _suppressions(file: tree.File) -> Iterator[Suppression]:
    for comment in file.comments:
        found = _DIRECTIVE.match(comment.text)
        if found is None:
            continue
        span = file.span((comment.start, comment.start + len(comment.text.rstrip())))
        yield _read(found.group(1), span, _statement(file, comment))


def _read(text: str, span: Span, statement: tuple[int, int]) -> Suppression:
    named: dict[str, str] = {}
    bare: list[str] = []
    for key, quoted, plain, word in _PARTS.findall(text):
        if key:
            named[key] = quoted or plain
        else:
            bare.append(word)
    codes = tuple(w for w in bare[1:] if _CODE.fullmatch(w))
    out = Suppression(span, codes, named.get("reason", ""), named.get("owner", ""), named.get("until", ""), statement)
    strange = [w for w in bare[1:] if w not in codes] + [k for k in named if k not in {"reason", "owner", "until"}]
    if bare[:1] != ["allow"] or not codes or strange:
        why = "it names no code" if bare[:1] == ["allow"] and not codes else "it is not understood"
        out.faults.append(("SUP004", f'{why}: write `# lint: allow CODE reason="..."`'))
    return out


def _judge(one: Suppression, today: date) -> None:
    if not one.reason.strip():
        one.faults.append(("SUP001", "it has no reason"))
    elif one.reason.strip(" .!").lower() in _PHRASES or len(one.reason.strip()) < _LEAST_REASON:
        one.faults.append(("SUP007", f"the reason `{one.reason}` says nothing"))
    if one.until:
        try:
            ended = date.fromisoformat(one.until) < today
        except ValueError:
            one.faults.append(("SUP004", f"`{one.until}` is not a valid date: write `until=2027-01-31`"))
        else:
            if ended:
                one.faults.append(("SUP003", f"it ended on {one.until}"))


def _statement(file: tree.File, comment: tree.Comment) -> tuple[int, int]:
    """The statement that a comment is about: the next one below it, or the one on whose lines it stands."""
    places = sorted(
        [r.pos for r, _ in walk_rules(file.items)] + [i.pos for i in file.items if not isinstance(i, tree.Scope)]
    )
    if comment.own_line:
        inside = [p for p in places if p[0] <= comment.start < p[1]]
        return inside[-1] if inside else next((p for p in places if p[0] > comment.start), (0, 0))
    return next((p for p in reversed(places) if p[0] <= comment.start), (0, 0))


def comment_above(context: LintContext, rule: Rule) -> str:
    """The comments on the lines right above a rule."""
    source = rule.span.source
    for module in context.modules:
        if module.file.source is source:
            line = source.position(rule.span.start)[0]
            own = {source.position(c.start)[0]: c.text for c in module.file.comments if c.own_line}
            out: list[str] = []
            while line - 1 in own:
                line -= 1
                out.append(own[line].lstrip("# "))
            return " ".join(reversed(out))
    return ""
