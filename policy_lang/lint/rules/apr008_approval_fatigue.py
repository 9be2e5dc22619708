"""APR008 approval-fatigue."""

from __future__ import annotations

from ..check import Check
from ..suppress import by_machinery

CHECK = Check(
    code="APR008",
    name="approval-fatigue",
    severity="info",
    evidence="observed",
    finds="With `--log`: a rule asked people twenty times or more on one day, and they always said yes.",
    why="Nobody reads that many questions; the one that matters is approved like the others.",
    remediation="Ask for less: allow what is harmless, deny what nobody needs.",
    bad='tier review { approvers "@team" }\nask review run "npm **"',
    good='tier review { approvers "@team" }\nallow run "npm {test,ls}"\nask review run "npm install **"',
    near=(),
    shows="nobody reads that many",
    function=by_machinery,
)
