"""SUP003 expired-suppression."""

from __future__ import annotations

from ..check import Check
from ..suppress import by_machinery

CHECK = Check(
    code="SUP003",
    name="expired-suppression",
    severity="error",
    evidence="proved",
    finds="A suppression whose end has passed. It does not hold.",
    why="It was meant for a while.",
    remediation="Fix the finding, or have the owner set another end.",
    bad="""\
import std.baseline
# lint: allow PTH008 reason="the release workflow is generated" until=2020-01-31
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
    shows="2020-01-31",
    function=by_machinery,
)
