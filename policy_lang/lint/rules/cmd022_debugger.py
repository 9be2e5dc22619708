"""CMD022 debugger."""

from __future__ import annotations

from ..check import Check
from ..commands import of_kinds

CHECK = Check(
    code="CMD022",
    name="debugger",
    severity="warning",
    evidence="fact",
    finds="A rule lets an agent run a debugger or tracer.",
    why="It starts any program, and reads the memory of those that run.",
    remediation="Grant the exact command that is needed.",
    bad="""\
import std.baseline
allow write "./"
allow run "ltrace **", "touch *"
""",
    good="""\
import std.baseline
allow run "git status"
""",
    near=(
        """\
import std.baseline
allow run "strace --version"
""",
    ),
    shows="ltrace",
    function=of_kinds("debugger", note="it runs and reads any program"),
)
