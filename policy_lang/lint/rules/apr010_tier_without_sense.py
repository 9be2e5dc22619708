"""APR010 tier-without-sense."""

from __future__ import annotations

from collections.abc import Iterator

from ...domain.wording import counted
from ...syntax.tree import TierDef
from ..check import Check
from ..context import LintContext, tier_definitions
from ..finding import Finding

_SOON = 60
"""Seconds below which nobody has read what is asked."""


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    known = {definition.name.text: definition for definition, _ in tier_definitions(context)}
    for definition, span in tier_definitions(context):
        name = definition.name.text
        people = {a.text for a in definition.approvers}
        if definition.quorum > len(people) and not any(p.startswith("@") for p in people):
            text = f"`{name}` needs {definition.quorum} people and names {len(people)}: nobody can approve"
            yield check.finding(context, text, span, content=(name, "quorum"), severity="error")
        if definition.expires < _SOON:
            text = f"a request to `{name}` waits {counted(definition.expires, 'second')}: nobody answers in that time"
            yield check.finding(context, text, span, content=(name, "wait"))
        for word in definition.includes:
            other = known.get(word.text)
            if other is not None and (less := _less(definition, other)):
                text = f"an approval of `{name}` covers `{word.text}`, and {less}: which of them includes the other?"
                yield check.finding(context, text, span, content=(name, word.text))


def _less(wide: TierDef, other: TierDef) -> str:
    """What the tier that covers another one asks less for; empty when it does not."""
    if wide.quorum < other.quorum:
        return f"it needs {counted(wide.quorum, 'approval')} where `{other.name.text}` needs {other.quorum}"
    if other.reason_required and not wide.reason_required:
        return f"it needs no reason where `{other.name.text}` does"
    return ""


CHECK = Check(
    code="APR010",
    name="tier-without-sense",
    severity="warning",
    evidence="proved",
    finds=(
        "A tier that nobody can approve because it needs more people than it names, that waits for seconds, or that "
        "includes a tier which asks for more people or for a reason."
    ),
    why=(
        "What nobody can answer is a denial that looks like an approval. Where the lesser tier includes the greater "
        "one, its single approver stands in for two."
    ),
    remediation="Name more people or a group, wait for minutes, and let the stricter tier include the milder one.",
    bad="""\
tier security { approvers "@security" quorum 2 }
tier review { approvers "@team" includes security }
ask review write "src/**"
ask security write "src/auth/**"
""",
    good="""\
tier review { approvers "@team" }
tier security { approvers "@security" quorum 2 includes review }
ask review write "src/**"
ask security write "src/auth/**"
""",
    near=(
        """\
tier review { approvers "ann@acme.example", "bob@acme.example" quorum 2 expires 1m }
ask review write "src/**"
""",
        """\
tier board { approvers "@board" quorum 3 }
ask board write "LICENSE"
""",
    ),
    shows="covers",
    function=_find,
)
