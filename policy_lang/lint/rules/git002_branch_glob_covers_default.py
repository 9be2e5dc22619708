"""GIT002 branch-glob-covers-default."""

from __future__ import annotations

from collections.abc import Iterator

from ..check import Check
from ..context import LintContext
from ..finding import Finding
from ..places import sentence


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    for grant in context.find_grants("push", ["*:{main,master,trunk}"], ("main", "master")):
        if any(p.text.endswith("*") and not p.text.endswith("**") for p in grant.rule.include):
            yield check.finding(context, sentence(grant, "the default branch"), grant.rule, steps=(grant.step,))


CHECK = Check(
    code="GIT002",
    name="branch-glob-covers-default",
    severity="error",
    evidence="proved",
    finds="A glob over branch names covers the default branch.",
    why="`*` and `m*` mean `main` as well.",
    remediation="Put the agent's branches below a folder of their own: `agent/**`.",
    bad='allow push "m*"',
    good='allow push "agent/**"',
    near=(
        'allow push "fix-*"',
        """\
import std.git
allow push "*"
""",
    ),
    shows="ma",
    function=_find,
)
