"""SUP007 empty-phrase."""

from __future__ import annotations

from ..check import Check
from ..suppress import by_machinery

CHECK = Check(
    code="SUP007",
    name="empty-phrase",
    severity="warning",
    evidence="proved",
    finds="A reason that says nothing: `by design`, `fine`, `ok`.",
    why="It will be read by somebody who has to decide whether it still holds.",
    remediation="Say what makes it safe here.",
    bad="""\
import std.baseline
# lint: allow PTH008 reason="by design"
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
    shows="by design",
    function=by_machinery,
)
