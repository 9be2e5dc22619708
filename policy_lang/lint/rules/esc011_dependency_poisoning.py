"""ESC011 dependency-poisoning."""

from __future__ import annotations

from ..check import Check
from ..closure import loaded_files
from ..escalations import deny_written, traced

CHECK = Check(
    code="ESC011",
    name="dependency-poisoning",
    severity="warning",
    evidence="fact",
    finds=(
        "An agent may write into installed dependencies that an allowed command loads: `node_modules`, a "
        "virtual environment."
    ),
    why="Nobody reviews that folder, and a lock file does not describe what is in it.",
    remediation="Deny the folder; package managers write there.",
    bad="""\
import std.baseline
allow write "node_modules/**"
allow run "npm test"
""",
    good="""\
import std.baseline
allow write "src/**"
allow run "npm test"
""",
    near=(
        """\
import std.baseline
allow write "src/node_modules.ts"
allow run "npm test"
""",
    ),
    shows="node_modules",
    function=traced(
        lambda g: loaded_files(g, "dependency"),
        "the command runs it as if it had been reviewed",
        deny_written("package managers write there"),
    ),
)
