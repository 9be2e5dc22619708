"""ESC009 deny-laundering."""

from __future__ import annotations

from dataclasses import replace

from ..check import Check
from ..closure import Trace, code, minimal, reads
from ..context import LintContext
from ..escalations import traced

_DENIED = (
    ("read", ".env"),
    ("read", "~/.ssh/id_ed25519"),
    ("write", ".git/hooks/pre-commit"),
    ("connect", "http://169.254.169.254/"),
)


def _laundered(context: LintContext) -> list[Trace]:
    out: list[Trace] = []
    for trace in minimal(code(context)):
        for action, resource in _DENIED:
            denied = context.step(replace(trace.steps[-1].witness, action=action, resource=resource), "denied")
            rules = [context.rules[r.id] for r in denied.rules if r.id in context.rules]
            if denied.effect == "deny" and rules:
                out.append(Trace((denied, *trace.steps), trace.rules, trace.rows))
                break
    for resource in (".env", "~/.ssh/id_ed25519"):
        for grant in reads(context, resource):
            denied = context.step(replace(grant.step.witness, action="read", resource=resource), "denied")
            if denied.effect == "deny" and denied.rules:
                out.append(Trace((denied, replace(grant.step, note="it prints the file")), (grant.rule,)))
    return minimal(out)


CHECK = Check(
    code="ESC009",
    name="deny-laundering",
    severity="error",
    evidence="fact",
    finds="Something is denied, and an allowed command can do it all the same.",
    why=(
        "A denial of a file does not bind an interpreter that opens it: the policy decides on the command, "
        "the code does the rest."
    ),
    remediation=(
        "Grant commands that do not run code of the agent's choice. Grant the others `when confined { ... }` alone and start "
        "the agent with `policy run`, whose walls hold the denial for the code too."
    ),
    bad="""\
import std.baseline
allow read "src/**"
allow run "python3 **"
""",
    good="""\
import std.baseline
allow read "src/**"
allow run "python3 scripts/check.py"
""",
    near=(
        """\
allow run "python3 --version"
deny read ".env"
""",
    ),
    shows="python3",
    function=traced(_laundered, "it does what is denied"),
)
