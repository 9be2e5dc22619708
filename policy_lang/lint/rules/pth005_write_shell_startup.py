"""PTH005 write-shell-startup."""

from __future__ import annotations

from ..check import Check
from ..places import into

CHECK = Check(
    code="PTH005",
    name="write-shell-startup",
    severity="error",
    evidence="fact",
    finds="A rule lets an agent write a file that every new shell runs.",
    why="It runs outside of the session, as the person, whenever a terminal opens.",
    remediation="Delete the rule. A person edits these files.",
    bad='allow write "~/.bashrc" override protected',
    good="""\
import std.baseline
allow write "**"
""",
    near=('allow write "scripts/bashrc.sh", "~/.bashrc.d.txt"',),
    shows="~/.bashrc",
    function=into("shell-startup"),
)
