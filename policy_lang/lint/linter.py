"""One run of the linter: a policy file to a report, with configuration, suppressions, baseline and base."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from fnmatch import fnmatchcase

from ..analysis import deadline
from ..analysis.diff import diff
from ..analysis.spaces import Layout
from ..compiler.load import compile_resolved
from ..resolve.files import Reader
from .baseline_file import Baseline
from .capabilities import Capabilities, builtin
from .change import changes
from .check import Check
from .context import USUAL_LAYOUT, LintContext
from .finding import Finding
from .registry import checks
from .run import Looked, Report, found_in, ordered
from .suppress import applied
from .usage import Usage, used


@dataclass(frozen=True, slots=True)
class Options:
    """How to lint. `select` and `ignore` hold codes or their beginnings; `per_file` adds to `ignore` by file glob."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    per_file: dict[str, tuple[str, ...]] = field(default_factory=dict)
    ceilings: tuple[str, ...] = ()
    persona: str = "regular"
    layout: Layout = USUAL_LAYOUT
    capabilities: Capabilities | None = None
    suppressions: bool = True
    baseline: Baseline | None = None
    today: date | None = None
    usage: Usage | None = None
    looked: Looked = lambda _done, _all: None

    def selected(self, path: str) -> list[Check]:
        """The rules that run on a file."""
        without = [*self.ignore, *(c for glob, codes in self.per_file.items() if fits(path, glob) for c in codes)]
        return [
            c
            for code, c in checks().items()
            if (not self.select or code.startswith(self.select)) and not code.startswith(tuple(without) or ("\0",))
        ]


def fits(path: str, glob: str) -> bool:
    """True when a file is meant by a glob of the configuration."""
    shown = os.path.normpath(path)
    return fnmatchcase(shown, glob) or fnmatchcase(shown, f"*/{glob}")


def context_of(path: str, options: Options, read: Reader | None = None) -> LintContext:
    """A policy file made ready for the rules. Raises PolicyError when it does not compile."""
    program, policy = compile_resolved(path, True, read)
    ceiling = any(fits(path, g) for g in options.ceilings)
    return LintContext(program, policy, options.capabilities or builtin(), options.layout, ceiling)


def lint(path: str, options: Options, read: Reader | None = None, against: LintContext | None = None) -> Report:
    """Everything found in a policy. With `against`, only what is not found there, and what the change newly permits.

    Raises PolicyError when it does not compile, InternalError when a finding cannot be replayed.
    """
    context = context_of(path, options, read)
    return lint_context(context, options, against)


def lint_context(context: LintContext, options: Options, against: LintContext | None = None) -> Report:
    """The same for a policy that is ready."""
    context.today = options.today or context.today
    selected = options.selected(context.source.path)
    codes = {c.code for c in selected}
    findings, unfinished = found_in(context, selected, options.persona, options.looked)
    if against is not None and "SEM009" in codes:
        findings += changes(context, against, diff(against.engine, context.engine, options.layout), checks()["SEM009"])
        unfinished += ["SEM009"] if deadline.over() else []
    codes -= set(unfinished)
    if options.usage is not None:
        findings += used(context, options.usage, checks(), codes)
    suppressed: list[Finding] = []
    if options.suppressions:
        findings, suppressed = applied(context, findings, checks(), codes, options.today)
        findings = [f for f in findings if f.code in codes | set(unfinished)]
    if against is not None:
        base = lint_context(against, replace(options, baseline=None))
        before = {f.fingerprint for f in base.findings}
        findings = [f for f in findings if f.fingerprint not in before]
        unfinished = list(dict.fromkeys((*unfinished, *base.unfinished)))
    baselined: list[Finding] = []
    if options.baseline is not None:
        findings, baselined = options.baseline.split(findings, checks())
    return Report(ordered(findings), suppressed, baselined, 1, unfinished)


def merged(reports: Iterable[Report]) -> Report:
    """Several reports as one; what two policies share is said once."""
    out = Report()
    seen: set[tuple[str, str, int, str]] = set()
    for report in reports:
        for mine, theirs in (
            (out.findings, report.findings), (out.suppressed, report.suppressed), (out.baselined, report.baselined),
        ):  # fmt: skip
            for finding in theirs:
                key = (
                    finding.fingerprint,
                    os.path.abspath(finding.span.source.path),
                    finding.span.start,
                    finding.message,
                )
                if key not in seen:
                    seen.add(key)
                    mine.append(finding)
        out.files += report.files
        out.unfinished += [code for code in report.unfinished if code not in out.unfinished]
    out.findings = ordered(out.findings)
    return out
