"""GIT004 tag-push."""

from __future__ import annotations

from collections.abc import Iterator

from ..check import Check
from ..finding import Finding
from ..ground import Ground
from ..places import protected_fix, sentence


def _look(ground: Ground, check: Check) -> Iterator[Finding]:
    for reach in ground.reach("push", ["*:refs/tags/**"], ("refs/tags/v1.0",)):
        yield ground.finding(
            check, sentence(reach, "a tag is a release"), reach.rule, steps=(reach.step,),
            fixes=protected_fix(ground, "push", ["*:refs/tags/**"], "a tag is a release"),
        )  # fmt: skip


CHECK = Check(
    code="GIT004",
    name="tag-push",
    severity="warning",
    evidence="proved",
    finds="A rule lets an agent push tags without approval.",
    why="Release pipelines start from tags; a moved tag is another program under a known name.",
    mend="Deny `refs/tags/**`; `import std.git` does. A pattern without `refs/` means branches only.",
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
    look=_look,
)
