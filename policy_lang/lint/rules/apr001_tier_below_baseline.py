"""APR001 tier-below-baseline."""

from __future__ import annotations

from collections.abc import Iterator

from ...domain.actions import COMMAND
from ...domain.conditions import atoms
from ..baseline import operations
from ..check import Check
from ..context import Grant, LintContext
from ..finding import Finding
from ..places import protected_fix, sentence


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    seen: set[str] = set()
    for rule in operations():
        if rule.sort == COMMAND or rule.label in {"tags", "ref-deletion"}:
            continue  # commands by what they do, pushes of tags and deletions have rules of their own
        for action in rule.actions:
            examples = ("deploy.production", "db.schema.change", "main")
            but = _REHEARSALS if action == "do" else ()
            for grant in context.find_grants(action, [p.text for p in rule.include], examples, but):
                if grant.rule.id in seen or _rehearsed(grant):
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


_PLACES = "dev,development,local,test,testing,qa,ci,staging,stage,preview,review,sandbox,demo"
_REHEARSALS = (f"**.{{{_PLACES}}}", f"**.{{{_PLACES}}}.**", f"**.{{{_PLACES}}}-*")
"""Operations on what no user sees."""


def _rehearsed(grant: Grant) -> bool:
    """True when a condition keeps the grant to such a place: `when env == "dev"`."""
    places = set(_PLACES.split(","))
    said = (a for a in atoms(grant.rule.condition) if a.op in {"==", "in"} and a.subject in grant.step.witness.given)
    return any(
        places.issuperset(map(str, a.values)) and str(grant.step.witness.given[a.subject]) in places for a in said
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
    near=(
        'allow do "build.run", "test.run"',
        'allow do "deploy.staging", "deploy.preview.web"',
        """\
context { env: "dev" | "prod" }
allow do "db.schema.change" when env == "dev"
""",
    ),
    shows="deploy.",
    function=_find,
)
