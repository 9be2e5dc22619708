"""SEM003 contradiction."""

from __future__ import annotations

from ..about import facts_about
from ..check import Check

CHECK = Check(
    code="SEM003",
    name="contradiction",
    severity="error",
    evidence="proved",
    finds="One rule denies exactly what another grants.",
    why="One of the two is a mistake; the denial wins.",
    remediation="Decide, and delete the other.",
    bad="""\
allow write "docs/**"
deny write "docs/**"
""",
    good="""\
allow write "docs/**"
deny write "docs/legal/**"
""",
    near=(
        """\
allow write "docs/**"
deny read "docs/**"
""",
    ),
    shows="denies exactly what another grants",
    function=facts_about({"contradiction": "it denies exactly what another grants"}),
)
