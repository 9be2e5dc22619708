"""USE002 observed-much-smaller."""

from __future__ import annotations

from ..check import Check
from ..suppress import by_machinery

CHECK = Check(
    code="USE002",
    name="observed-much-smaller",
    severity="info",
    evidence="observed",
    finds=(
        "With `--log`: everything that a rule granted fits in far smaller patterns, and a replay of the log with those shows no difference."
    ),
    why=("The rest of what it grants has no use that was seen."),
    remediation=("Take the patterns that the finding shows; `--fix --unsafe` writes them."),
    bad='allow read "./"',
    good='allow read "src/**"',
    near=(),
    shows='fit in "src/*.ts"',
    function=by_machinery,
)
