"""SUP002 unused-suppression."""

from __future__ import annotations

from ..check import Check
from ..suppress import by_machinery

CHECK = Check(
    code="SUP002",
    name="unused-suppression",
    severity="warning",
    evidence="proved",
    finds="A suppression that hides nothing.",
    why="It hides the next finding of that kind, which nobody has looked at.",
    remediation="Delete it.",
    bad="""\
import std.baseline
# lint: allow PTH008 reason="the release workflow is generated"
allow write "src/**"
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
    shows="hides nothing",
    function=by_machinery,
)
