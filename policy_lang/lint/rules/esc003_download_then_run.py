"""ESC003 download-then-run."""

from __future__ import annotations

from ..check import Check
from ..closure import downloads
from ..escalations import traced

CHECK = Check(
    code="ESC003",
    name="download-then-run",
    severity="warning",
    evidence="proved",
    finds="An agent may fetch a file from the network to a place from which it may run it.",
    why="Whoever controls the host, or one of its accounts, chooses the program.",
    remediation="Keep what is fetched and what is run apart.",
    bad="""\
import std.baseline
allow write "tools/**"
allow run "./tools/*", "curl **"
allow connect GET "files.acme.example"
""",
    good="""\
import std.baseline
allow write "data/**"
allow run "./tools/*", "curl **"
allow connect GET "files.acme.example"
""",
    near=(
        """\
import std.baseline
allow write "tools/**"
allow run "./tools/*"
""",
    ),
    shows="curl",
    function=traced(downloads, "that runs whatever the host sends"),
)
