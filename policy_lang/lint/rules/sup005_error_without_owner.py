"""SUP005 error-without-owner."""

from __future__ import annotations

from ..check import Check
from ..suppress import by_machinery

CHECK = Check(
    code="SUP005",
    name="error-without-owner",
    severity="error",
    evidence="proved",
    finds="A suppression of an error without an owner or an end. It does not hold.",
    why=(
        "An error reaches code execution, a secret, the policy itself or a protected branch. Somebody answers "
        "for leaving it, until a date."
    ),
    remediation="Add `owner=@team until=2027-01-31`.",
    bad="""\
# lint: allow PTH006 reason="the key opens the test server alone"
allow read "~/.ssh/id_rsa"
""",
    good="""\
# lint: allow PTH006, SEM008 reason="the key opens the test server alone" owner=@platform until=2099-01-31
allow read "~/.ssh/id_rsa"
""",
    near=(
        """\
import std.baseline
# lint: allow PTH008 reason="the release workflow is generated" owner=@platform until=2099-01-31
allow write ".github/workflows/release.yml"
""",
    ),
    shows="owner",
    function=by_machinery,
)
