"""APR005 approval-wider-than-request."""

from __future__ import annotations

from ..check import Check

CHECK = Check(
    code="APR005",
    name="approval-wider-than-request",
    severity="error",
    evidence="proved",
    finds=(
        "An approval that is remembered for more than the request it was given for, such as every command "
        "with the same beginning."
    ),
    why="`git log` would approve `git -c alias.x=!CODE x`.",
    remediation=(
        "Nothing to do: an approval is bound to the exact request, its agent and the policy; `scope session` "
        "repeats that request only."
    ),
    bad="""\
tier review { approvers "@t" scope always }
ask review write "x"
""",
    good="""\
tier review { approvers "@t" scope once }
ask review write "x"
""",
    near=(),
    shows="PLE110",
    function=None,
)
