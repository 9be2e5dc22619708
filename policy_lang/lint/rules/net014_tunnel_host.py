"""NET014 tunnel-host."""

from __future__ import annotations

from ..check import Check
from ..places import into

CHECK = Check(
    code="NET014",
    name="tunnel-host",
    severity="error",
    evidence="fact",
    finds="A rule reaches a tunnel service.",
    why="A tunnel ends on anyone's machine, today on this one, tomorrow on that.",
    remediation="Deny it.",
    bad="""\
import std.baseline
allow connect "*.ngrok.app"
""",
    good="""\
import std.baseline
allow connect "*.acme.example"
""",
    near=(
        """\
import std.baseline
allow connect "ngrok.acme.example"
""",
    ),
    shows="ngrok.app",
    function=into("tunnels", ("connect",), named=True),
)
