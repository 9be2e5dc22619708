"""GIT001 push-any-ref."""

from __future__ import annotations

from collections.abc import Iterator

from ..check import Check
from ..context import LintContext
from ..finding import Finding
from ..places import protected_fix, sentence

PROTECTED = ("main", "master", "trunk", "production", "gh-pages", "release/**", "releases/**", "stable/**")


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    examples = ("main", "master", "release/1.0", "production", "gh-pages")
    for grant in context.find_grants("push", [f"*:{p}" for p in PROTECTED], examples):
        if not any(p.text.endswith("*") and not p.text.endswith("**") for p in grant.rule.include):
            fork = ":" in str(grant.step.witness.resource)
            text = (
                "a branch of another remote that may be protected there"
                if fork
                else "a protected branch, without approval"
            )
            yield check.finding(
                context, sentence(grant, text), grant.rule, steps=(grant.step,), severity="warning" if fork else "",
                fixes=protected_fix(context, "push", [f"*:{p}" for p in PROTECTED], "protected branches change by review"),
            )  # fmt: skip


CHECK = Check(
    code="GIT001",
    name="push-any-ref",
    severity="error",
    evidence="proved",
    finds="A rule lets an agent push to protected branches without approval.",
    why="A push to `main` or a release branch is a release without a review.",
    remediation="Ask for it, or deny it: `import std.git`. An agent's own branches are enough: `agent/**`.",
    bad='allow push "**"',
    good='allow push "agent/**"',
    near=(
        """\
import std.git
allow push "feature/**", "mainly"
""",
    ),
    shows="main",
    function=_find,
)
