"""SEM006 empty-pattern."""

from __future__ import annotations

from ..check import Check

CHECK = Check(
    code="SEM006",
    name="empty-pattern",
    severity="error",
    evidence="proved",
    finds="A rule whose patterns or conditions match nothing.",
    why="It looks like a rule and is none.",
    remediation="Nothing to do: it is a compile error.",
    bad='allow read "src/*.py" except "src/**"',
    good='allow read "src/**" except "src/*.py"',
    near=(),
    shows="PLE402",
    function=None,
)
