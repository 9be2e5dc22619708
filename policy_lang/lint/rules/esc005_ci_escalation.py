"""ESC005 ci-escalation."""

from __future__ import annotations

from ..check import Check
from ..closure import Trace, together
from ..context import LintContext
from ..escalations import traced
from ..finding import Fix


def _workflows(context: LintContext) -> list[Trace]:
    rows = context.capabilities.group("ci")
    writes = context.find_grants("write", [r.meant for r in rows], [r.example for r in rows])
    pushes = context.find_grants("push", ["*:refs/heads/**"], ("agent/x", "feature/x")) if writes else []
    return together(context, writes, pushes, ("CI runs it", "and this starts CI"))


def _fix(context: LintContext, trace: Trace) -> tuple[Fix, ...]:  # noqa: ARG001 (the signature of fixes)
    return (context.deny(["write"], [r.pattern for r in context.capabilities.group("ci")], "it runs in CI"),)


CHECK = Check(
    code="ESC005",
    name="ci-escalation",
    severity="error",
    evidence="fact",
    finds="An agent may write what CI runs, and push it without approval.",
    why="A push to any branch runs the workflow of that branch, with the secrets that CI has.",
    remediation="Ask for CI's files, or for the push.",
    bad="""\
import std.baseline
allow write ".github/**"
allow push "agent/**"
""",
    good="""\
import std.baseline
tier review { approvers "@t" }
ask review write ".github/**"
allow push "agent/**"
""",
    near=(
        """\
import std.baseline
allow write ".github/ISSUE_TEMPLATE/**"
allow push "agent/**"
""",
    ),
    shows=".github/workflows/",
    function=traced(_workflows, "CI runs it with its own secrets", _fix),
)
