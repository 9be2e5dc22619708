"""SUP004 blanket-suppression."""

from __future__ import annotations

from ..check import Check
from ..suppress import by_machinery

CHECK = Check(
    code="SUP004",
    name="blanket-suppression",
    severity="error",
    evidence="proved",
    finds="A suppression without a code, or one that is not understood. It does not hold.",
    why="It would hide what nobody has seen yet.",
    remediation='Name the codes: `# lint: allow PTH008 reason="..."`.',
    bad="""\
import std.baseline
# lint: allow all reason="we trust this file for now"
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
        """\
import std.baseline
# lint is run in CI
allow write "src/**"
""",
    ),
    shows="names no code",
    function=by_machinery,
)
