"""A rule of the linter: what it finds, why that matters, examples of both, and the function that looks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .finding import Finding

if TYPE_CHECKING:
    from .ground import Ground

Look = Callable[["Ground", "Check"], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Check:
    """One rule and its page.

    `bad` fires, with `shows` in the report of the finding; `good` is how it should be; `near` almost fires and stays
    quiet. The examples are statements of a policy; without a header they get one. A rule without `look` can never
    fire: the language makes it impossible, and `bad` is refused or denied; the page says how.
    """

    code: str
    name: str
    severity: str
    evidence: str
    finds: str
    why: str
    mend: str
    bad: str
    good: str
    near: tuple[str, ...]
    shows: str
    look: Look | None = None
    persona: str = "regular"
    since: str = "0.1"
    critical: bool = False
    """Never taken into a baseline."""

    def page(self) -> str:
        """The page as plain text."""
        kind = f"{self.severity}, {self.evidence}" if self.look is not None else "impossible by construction"
        if self.persona != "regular":
            kind += f", shown to the persona `{self.persona}`"
        out = [f"{self.code} {self.name} ({kind}, since {self.since})", "", self.finds, "", "why it matters:", self.why]
        for head, text in (("bad:", self.bad), ("good:", self.good), ("not meant:", "\n".join(self.near))):
            if text:
                out += ["", head, *("    " + line for line in text.split("\n"))]
        if self.shows:
            out += ["", "what it shows:", f"    {self.shows}"]
        return "\n".join([*out, "", "how to mend it:", self.mend])
