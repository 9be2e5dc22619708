"""AGT004 repo-unbound."""

from __future__ import annotations

from collections.abc import Iterator

from ...domain.conditions import atoms
from ..check import Check
from ..finding import Finding
from ..ground import Ground, example_of


def _look(ground: Ground, check: Check) -> Iterator[Finding]:
    bound = {r.id for r in ground.own_rules() if any(a.subject == "repo" for a in atoms(r.condition))}
    if ground.ceiling or not bound:
        return
    for rule in ground.own_rules("allow"):
        reach = None if rule.id in bound else example_of(ground, rule)
        if reach is not None:
            text = "it holds in every repository; other rules say which repositories there are"
            yield ground.finding(check, text, rule, steps=(reach.step,))


CHECK = Check(
    code="AGT004",
    name="repo-unbound",
    severity="warning",
    evidence="proved",
    finds="A rule grants in every repository, in a policy that tells repositories apart.",
    why="The same agent in another repository gets it too.",
    mend="Move the rule into the `repo` scope it is meant for.",
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
    look=_look,
)
