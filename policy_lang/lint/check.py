"""A rule of the linter: its page, examples that are tests, and the check function that finds violations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from ..domain.errors import Span
from ..ir.model import Rule
from .context import LintContext
from .finding import Finding, Fix, Step

CheckFunction = Callable[[LintContext, "Check"], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Check:
    """One rule and its page.

    `bad` fires, with `shows` in the report of the finding; `good` is how it should be; `near` almost fires and stays
    quiet. The examples are statements of a policy; without a header they get one. A rule without `function` can
    never fire: the language makes it impossible, and `bad` is refused or denied; the page says how.
    """

    code: str
    name: str
    severity: str
    evidence: str
    finds: str
    why: str
    remediation: str
    bad: str
    good: str
    near: tuple[str, ...]
    shows: str
    function: CheckFunction | None = None
    persona: str = "regular"
    since: str = "0.1"
    critical: bool = False
    """Never taken into a baseline."""

    def page(self) -> str:
        """The page as plain text."""
        kind = f"{self.severity}, {self.evidence}" if self.function is not None else "impossible by construction"
        if self.persona != "regular":
            kind += f", shown to the persona `{self.persona}`"
        out = [f"{self.code} {self.name} ({kind}, since {self.since})", "", self.finds, "", "why it matters:", self.why]
        for head, text in (("bad:", self.bad), ("good:", self.good), ("does not fire on:", "\n".join(self.near))):
            if text:
                out += ["", head, *("    " + line for line in text.split("\n"))]
        if self.shows:
            out += ["", "what it shows:", f"    {self.shows}"]
        return "\n".join([*out, "", "how to fix it:", self.remediation])

    def markdown(self) -> str:
        """The page as Markdown."""
        kind = f"{self.severity}, {self.evidence}" if self.function else "impossible by construction"
        seen = f", persona `{self.persona}`" if self.persona != "regular" else ""
        out = [f"# {self.code} {self.name}\n", f"*{kind}{seen}; since {self.since}*\n", self.finds + "\n"]
        out.append(f"## Why it matters\n\n{self.why}\n")
        for head, text in (("Bad", self.bad), ("Good", self.good), ("Does not fire on", "\n\n".join(self.near))):
            if text:
                error = f" error={self.shows}" if head == "Bad" and self.shows.startswith("PLE") else ""
                out.append(f"## {head}\n\n```policy{error}\n{text.rstrip()}\n```\n")
        if self.shows and self.function:
            out.append(f"The finding shows: `{self.shows}`\n")
        elif self.shows:
            out.append(f"What happens: `{self.shows}`\n")
        out.append(f"## How to fix it\n\n{self.remediation}\n")
        return "\n".join(out)

    def finding(
        self,
        context: LintContext,
        message: str,
        rule: Rule | Span | None = None,
        *,
        content: tuple[str, ...] = (),
        related: Iterable[tuple[str, Span]] = (),
        steps: tuple[Step, ...] = (),
        rows: tuple[str, ...] = (),
        fixes: tuple[Fix, ...] = (),
        trace: bool = False,
        severity: str = "",
        persona: str = "",
    ) -> Finding:
        """A finding about a rule, a place, or the whole policy."""
        if isinstance(rule, Rule):
            span, key = context.span(rule), rule.key
        else:
            span, key = (context.header if rule is None else rule), ""
        return Finding(
            self.code, self.name, severity or self.severity, self.evidence, persona or self.persona, message, span,
            (key, *content), tuple(related), steps, rows, fixes, trace,
        )  # fmt: skip
