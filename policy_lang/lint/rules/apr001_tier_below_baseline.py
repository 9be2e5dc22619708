"""APR001 tier-below-baseline."""

from __future__ import annotations

from collections.abc import Iterator

from ...domain.actions import COMMAND
from ..baseline import operations
from ..check import Check
from ..finding import Finding
from ..ground import Ground
from ..places import protected_fix, sentence


def _look(ground: Ground, check: Check) -> Iterator[Finding]:
    seen: set[str] = set()
    for rule in operations():
        if rule.sort == COMMAND or rule.label in {"tags", "ref-deletion"}:
            continue  # commands by what they do, pushes of tags and deletions have rules of their own
        for action in rule.actions:
            for reach in ground.reach(
                action, [p.text for p in rule.include], ("deploy.production", "db.schema.change", "main")
            ):
                if reach.rule.id in seen:
                    continue
                seen.add(reach.rule.id)
                patterns = [p.text for p in rule.include]
                fixes = (*protected_fix(ground, action, patterns, rule.because), *ground.remove(reach.rule, safe=False))
                yield ground.finding(
                    check,
                    sentence(reach, rule.because),
                    reach.rule,
                    content=(rule.label,),
                    steps=(reach.step,),
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
    mend="`import std.operations`, and define the tier `operations`.",
    bad='allow do "deploy.**"',
    good="""\
tier operations { approvers "@on-call" }
import std.operations
allow do "deploy.**"
""",
    near=('allow do "build.run", "test.run"',),
    shows="deploy.",
    look=_look,
)
