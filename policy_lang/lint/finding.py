"""Reports of the linter: findings with their place, the requests that show them, and how to fix them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from ..analysis.witness import Witness
from ..domain.decision import RuleRef
from ..domain.errors import Span

SEVERITIES = ("info", "warning", "error")
"""From the mildest."""
PERSONAS = ("regular", "strict", "auditor")
"""Who reads the findings: each persona sees those of the ones before it as well."""


@dataclass(frozen=True, slots=True)
class Step:
    """One request that was asked of the policy, and its answer. `note` says what it means here."""

    witness: Witness
    effect: str
    tiers: tuple[str, ...] = ()
    rules: tuple[RuleRef, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Edit:
    """A replacement of a stretch of a source by a text."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """How a finding can be fixed. A safe one only narrows what the policy permits, which is proved before use."""

    title: str
    edits: tuple[Edit, ...]
    safe: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding of one rule.

    `span` is where to look first, `related` other places with a word on each. `steps` are the requests that show it,
    in order when it takes several. `rows` name the capability data behind it. `content` says what it is about
    independent of places: the fingerprint is made from it. `evidence` is `proved` (decided over the policy), `fact`
    (and a row of the capability data), `heuristic` (names and lengths) or `observed` (a decision log shows it).
    """

    code: str
    name: str
    severity: str
    evidence: str
    persona: str
    message: str
    span: Span
    content: tuple[str, ...]
    related: tuple[tuple[str, Span], ...] = ()
    steps: tuple[Step, ...] = ()
    rows: tuple[str, ...] = ()
    fixes: tuple[Fix, ...] = field(default=())
    trace: bool = False
    """Whether the steps are taken in this order and mean something only together; else each shows the finding."""

    @property
    def fingerprint(self) -> str:
        """A name that survives edits elsewhere in the file: 32 hexadecimal digits."""
        text = "\0".join((self.code, *self.content))
        return hashlib.sha256(text.encode()).hexdigest()[:32]
