"""GIT005 special-refs."""

from __future__ import annotations

from collections.abc import Iterator

from ..check import Check
from ..context import LintContext
from ..finding import Finding
from ..places import protected_fix, sentence

_SPECIAL = ["*:refs/{notes,replace,for,meta,pull,changes,merge-requests,stash}/**"]


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    for grant in context.find_grants("push", _SPECIAL, ("refs/meta/config",)):
        yield check.finding(
            context, sentence(grant, "such refs steer the server"), grant.rule, steps=(grant.step,),
            fixes=protected_fix(context, "push", _SPECIAL, "these refs steer the server or rewrite history"),
        )  # fmt: skip


CHECK = Check(
    code="GIT005",
    name="special-refs",
    severity="warning",
    evidence="proved",
    finds=(
        "A rule lets an agent push refs that steer the server or rewrite history: `refs/notes`, "
        "`refs/replace`, `refs/meta`, `refs/for`, `refs/pull`."
    ),
    why=(
        "`refs/replace` shows other content under a known commit, `refs/meta/config` is Gerrit's "
        "configuration, `refs/for` opens reviews."
    ),
    remediation="Deny them; `import std.git` does.",
    bad='allow push "refs/**"',
    good='allow push "agent/**"',
    near=(
        """\
import std.git
allow push "refs/**"
""",
    ),
    shows="refs/",
    function=_find,
)
