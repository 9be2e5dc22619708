"""GIT001 push-any-ref."""

from __future__ import annotations

from collections.abc import Iterator

from ..check import Check
from ..finding import Finding
from ..ground import Ground
from ..places import protected_fix, sentence

PROTECTED = ("main", "master", "trunk", "production", "gh-pages", "release/**", "releases/**", "stable/**")


def _look(ground: Ground, check: Check) -> Iterator[Finding]:
    examples = ("main", "master", "release/1.0", "production", "gh-pages")
    for reach in ground.reach("push", [f"*:{p}" for p in PROTECTED], examples):
        if not any(p.text.endswith("*") and not p.text.endswith("**") for p in reach.rule.include):
            yield ground.finding(
                check, sentence(reach, "a protected branch, without approval"), reach.rule, steps=(reach.step,),
                fixes=protected_fix(ground, "push", [f"*:{p}" for p in PROTECTED], "protected branches change by review"),
            )  # fmt: skip


CHECK = Check(
    code="GIT001",
    name="push-any-ref",
    severity="error",
    evidence="proved",
    finds="A rule lets an agent push to protected branches without approval.",
    why="A push to `main` or a release branch is a release without a review.",
    mend="Ask for it, or deny it: `import std.git`. An agent's own branches are enough: `agent/**`.",
    bad='allow push "**"',
    good='allow push "agent/**"',
    near=(
        """\
import std.git
allow push "feature/**", "mainly"
""",
    ),
    shows="main",
    look=_look,
)
