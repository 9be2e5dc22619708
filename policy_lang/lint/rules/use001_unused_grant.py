"""USE001 unused-grant."""

from __future__ import annotations

from ..check import Check
from ..suppress import by_machinery

CHECK = Check(
    code="USE001",
    name="unused-grant",
    severity="info",
    evidence="observed",
    finds=("With `--log`: a rule granted nothing in the whole log, though the log holds such actions."),
    why=("What nobody uses is only there for an attacker."),
    remediation=("Delete it, unless it is for work that the log is too short to show."),
    bad='allow read "src/**"\nallow write "src/**"',
    good='allow read "src/**"',
    near=(),
    shows="granted nothing",
    function=by_machinery,
)
