"""GIT004 tag-push."""

from __future__ import annotations

from collections.abc import Iterator

from ..check import Check
from ..context import LintContext
from ..finding import Finding
from ..places import protected_fix, sentence


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    for grant in context.find_grants("push", ["*:refs/tags/**"], ("refs/tags/v1.0",)):
        yield check.finding(
            context, sentence(grant, "a tag is a release"), grant.rule, steps=(grant.step,),
            fixes=protected_fix(context, "push", ["*:refs/tags/**"], "a tag is a release"),
        )  # fmt: skip


CHECK = Check(
    code="GIT004",
    name="tag-push",
    severity="warning",
    evidence="proved",
    finds="A rule lets an agent push tags without approval.",
    why="Release pipelines start from tags; a moved tag is another program under a known name.",
    remediation="Deny `refs/tags/**`; `import std.git` does. A pattern without `refs/` means branches only.",
    bad='allow push "refs/**"',
    good='allow push "agent/**"',
    near=(
        """\
import std.git
allow push "refs/**"
""",
        'allow push "v*"',
    ),
    shows="refs/tags/",
    function=_find,
)
