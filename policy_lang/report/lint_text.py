"""Findings as text with carets, one line each, and as annotations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ..domain.errors import Span
from ..domain.wording import counted
from ..lint.finding import SEVERITIES, Finding, Step
from ..lint.run import Report
from .diagnostics import excerpt
from .differences import circumstances, escaped, witness_text
from .style import colour, visible

_SHADES = {"error": "error", "warning": "warning", "info": "help"}
_LEVELS = {"error": "error", "warning": "warning", "info": "notice"}
_RELATED = 4
_RULES = 8


def step_text(step: Step) -> str:
    """A request as one would type it, with what it needs besides."""
    given = circumstances(step.witness)
    agent = step.witness.given.get("agent")
    asked = [f"as {visible(str(agent))}"] if agent is not None else []
    return witness_text(step.witness) + (f"  ({'; '.join([*asked, *given])})" if asked or given else "")


def render_findings(report: Report) -> str:
    """Every finding with its place, the requests that show it, and how to fix it."""
    return "\n\n".join([*(_full(f) for f in report.findings), summary(report)])


def _full(finding: Finding) -> str:
    head = colour(f"{finding.severity}[{finding.code}]", _SHADES[finding.severity])
    lines = [f"{head} {finding.name}: {visible(finding.message)}", *excerpt(finding.span, _SHADES[finding.severity])]
    for number, step in enumerate(finding.steps, 1):
        lead = f"step {number}" if finding.trace else "asked"
        shade = step.effect if step.effect in {"allow", "ask", "deny"} else "dim"
        answer = f"{step.effect} {', '.join(step.tiers)}".rstrip()
        note = f"  {colour(visible(step.note), 'dim')}" if step.note and finding.trace else ""
        lines.append(f"   = {lead}: {step_text(step)} -> {colour(answer, shade)}{note}")
    for text, span in finding.related[:_RELATED]:
        lines.append(f"   = {visible(text)}: {_place(span)}")
    for fix in finding.fixes:
        kind = "" if fix.safe else " (not applied by --fix alone)"
        lines.append(f"   = {colour('fix', 'help')}: {visible(fix.title)}{kind}")
    return "\n".join(lines)


def _place(span: Span) -> str:
    line, column = span.source.position(span.start)
    return f"{visible(span.source.path)}:{line}:{column}"


def concise_lines(report: Report) -> Iterator[str]:
    """A line for each finding, and the summary."""
    for finding in report.findings:
        code = colour(finding.code, _SHADES[finding.severity])
        yield f"{_place(finding.span)}: {finding.severity} {code} {visible(finding.message)}"
    yield summary(report)


def summary(report: Report) -> str:
    """How many of each, and what is not shown."""
    counts = Counter(f.severity for f in report.findings)
    found = [f"{counts[s]} {s}" if s == "info" else counted(counts[s], s) for s in reversed(SEVERITIES) if counts[s]]
    files = f"{report.files} {'policy' if report.files == 1 else 'policies'}"
    hidden = f"{len(report.suppressed)} suppressed, {len(report.baselined)} in the baseline"
    fixable = sum(any(x.safe for x in f.fixes) for f in report.findings)
    more = f"; `--fix` may fix {fixable}" if fixable else ""
    end = "; `policy rule CODE` explains each" if report.findings else ""
    nothing = "nothing found yet" if report.unfinished else "no findings"
    text = colour(f"{', '.join(found) or nothing} in {files}, {hidden}{more}{end}", "dim")
    return f"{text}\n{colour(unfinished_text(report), 'warning')}" if report.unfinished else text


def unfinished_text(report: Report) -> str:
    """Which rules were not looked at to their end: a run that says so passes nothing."""
    more = f" and {len(report.unfinished) - _RULES} more" if len(report.unfinished) > _RULES else ""
    return f"not looked at to the end: {', '.join(report.unfinished[:_RULES])}{more}"


def finding_github_lines(report: Report) -> Iterator[str]:
    """Workflow commands that GitHub shows beside the lines."""
    for finding in report.findings:
        line, column = finding.span.source.position(finding.span.start)
        file = escaped(finding.span.source.path).replace(":", "%3A").replace(",", "%2C")
        title = f"{finding.code} {finding.name}"
        asked = "".join(f"\n{step_text(s)} -> {s.effect}" for s in finding.steps)
        text = escaped(finding.message) + escaped(asked).replace("\\n", "%0A")
        yield f"::{_LEVELS[finding.severity]} file={file},line={line},col={column},title={title}::{text}"
    if report.unfinished:
        yield f"::error title=policy lint::{unfinished_text(report)}"
