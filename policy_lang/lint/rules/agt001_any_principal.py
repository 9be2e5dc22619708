"""AGT001 any-principal."""

from __future__ import annotations

from ..check import Check
from ..unbound import unbound

CHECK = Check(
    code="AGT001",
    name="any-principal",
    severity="warning",
    evidence="proved",
    finds="A rule grants to every agent, in a policy that knows its agents.",
    why="The weakest agent gets it too, and one that does not exist yet.",
    remediation="Move the rule into the `agent` scope it is meant for.",
    bad="""\
agent "release-bot" { allow push "release/**" }
allow write "src/**"
""",
    good="""agent "release-bot" { allow push "release/**" }
agent "codex-*" { allow write "src/**" }""",
    near=('allow write "src/**"',),
    shows="an agent without a name",
    function=unbound(
        "agent", "it holds for every agent, also an agent without a name; other rules say which agents there are"
    ),
)
