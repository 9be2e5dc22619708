"""CMD014 package-runner."""

from __future__ import annotations

from ..check import Check
from ..commands import of_kinds

CHECK = Check(
    code="CMD014",
    name="package-runner",
    severity="error",
    evidence="fact",
    finds=("A rule lets an agent run packages straight from a registry: npx, uvx, pipx run, pnpm dlx, `go run x@v`."),
    why="One word downloads and runs anyone's code.",
    remediation="Install what is needed with the lock file, and grant its command.",
    bad="""\
import std.baseline
allow run "npx **"
""",
    good="""\
import std.baseline
allow run "npx tsc --noEmit"
""",
    near=(
        """\
import std.baseline
allow run "npm run lint"
""",
    ),
    shows="npx",
    function=of_kinds("runner", note="it downloads and runs anyone's code"),
)
