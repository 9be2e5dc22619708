"""USE006 class-not-logged."""

from __future__ import annotations

from ..check import Check
from ..suppress import by_machinery

CHECK = Check(
    code="USE006",
    name="class-not-logged",
    severity="info",
    evidence="observed",
    finds=("With `--log`: the log holds no decision at all about actions that a rule grants."),
    why=("A hook may not report them; then nothing is known about their use."),
    remediation=("Let everything that the agent does be decided, and do not call the rule unused."),
    bad='allow push "agent/**"',
    good='allow push "agent/**"',
    near=(),
    shows="holds no `push`",
    function=by_machinery,
)
