"""APR007 unused-tier."""

from __future__ import annotations

from collections.abc import Iterator

from ...domain.errors import Span
from ..check import Check
from ..context import LintContext, tier_definitions
from ..finding import Edit, Finding, Fix


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    if context.ceiling:
        return  # others use it
    tiers = context.policy.tiers
    used = {r.tier for layer in context.policy.layers for r in layer.rules if r.tier}
    used |= {n for t in tiers.values() for n in (*t.includes, t.escalate) if n}
    used |= {n for n, t in tiers.items() if t.opens}
    used |= {d.tier for layer in context.policy.layers for d in layer.defaults}
    for definition, span in tier_definitions(context, root=True):
        name = definition.name.text
        if name not in used and definition.defined:
            fix = Fix(f"delete the tier `{name}`", (Edit(Span(span.source, span.start, span.end), ""),), True)
            yield check.finding(context, f"nothing asks for the tier `{name}`", span, content=(name,), fixes=(fix,))


CHECK = Check(
    code="APR007",
    name="unused-tier",
    severity="warning",
    evidence="proved",
    finds="A tier that no rule asks for and no other tier includes.",
    why="Somebody believes that it protects something.",
    remediation="Use it, or delete it. A tier that is used and not defined is a compile error.",
    bad="""\
tier review { approvers "@team" }
tier security { approvers "@security" }
ask review write "x"
""",
    good="""\
tier review { approvers "@team" }
ask review write "x"
""",
    near=(
        """\
tier me { approvers "@me" }
allow read "src/**"
otherwise ask me run
""",
        """\
tier review { approvers "@team" }
tier security { approvers "@security" includes review }
ask review write "x"
ask security write "y"
""",
    ),
    shows="security",
    function=_find,
)
