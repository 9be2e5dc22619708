"""SEM002 redundant-rule."""

from __future__ import annotations

from ..about import facts_about
from ..check import Check

CHECK = Check(
    code="SEM002",
    name="redundant-rule",
    severity="info",
    evidence="proved",
    finds="A rule without which every decision would be the same.",
    why="Two rules to read, to review and to change together.",
    remediation="Delete it.",
    bad="""\
allow read "src/**"
allow read "src/app/**"
""",
    good='allow read "src/**"',
    near=(
        """allow read "src/**"
allow read "src/app/**" log""",
    ),
    shows="decided otherwise",
    function=facts_about({"redundant": "without it nothing would be decided otherwise"}, removable=True, twins=False),
)
