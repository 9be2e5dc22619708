"""GIT007 default-push-unresolved."""

from __future__ import annotations

from ..check import Check

CHECK = Check(
    code="GIT007",
    name="default-push-unresolved",
    severity="warning",
    evidence="proved",
    finds="A push that does not say which branch it updates.",
    why="With `push.default=matching` a bare `git push` moves `main`.",
    remediation=(
        "Nothing to do: a push whose ref is unknown is asked of every rule, and granted by none. The "
        "runtime gives the state (`branch`, `git`), or the agent writes the ref out."
    ),
    bad="""\
allow run "git push **"
allow push "agent/**"
""",
    good="""\
allow run "git push **"
allow push "agent/**"
""",
    near=(),
    shows="deny: run git push",
    function=None,
)
