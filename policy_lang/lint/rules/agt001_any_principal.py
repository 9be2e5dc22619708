"""AGT001 any-principal."""

from __future__ import annotations

from collections.abc import Iterator

from ...domain.conditions import atoms
from ..check import Check
from ..finding import Finding
from ..ground import Ground, agent_globs, example_of


def _look(ground: Ground, check: Check) -> Iterator[Finding]:
    if ground.ceiling or not agent_globs(ground):
        return
    for rule in ground.own_rules("allow"):
        if any(a.subject == "agent" for a in atoms(rule.condition)):
            continue
        reach = example_of(ground, rule)
        if reach is not None:
            text = "it holds for every agent, also an agent without a name; other rules say which agents there are"
            yield ground.finding(check, text, rule, steps=(reach.step,))


CHECK = Check(
    code="AGT001",
    name="any-principal",
    severity="warning",
    evidence="proved",
    finds="A rule grants to every agent, in a policy that knows its agents.",
    why="The weakest agent gets it too, and one that does not exist yet.",
    mend="Move the rule into the `agent` scope it is meant for.",
    bad="""\
agent "release-bot" { allow push "release/**" }
allow write "src/**"
""",
    good="""agent "release-bot" { allow push "release/**" }
agent "codex-*" { allow write "src/**" }""",
    near=('allow write "src/**"',),
    shows="an agent without a name",
    look=_look,
)
