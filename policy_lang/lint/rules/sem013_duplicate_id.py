"""SEM013 duplicate-id."""

from __future__ import annotations

from ..check import Check

CHECK = Check(
    code="SEM013",
    name="duplicate-id",
    severity="warning",
    evidence="proved",
    finds="Two rules of one name.",
    why="Decisions, logs and `without` name rules by it.",
    remediation="Nothing to do: it is a compile error.",
    bad="""\
rule a: allow read "a"
rule a: allow read "b"
""",
    good="""\
rule a: allow read "a"
rule b: allow read "b"
""",
    near=(),
    shows="PLE210",
    function=None,
)
