"""DOC003 temporary-without-end."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...domain.conditions import atoms
from ..check import Check
from ..context import LintContext
from ..finding import Finding
from ..suppress import comment_above

_WORDS = re.compile(
    r"\b(temporary|temporarily|for now|hotfix|workaround|until|short[- ]term|quick fix|interim)\b", re.IGNORECASE
)


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    for rule in context.own_rules():
        if rule.effect == "deny" or any(a.subject == "now" for a in atoms(rule.condition)):
            continue
        said = " ".join((rule.label.replace("-", " "), rule.because, comment_above(context, rule)))
        found = _WORDS.search(said)
        if found:
            yield check.finding(context, f"it is called `{found.group().lower()}` and has no end", rule)


CHECK = Check(
    code="DOC003",
    name="temporary-without-end",
    severity="warning",
    evidence="heuristic",
    finds="A grant that is called temporary in its label, reason or the comment above it, and has no end.",
    why="What is temporary stays until somebody is surprised by it.",
    remediation="Write the end: `until 2027-01-31`.",
    bad='allow push "agent/**" because "temporary, until the train is gone"',
    good='allow push "agent/**" until 2099-01-31 because "temporary, until the train is gone"',
    near=('allow write "src/temporary/**"', 'deny push "x" because "temporary freeze"'),
    shows="temporary",
    function=_find,
    persona="strict",
)
