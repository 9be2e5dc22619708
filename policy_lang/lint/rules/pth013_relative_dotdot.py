"""PTH013 relative-dotdot."""

from __future__ import annotations

from ..check import Check

CHECK = Check(
    code="PTH013",
    name="relative-dotdot",
    severity="error",
    evidence="proved",
    finds="A pattern with `..`, `.`, an empty segment, `~user` or `$VAR`.",
    why="What it means depends on where and by whom it is read.",
    remediation="Nothing to do: such a pattern is a compile error, and requests are resolved before they are matched.",
    bad='allow read "../shared/**"',
    good='allow read "shared/**"',
    near=(),
    shows="PLE401",
    function=None,
)
