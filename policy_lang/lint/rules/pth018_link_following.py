"""PTH018 link-following."""

from __future__ import annotations

from ..check import Check

CHECK = Check(
    code="PTH018",
    name="link-following",
    severity="error",
    evidence="proved",
    finds="A link inside of a grant that points out of it.",
    why="`ln -s /etc src/l` and then writing `src/l/passwd` would leave the grant.",
    remediation="Nothing to do: a path is decided as written and as resolved, and both must be granted.",
    bad='allow write "src/**"',
    good='allow write "src/**"',
    near=(),
    shows="deny: write /etc/passwd",
    function=None,
)
