"""APR004 timeout-allows."""

from __future__ import annotations

from ..check import Check

CHECK = Check(
    code="APR004",
    name="timeout-allows",
    severity="error",
    evidence="proved",
    finds="An approval that nobody answers ends in allow.",
    why="Whoever waits long enough would get everything.",
    remediation=(
        "Nothing to do: `on timeout` knows `deny` and `escalate`, and a tier can only escalate to one that includes it."
    ),
    bad="""\
tier a { approvers "@t" on timeout escalate b }
tier b { approvers "@u" }
ask a write "x"
ask b write "y"
""",
    good="""\
tier a { approvers "@t" on timeout deny }
ask a write "x"
""",
    near=(),
    shows="PLE315",
    function=None,
)
