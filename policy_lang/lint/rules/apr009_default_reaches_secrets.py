"""APR009 default-reaches-secrets."""

from __future__ import annotations

from collections.abc import Iterator

from ...analysis.spaces import Layout
from ...analysis.witness import Witness, usual_layout
from ...domain.actions import ASK
from ..check import Check
from ..context import LintContext
from ..finding import Finding

_NEVER = (
    ("read", "~/.ssh/id_ed25519", "a private key"),
    ("read", ".env", "tokens of the project"),
    ("write", "~/.bashrc", "what the next shell runs"),
    ("connect", "http://169.254.169.254/", "the machine's own credentials"),
    ("force-push", "origin:main", "history that others have"),
)
"""What no answer of a person in a hurry should let happen; `std.baseline` and `std.git` deny it."""


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    for default in context.policy.layers[0].defaults:
        steps = []
        for action, resource, note in _NEVER if not context.ceiling else ():
            for given in context.principals(action) or [{}]:
                witness = Witness(action, resource, given, None, usual_layout(Layout()))
                verdict = context.verdict(witness)
                if verdict.effect == ASK and any(ref.id == default.id for ref in verdict.support):
                    steps.append(context.step(witness, note))
                    break
        if steps:
            text = f"one yes of `{default.tier}` lets an agent {steps[0].witness.action} `{steps[0].witness.resource}`"
            yield check.finding(context, text, default.span, content=(default.key,), steps=tuple(steps))


CHECK = Check(
    code="APR009",
    name="default-reaches-secrets",
    severity="warning",
    evidence="proved",
    finds="An `otherwise` asks a person for what should be denied: keys, start-up files, the metadata service, force pushes.",
    why=(
        "`otherwise ask` turns everything that nobody thought of into a question. A person who answers many of them "
        "says yes to this one too."
    ),
    remediation="`import std.baseline` and `std.git`, whose denials stand, or name the actions that may be asked for.",
    bad="""\
tier review { approvers "@team" }
allow read "src/**"
otherwise ask review
""",
    good="""\
import std.baseline
import std.git
tier review { approvers "@team" }
allow read "src/**"
otherwise ask review
""",
    near=(
        """\
tier review { approvers "@team" }
allow read "src/**"
otherwise ask review run, call
""",
    ),
    shows="~/.ssh/id_ed25519",
    function=_find,
)
