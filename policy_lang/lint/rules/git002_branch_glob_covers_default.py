"""GIT002 branch-glob-covers-default."""

from __future__ import annotations

from collections.abc import Iterator

from ..check import Check
from ..finding import Finding
from ..ground import Ground
from ..places import sentence


def _look(ground: Ground, check: Check) -> Iterator[Finding]:
    for reach in ground.reach("push", ["*:{main,master,trunk}"], ("main", "master")):
        if any(p.text.endswith("*") and not p.text.endswith("**") for p in reach.rule.include):
            yield ground.finding(check, sentence(reach, "the default branch"), reach.rule, steps=(reach.step,))


CHECK = Check(
    code="GIT002",
    name="branch-glob-covers-default",
    severity="warning",
    evidence="proved",
    finds="A glob over branch names covers the default branch.",
    why="`*` and `m*` mean `main` as well.",
    mend="Put the agent's branches below a folder of their own: `agent/**`.",
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
    look=_look,
)
