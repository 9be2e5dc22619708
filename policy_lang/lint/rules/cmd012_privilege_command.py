"""CMD012 privilege-command."""

from __future__ import annotations

from ..check import Check
from ..commands import of_kinds

CHECK = Check(
    code="CMD012",
    name="privilege-command",
    severity="error",
    evidence="fact",
    finds="A rule lets an agent run what changes privileges: sudo, su, doas, unshare, nsenter, mount, setcap.",
    why="The rights of the agent are those of the person or machine from then on.",
    remediation=(
        "Delete the rule. What needs root is done by somebody else, or by a script of its own with no arguments."
    ),
    bad="""\
import std.baseline
allow run "setcap **"
""",
    good="""\
import std.baseline
allow run "git status"
""",
    near=(
        """\
import std.baseline
allow run "sudo **"
""",
    ),
    shows="setcap",
    function=of_kinds("privilege", note="it changes what the agent may do on the machine"),
)
