"""USE005 log-window-too-short."""

from __future__ import annotations

from ..check import Check
from ..suppress import by_machinery

CHECK = Check(
    code="USE005",
    name="log-window-too-short",
    severity="info",
    evidence="observed",
    finds=("With `--log`: the log covers less than 90 days."),
    why=("Work of every month or quarter looks unused."),
    remediation=("Lint with a longer log before anything is deleted."),
    bad='allow read "src/**"',
    good='allow read "src/**"',
    near=(),
    shows="the log covers",
    function=by_machinery,
)
