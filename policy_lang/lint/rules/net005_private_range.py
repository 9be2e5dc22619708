"""NET005 private-range."""

from __future__ import annotations

from collections.abc import Iterator

from ...analysis.members import matching
from ...automata.pattern import ANY, MANY
from ...facts.hosts import PATH
from ...ir.model import Rule
from ..check import Check
from ..context import LintContext
from ..finding import Finding, Step
from ..places import denial, row_of, sentence


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    rows = context.capabilities.group("private")
    for grant in context.find_grants("connect", [r.pattern for r in rows], [r.example for r in rows]):
        if not _exact(grant.rule, grant.step):
            row = row_of(rows, grant)
            yield check.finding(
                context, sentence(grant, row.note), grant.rule, content=(row.id,), steps=(grant.step,), rows=(row.id,),
                fixes=denial(context, ("connect",), rows, grant, row),
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
    remediation="Name the service with its port, `localhost:5432`, and deny the rest; `import std.baseline` does.",
    bad='allow connect "10.0.0.0/8:*"',
    good='allow connect "10.1.2.3:5432", "localhost:3000"',
    near=(
        """\
import std.baseline
allow connect "**.acme.example:*"
""",
    ),
    shows="10.0.0.1",
    function=_find,
)
