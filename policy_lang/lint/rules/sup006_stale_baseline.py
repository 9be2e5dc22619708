"""SUP006 stale-baseline."""

from __future__ import annotations

from ..check import Check
from ..suppress import by_machinery

CHECK = Check(
    code="SUP006",
    name="stale-baseline",
    severity="warning",
    evidence="proved",
    finds="The baseline lists a finding that is gone.",
    why="A baseline only shrinks. What stays in it hides the finding when it comes back.",
    remediation="`policy lint --prune-baseline`.",
    bad="",
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
    shows="",
    function=by_machinery,
)
