"""SEM009 widened-by-change."""

from __future__ import annotations

from ..check import Check
from ..suppress import by_machinery

CHECK = Check(
    code="SEM009",
    name="widened-by-change",
    severity="warning",
    evidence="proved",
    finds="The change permits something that was refused before, or needs less approval than before.",
    why="It is what a reviewer has to know about a change: with `--against` the linter says this and what else is new. No comment and no baseline hides it.",
    remediation="Nothing, if it is meant: somebody reviews it. Otherwise narrow the rule.",
    bad='allow write "src/**"',
    good='allow write "src/**"',
    near=(),
    shows="",
    critical=True,
    function=by_machinery,
)
