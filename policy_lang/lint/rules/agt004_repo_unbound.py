"""AGT004 repo-unbound."""

from __future__ import annotations

from ..check import Check
from ..unbound import unbound

CHECK = Check(
    code="AGT004",
    name="repo-unbound",
    severity="warning",
    evidence="proved",
    finds="A rule grants in every repository, in a policy that tells repositories apart.",
    why="The same agent in another repository gets it too.",
    remediation="Move the rule into the `repo` scope it is meant for.",
    bad="""\
repo "acme/web" { allow write "src/**" }
allow push "agent/**"
""",
    good='repo "acme/web" { allow write "src/**"  allow push "agent/**" }',
    near=(
        """\
allow write "src/**"
allow push "agent/**"
""",
    ),
    shows="every repository",
    function=unbound("repo", "it holds in every repository; other rules say which repositories there are"),
)
