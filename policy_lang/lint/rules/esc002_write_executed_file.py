"""ESC002 write-executed-file."""

from __future__ import annotations

from ..check import Check
from ..closure import run_files
from ..escalations import deny_written, traced

CHECK = Check(
    code="ESC002",
    name="write-executed-file",
    severity="error",
    evidence="proved",
    finds="An agent may write a file, and run it by its path.",
    why="A rule about a script is a rule about its content, and the content is the agent's.",
    remediation=(
        "Keep scripts that run without approval out of what the agent writes, or grant them `when confined { ... }` "
        "alone and start the agent with `policy run`."
    ),
    bad="""\
import std.baseline
allow write "scripts/**"
allow run "./scripts/*"
""",
    good="""\
import std.baseline
allow write "src/**"
allow run "./scripts/*"
""",
    near=(
        """\
import std.baseline
allow write "scripts/lib/*.txt"
allow run "./scripts/build.sh"
""",
    ),
    shows="./scripts/",
    function=traced(run_files, "that runs any code", deny_written("a rule lets the agent run it")),
)
