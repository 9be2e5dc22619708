"""CMD003 wrapper-prefix."""

from __future__ import annotations

from ..check import Check
from ..commands import of_kinds

CHECK = Check(
    code="CMD003",
    name="wrapper-prefix",
    severity="error",
    evidence="fact",
    finds=(
        "A rule lets an agent run a program that runs another one: `env`, `timeout`, `xargs`, `nice`, "
        "`parallel`, `busybox`."
    ),
    why=(
        "A rule about the wrapper would be a rule about everything. The engine looks through the wrappers "
        "that have a profile and asks for the inner command; those without one run whatever follows."
    ),
    remediation=(
        "Grant the inner commands. A profile of your own teaches the engine a wrapper it does not know. Or grant it "
        "`when confined { ... }` alone and start the agent with `policy run`."
    ),
    bad="""\
import std.baseline
allow run "ifne **"
""",
    good="""\
import std.baseline
allow run "timeout 60 make test", "make test"
""",
    near=(
        """\
import std.baseline
allow run "timeout **", "env **", "xargs **"
""",
    ),
    shows="./anything",
    function=of_kinds("wrapper", note="it runs whatever follows"),
)
