"""ESC006 self-escalation."""

from __future__ import annotations

from dataclasses import replace

from ..check import Check
from ..closure import Trace, minimal
from ..context import LintContext
from ..escalations import traced


def _raised(context: LintContext) -> list[Trace]:
    rows = context.capabilities.group("agent-config")
    out: list[Trace] = []
    for grant in context.find_grants("write", [r.meant for r in rows], [r.example for r in rows]):
        if grant.rule.override:
            denied = context.step(
                replace(grant.step.witness, action="run", resource=("some-program", "--any-option")), "denied now"
            )
            if denied.effect == "deny":
                out.append(Trace((replace(grant.step, note="the next session obeys it"), denied), (grant.rule,)))
    return minimal(out)


CHECK = Check(
    code="ESC006",
    name="self-escalation",
    severity="error",
    evidence="proved",
    finds=(
        "An agent may write its own policy or the configuration that starts it, and has more rights from the "
        "next session on."
    ),
    why="No rule of this policy holds after that.",
    remediation="Delete the override, or deny the files.",
    bad='allow write ".claude/**" override protected',
    good="""\
import std.baseline
allow write "**"
""",
    near=('allow write "docs/claude/**"',),
    shows=".claude/",
    function=traced(_raised, "the next session starts with it, and what is denied now is not any more"),
)
