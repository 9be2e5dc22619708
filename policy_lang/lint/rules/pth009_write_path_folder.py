"""PTH009 write-path-folder."""

from __future__ import annotations

from ..check import Check
from ..places import into

CHECK = Check(
    code="PTH009",
    name="write-path-folder",
    severity="error",
    evidence="fact",
    finds=(
        "A rule lets an agent write into a folder on the search path, such as `~/.local/bin`, `.venv/bin` or "
        "`node_modules/.bin`."
    ),
    why=(
        "The next command of that name is the agent's: it can shadow `git` or `node` itself. A rule about a "
        "program's name then means the agent's program."
    ),
    remediation="Deny these folders; package managers write there, not the agent.",
    bad='allow write "~/.local/bin/**"',
    good="""\
import std.baseline
allow write "src/**"
""",
    near=('allow write "bin/x.sh", "src/node_modules.md"',),
    shows="~/.local/bin/git",
    function=into("path-folders"),
)
