"""PTH008 write-ci-config."""

from __future__ import annotations

from collections.abc import Iterator

from ..check import Check
from ..context import LintContext
from ..finding import Finding
from ..places import into


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    found = list(into("ci")(context, check))
    yield from found
    said = {f.span for f in found}
    yield from (f for f in into("reviews")(context, check) if f.span not in said)


CHECK = Check(
    code="PTH008",
    name="write-ci-config",
    severity="warning",
    evidence="fact",
    finds="A rule lets an agent change what CI runs, or whose review a change needs.",
    why=("CI runs with tokens and secrets that the agent does not have. What the agent writes there runs with them."),
    remediation='Ask for it: `ask review write ".github/**"`.',
    bad="""\
import std.baseline
allow write ".github/**"
""",
    good="""\
import std.baseline
tier review { approvers "@team" }
ask review write ".github/**"
""",
    near=('allow write ".github/ISSUE_TEMPLATE/**"',),
    shows=".github/workflows/release.yml",
    function=_find,
)
