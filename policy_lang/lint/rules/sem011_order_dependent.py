"""SEM011 order-dependent."""

from __future__ import annotations

from ..check import Check

CHECK = Check(
    code="SEM011",
    name="order-dependent",
    severity="warning",
    evidence="proved",
    finds="A policy whose meaning depends on the order of its rules or imports.",
    why="Moving a line would change what is allowed.",
    remediation="Nothing to do: the strictest rule wins, wherever it stands.",
    bad="""\
import std.baseline
allow write ".git/HEAD"
""",
    good="""\
import std.baseline
allow write "src/**"
""",
    near=(),
    shows="deny: write .git/HEAD",
    function=None,
)
