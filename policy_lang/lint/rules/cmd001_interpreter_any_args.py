"""CMD001 interpreter-any-args."""

from __future__ import annotations

from ..check import Check
from ..commands import of_kinds

CHECK = Check(
    code="CMD001",
    name="interpreter-any-args",
    severity="error",
    evidence="fact",
    finds=(
        "A rule lets an agent run an interpreter with arguments of its own: python, node, bash, perl, awk, "
        "sqlite3, vim."
    ),
    why="It is every command at once, and every rule about other commands is beside the point.",
    remediation=(
        'Name the script and its arguments: `run "python3 scripts/check.py *"`. Ask for the rest, or grant it '
        "`when confined { ... }` alone and start the agent with `policy run`: behind walls the rules about files and "
        "hosts hold for the code too."
    ),
    bad="""\
import std.baseline
allow read "src/**"
allow run "python3 **"
""",
    good="""\
import std.baseline
allow read "src/**"
allow run "python3 scripts/check.py *"
""",
    near=(
        """\
import std.baseline
allow run "python3 --version"
""",
    ),
    shows="python3",
    function=of_kinds("interpreter", note="it runs any code"),
)
