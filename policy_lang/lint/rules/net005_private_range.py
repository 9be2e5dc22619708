"""NET005 private-range."""

from __future__ import annotations

from collections.abc import Iterator

from ...analysis.members import matching
from ...automata.pattern import ANY, MANY
from ...facts.hosts import PATH
from ...ir.model import Rule
from ..check import Check
from ..finding import Finding, Step
from ..ground import Ground
from ..places import denial, row_of, sentence


def _look(ground: Ground, check: Check) -> Iterator[Finding]:
    rows = ground.capabilities.group("private")
    for reach in ground.reach("connect", [r.pattern for r in rows], [r.example for r in rows]):
        if not _exact(reach.rule, reach.step):
            row = row_of(rows, reach)
            yield ground.finding(
                check, sentence(reach, row.note), reach.rule, content=(row.id,), steps=(reach.step,), rows=(row.id,),
                fixes=denial(ground, ("connect",), rows, reach, row),
            )  # fmt: skip


def _exact(rule: Rule, step: Step) -> bool:
    """True when the rule names this very host and port, or a machine of its own with any port."""
    pattern = matching(rule.include, step.witness)
    if pattern is None:
        return False
    for sequence in pattern.sequences:
        port, host = sequence[1], sequence[2 : sequence.index(PATH)] if PATH in sequence else sequence[2:]
        wild = any(x in {ANY, MANY} or not isinstance(x, str) for x in host)
        if wild or not isinstance(port, str):
            return False
    return True


CHECK = Check(
    code="NET005",
    name="private-range",
    severity="warning",
    evidence="proved",
    finds="A wide rule reaches private, link-local or loopback addresses.",
    why=("Services there trust whoever reaches them: Docker on 2375, databases, routers, the developer's own daemons."),
    mend="Name the service with its port, `localhost:5432`, and deny the rest; `import std.baseline` does.",
    bad='allow connect "10.0.0.0/8:*"',
    good='allow connect "10.1.2.3:5432", "localhost:3000"',
    near=(
        """\
import std.baseline
allow connect "**.acme.example:*"
""",
    ),
    shows="10.0.0.1",
    look=_look,
)
