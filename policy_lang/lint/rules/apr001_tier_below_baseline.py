"""APR001 tier-below-baseline."""

from __future__ import annotations

from collections.abc import Iterator

from ...domain.actions import COMMAND
from ..baseline import operations
from ..check import Check
from ..context import LintContext
from ..finding import Finding
from ..places import protected_fix, sentence


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    seen: set[str] = set()
    for rule in operations():
        if rule.sort == COMMAND or rule.label in {"tags", "ref-deletion"}:
            continue  # commands by what they do, pushes of tags and deletions have rules of their own
        for action in rule.actions:
            for grant in context.find_grants(
                action, [p.text for p in rule.include], ("deploy.production", "db.schema.change", "main")
            ):
                if grant.rule.id in seen:
                    continue
                seen.add(grant.rule.id)
                patterns = [p.text for p in rule.include]
                fixes = (
                    *protected_fix(context, action, patterns, rule.because),
                    *context.remove(grant.rule, safe=False),
                )
                yield check.finding(
                    context,
                    sentence(grant, rule.because),
                    grant.rule,
                    content=(rule.label,),
                    steps=(grant.step,),
                    fixes=fixes,
                )


CHECK = Check(
    code="APR001",
    name="tier-below-baseline",
    severity="error",
    evidence="proved",
    finds=(
        "A rule allows without approval what the standard library asks a person for: deployments, migrations, "
        "merges, tags, changes of running systems."
    ),
    why="Such actions leave the repository and do not come back. A tier costs a minute.",
    remediation="`import std.operations`, and define the tier `operations`.",
    bad='allow do "deploy.**"',
    good="""\
tier operations { approvers "@on-call" }
import std.operations
allow do "deploy.**"
""",
    near=('allow do "build.run", "test.run"',),
    shows="deploy.",
    function=_find,
)
