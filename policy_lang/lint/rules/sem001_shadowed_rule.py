"""SEM001 shadowed-rule."""

from __future__ import annotations

from ..about import facts_about
from ..check import Check

CHECK = Check(
    code="SEM001",
    name="shadowed-rule",
    severity="warning",
    evidence="proved",
    finds=(
        "A rule that never decides: everything it grants is denied by others, by the protected floor, or "
        "taken away by a ceiling."
    ),
    why="Its author believes that it does something.",
    remediation="Delete it, or narrow the rule that covers it.",
    bad="""\
deny write "src/**"
allow write "src/app.ts"
allow read "src/**"
""",
    good="""\
deny write "src/generated/**"
allow write "src/**"
""",
    near=(
        """\
allow write "src/**"
deny write "src/gen/**"
""",
    ),
    shows="everything it grants is denied",
    function=facts_about(
        {"dead": "everything it grants is denied", "neutralised": "a ceiling takes away all that it grants"},
        removable=True,
    ),
)
