"""SEM015 example-fails."""

from __future__ import annotations

from ..check import Check

CHECK = Check(
    code="SEM015",
    name="example-fails",
    severity="error",
    evidence="proved",
    finds="A `match` or `not match` in a rule that is not true.",
    why="The example is what the author meant.",
    remediation="Nothing to do: examples are checked whenever a policy is loaded, and a wrong one is a compile error.",
    bad='allow read "src/*" { match "src/a/b" }',
    good='allow read "src/**" { match "src/a/b" }',
    near=(),
    shows="PLE406",
    function=None,
)
