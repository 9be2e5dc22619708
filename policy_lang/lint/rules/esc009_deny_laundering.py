"""ESC009 deny-laundering."""

from __future__ import annotations

from dataclasses import replace

from ..check import Check
from ..closure import Trace, code, minimal, reads
from ..escalations import traced
from ..ground import Ground

_DENIED = (
    ("read", ".env"),
    ("read", "~/.ssh/id_ed25519"),
    ("write", ".git/hooks/pre-commit"),
    ("connect", "http://169.254.169.254/"),
)


def _laundered(ground: Ground) -> list[Trace]:
    out: list[Trace] = []
    for trace in minimal(code(ground)):
        for action, resource in _DENIED:
            denied = ground.step(replace(trace.steps[-1].witness, action=action, resource=resource), "denied")
            rules = [ground.rules[r.id] for r in denied.rules if r.id in ground.rules]
            if denied.effect == "deny" and rules:
                out.append(Trace((denied, *trace.steps), trace.rules, trace.rows))
                break
    for resource in (".env", "~/.ssh/id_ed25519"):
        for reach in reads(ground, resource):
            denied = ground.step(replace(reach.step.witness, action="read", resource=resource), "denied")
            if denied.effect == "deny" and denied.rules:
                out.append(Trace((denied, replace(reach.step, note="it prints the file")), (reach.rule,)))
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
    mend="Grant commands that do not run code of the agent's choice, and let the sandbox hold the others.",
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
    look=traced(_laundered, "it does what is denied"),
)
