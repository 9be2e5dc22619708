"""ESC012 log-tamper."""

from __future__ import annotations

from ..check import Check
from ..places import into

CHECK = Check(
    code="ESC012",
    name="log-tamper",
    severity="error",
    evidence="proved",
    finds="An agent may write the records of what it did, or the settings that say where they go.",
    why="A record that its subject can edit is none.",
    remediation="Deny these places.",
    bad='allow write "/var/log/**"',
    good="""\
import std.baseline
allow write "src/**"
""",
    near=('allow write "src/log/**"',),
    shows="/var/log/",
    function=into("logs", ("write", "delete")),
)
