"""The linter over permission files as they are: a finding stands where its permission does."""

from __future__ import annotations

from dataclasses import replace

from ..domain.errors import Source, Span
from ..lint.linter import context_of, lint_context
from ..lint.registry import checks
from .permissions import IDLE
from .translate import translated

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..lint.context import LintContext
    from ..lint.finding import Finding
    from ..lint.linter import Options
    from ..lint.run import Report
    from .formats import Format
    from .translate import Translated

_CLIENT = frozenset({"SEM008"})
"""Rules about a policy as a whole: with a client most of what they find it does by itself, whatever its file says."""
_UNSAYABLE = ("APR", "NET013", "SEM017")
"""Rules about what these files cannot say: who is asked, a host's port, what a command that they grant does."""


class ForeignFiles:
    """Files of one client that hold together, made ready for the linter. Raises PolicyError."""

    def __init__(self, kind: Format, sources: Sequence[Source], options: Options) -> None:
        self._options = options
        self.made = translated(kind.read(sources), kind.name)
        text = self.made.text.encode()
        self.context: LintContext = context_of(sources[0].path, options, lambda _path, _at: text)

    def linted(self, against: ForeignFiles | None = None) -> Report:
        """Everything found, at the places of the files."""
        options = replace(self._options, ignore=(*self._options.ignore, *_UNSAYABLE))
        report = lint_context(self.context, options, against.context if against is not None else None)
        for findings in (report.findings, report.suppressed, report.baselined):
            findings[:] = [moved for one in findings if (moved := self._moved(one)) is not None]
        codes = {check.code for check in self._options.selected(self.context.source.path)}
        before = {one.fingerprint for one in against.own(codes)} if against is not None else set()
        report.findings += [one for one in self.own(codes) if one.fingerprint not in before]
        report.findings.sort(key=lambda one: (one.span.source.path, one.span.start))
        report.files = len(self.made.permissions.sources)
        return report

    def own(self, codes: set[str]) -> Iterator[Finding]:
        """What is found of the files as such."""
        permissions = self.made.permissions
        for entry in permissions.entries:
            if entry.span is None:
                continue
            if entry.fit == IDLE and "PRM001" in codes:
                text = f"`{entry.text}` has no effect: {entry.why}"
                severity = "" if entry.effect == "allow" else "error"
                yield checks()["PRM001"].finding(
                    self.context, text, entry.span, content=(entry.text,), severity=severity
                )
            if entry.misread and "PRM002" in codes:
                yield checks()["PRM002"].finding(
                    self.context, f"`{entry.text}` {entry.misread}", entry.span, content=(entry.text,)
                )
        for text, span in permissions.remarks if "PRM003" in codes else ():
            place = span or Span(permissions.sources[0], 0, 1)
            yield checks()["PRM003"].finding(self.context, text, place, content=(text,))

    def _moved(self, finding: Finding) -> Finding | None:
        """A finding at the permission that it is about; None for one about what the client does by itself."""
        place = _place(self.made, self.context, finding.span)
        if place is None:
            return None
        related = tuple(
            (text, span) for text, at in finding.related if (span := _place(self.made, self.context, at)) is not None
        )
        severity = "info" if finding.code in _CLIENT else finding.severity
        return replace(finding, span=place, related=related, fixes=(), severity=severity)


def _place(made: Translated, context: LintContext, span: Span) -> Span | None:
    if span.source.path != context.source.path:
        return span
    if span.start == context.header.start:
        return Span(made.permissions.sources[0], 0, 1)
    entry = made.entry_at(span.start)
    return entry.span if entry is not None else None
