"""CMD013 package-install-any."""

from __future__ import annotations

from ..check import Check
from ..commands import of_kinds

CHECK = Check(
    code="CMD013",
    name="package-install-any",
    severity="error",
    evidence="fact",
    finds="A rule lets an agent install packages of its choice.",
    why="A package runs code when it is installed and whenever it is imported. Anyone publishes packages.",
    remediation=(
        "Grant the locked form: `npm ci --ignore-scripts`, `pip install --require-hashes -r "
        "requirements.txt`. Ask for new names; `import std.node` and its like do."
    ),
    bad="""\
import std.baseline
allow run "npm install **"
""",
    good="""\
import std.baseline
allow run "npm ci --ignore-scripts"
""",
    near=(
        """\
import std.baseline
allow run "npm ls **"
""",
    ),
    shows="npm install",
    function=of_kinds("install", note="anyone publishes packages"),
)
