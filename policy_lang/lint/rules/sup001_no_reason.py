"""SUP001 no-reason."""

from __future__ import annotations

from ..check import Check
from ..suppress import by_machinery

CHECK = Check(
    code="SUP001",
    name="no-reason",
    severity="error",
    evidence="proved",
    finds="A suppression without a reason. It does not hold.",
    why="Nobody can judge later whether it still applies.",
    remediation='Say why: `reason="..."`.',
    bad="""\
import std.baseline
# lint: allow PTH008 owner=@platform
allow write ".github/workflows/release.yml"
""",
    good="""\
import std.baseline
# lint: allow PTH008 reason="the release workflow is generated" owner=@platform until=2099-01-31
allow write ".github/workflows/release.yml"
""",
    near=(
        """\
import std.baseline
# lint: allow PTH008 reason="the release workflow is generated" owner=@platform until=2099-01-31
allow write ".github/workflows/release.yml"
""",
    ),
    shows="reason",
    function=by_machinery,
)
