"""PTH004 write-vcs-internals."""

from __future__ import annotations

from ..check import Check
from ..places import into

CHECK = Check(
    code="PTH004",
    name="write-vcs-internals",
    severity="error",
    evidence="fact",
    finds="A rule lets an agent write inside of `.git` or its like.",
    why=(
        "Version control runs programs that these files name: hooks, `core.fsmonitor`, filters, and a `.git` "
        "file that points elsewhere. Even `git status` does."
    ),
    remediation="Deny these files; `import std.baseline` does. The agent uses git itself.",
    bad='allow write "**"',
    good="""\
import std.baseline
allow write "**"
""",
    near=('allow write "src/git/**", ".github/ISSUE_TEMPLATE/**"',),
    shows=".git/",
    function=into("vcs"),
)
