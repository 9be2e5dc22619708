"""USE004 always-denied."""

from __future__ import annotations

from ..check import Check
from ..suppress import by_machinery

CHECK = Check(
    code="USE004",
    name="always-denied",
    severity="info",
    evidence="observed",
    finds=("With `--log`: an agent asked again and again for the same thing, and was never granted it."),
    why=("It wastes its time, and looks for ways around. Or it needs something that nobody thought of."),
    remediation=("Tell the agent by its instructions, or grant it."),
    bad='deny read ".env"',
    good='deny read ".env" because "secrets come from the vault: run `vault read`"',
    near=(),
    shows="in vain",
    function=by_machinery,
)
