"""PTH007 write-persistence."""

from __future__ import annotations

from ..check import Check
from ..places import into

CHECK = Check(
    code="PTH007",
    name="write-persistence",
    severity="error",
    evidence="fact",
    finds=(
        "A rule lets an agent write what starts by itself: cron tables, systemd units, autostart entries, "
        "launch agents, authorised keys."
    ),
    why="It outlives the session and the sandbox.",
    remediation="Deny these files; `import std.baseline` does.",
    bad='allow write "~/.config/**"',
    good="""\
import std.baseline
allow write "~/.config/acme/**"
""",
    near=('allow write "~/.config/systemd.md", "etc/cron.d/x"',),
    shows="~/.config/systemd/user/x.service",
    function=into("persistence"),
)
