"""SEM005 exception-reopens-deny."""

from __future__ import annotations

from collections.abc import Iterator

from ...analysis.members import matching
from ...domain.actions import PATH
from ..check import Check
from ..context import LintContext
from ..finding import Finding
from ..places import sentence

_GROUPS = {"read": ("credentials",), "write": ("vcs", "agent-config", "shell-startup", "persistence")}


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    for rule in context.own_rules("deny"):
        if rule.sort != PATH or not rule.exclude:
            continue
        for action in rule.actions:
            rows = [r for g in _GROUPS.get(action, ()) for r in context.capabilities.group(g)]
            for pattern in rule.exclude:
                grants = context.find_grants(action, [r.meant for r in rows], [r.example for r in rows]) if rows else []
                sensitive = [
                    r for r in grants if matching((pattern,), r.step.witness) and matching(rule.include, r.step.witness)
                ]
                for grant in sensitive[:1]:
                    yield check.finding(
                        context, sentence(grant, f"the exception `{pattern.text}` leaves it out"), rule,
                        content=(action, pattern.text), related=(("granted here", context.span(grant.rule)),),
                        steps=(grant.step,),
                    )  # fmt: skip


CHECK = Check(
    code="SEM005",
    name="exception-reopens-deny",
    severity="error",
    evidence="proved",
    finds="The exception of a denial leaves out something sensitive, and a rule grants it.",
    why="`except` is wider than it looks.",
    remediation="Narrow the exception to the names that are meant.",
    bad="""\
allow read "**"
deny read "**/.env*" except "**/.env.*"
""",
    good="""\
allow read "**"
deny read "**/.env*" except "**/.env.example"
""",
    near=(
        """\
allow read "docs/**"
deny read "**/.env*" except "config/.env.production"
""",
    ),
    shows=".env.production",
    function=_find,
)
