"""ESC001 write-then-run."""

from __future__ import annotations

from ..check import Check
from ..closure import loaded_files
from ..escalations import deny_written, traced

CHECK = Check(
    code="ESC001",
    name="write-then-run",
    severity="error",
    evidence="fact",
    finds=(
        "An agent may write a file that an allowed command loads as configuration: `package.json` and `npm "
        "test`, `Makefile` and `make`, `.cargo/config.toml` and `cargo check`."
    ),
    why="The two rules together are a rule for any command. Each alone looks harmless.",
    remediation=(
        "Ask for the file, as `std.node` and its like do, or deny it; or grant the command `when confined { ... }` alone "
        "and start the agent with `policy run`. A test that the agent writes and runs "
        "is not a finding: that is what it is there for."
    ),
    bad="""\
import std.baseline
allow write "**"
allow run "npm test"
""",
    good="""\
import std.node
import std.baseline
tier review { approvers "@t" }
allow write "src/**"
allow run "npm test"
""",
    near=(
        """\
import std.baseline
allow write "tests/**", "src/**"
allow run "pytest"
""",
    ),
    shows="package.json",
    function=traced(
        lambda g: loaded_files(g, "config"),
        "that runs any code",
        deny_written("a command that the agent may run loads it"),
    ),
    critical=True,
)
