"""USE003 always-approved."""

from __future__ import annotations

from ..check import Check
from ..suppress import by_machinery

CHECK = Check(
    code="USE003",
    name="always-approved",
    severity="info",
    evidence="observed",
    finds="With `--log`: people said yes to every question of a rule, at least ten times.",
    why="A question whose answer is known trains people to say yes without reading.",
    remediation="Allow the part that was always approved, and ask for the rest.",
    bad='tier review { approvers "@team" }\nask review write "**"',
    good='tier review { approvers "@team" }\nallow write "docs/**"\nask review write "**" except "docs/**"',
    near=(),
    shows="said yes to all",
    function=by_machinery,
)
