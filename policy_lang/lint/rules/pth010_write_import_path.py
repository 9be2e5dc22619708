"""PTH010 write-import-path."""

from __future__ import annotations

from ..check import Check
from ..places import into

CHECK = Check(
    code="PTH010",
    name="write-import-path",
    severity="warning",
    evidence="fact",
    finds=(
        "A rule lets an agent write where an interpreter finds its modules by itself: `site-packages`, "
        "`*.pth`, `sitecustomize.py`."
    ),
    why="The next start of the interpreter runs it, whatever the script.",
    remediation="Deny these folders; package managers write there, not the agent.",
    bad='allow write ".venv/**"',
    good="""\
import std.baseline
allow write "src/**"
""",
    near=('allow write "docs/sitecustomize.md"',),
    shows=".venv/lib",
    function=into("import-path"),
)
