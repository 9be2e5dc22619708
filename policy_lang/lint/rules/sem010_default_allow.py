"""SEM010 default-allow."""

from __future__ import annotations

from ..check import Check

CHECK = Check(
    code="SEM010",
    name="default-allow",
    severity="error",
    evidence="proved",
    finds="A policy that allows what it does not speak of.",
    why="Whatever is new, or forgotten, is allowed.",
    remediation="Nothing to do: what no rule grants is denied; `otherwise ask TIER` has a person asked, and nothing lets it pass.",
    bad="default",
    good='allow read "src/**"',
    near=(),
    shows="PLE111",
    function=None,
)
