"""ESC014 code-behind-walls."""

from __future__ import annotations

from collections.abc import Iterator

from ..check import Check
from ..closure import rows_of
from ..context import LintContext, noted
from ..finding import Finding
from ..places import request_text
from ..walls import code_inside, left, listed, runs_inside


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    remains = left(context) if runs_inside(context) else {}
    may = "; ".join(f"{what} {listed(grants)}" for what, grants in remains.items())
    shown = tuple(noted(grants[0].step, "the walls leave it") for grants in remains.values())
    for trace in code_inside(context) if remains else ():
        text = f"{request_text(trace.steps[-1])} runs any code, behind walls alone; there it may still {may}"
        yield check.finding(context, text, trace.rules[-1], steps=(*trace.steps, *shown), rows=rows_of(trace))


CHECK = Check(
    code="ESC014",
    name="code-behind-walls",
    severity="info",
    evidence="fact",
    finds=(
        "A command that runs any code is granted `when confined` alone, and what is granted besides lets that code send "
        "to other machines, or write outside the workspace."
    ),
    why=(
        "Behind walls (`policy run`) code can do what rules grant and nothing else, so a rule that would be an error "
        "outside is none. What the rules grant is then all that holds it: this says what that is."
    ),
    remediation=(
        "Nothing, where that is meant. Else grant `connect GET, HEAD` in place of every method, ask for the hosts, or "
        "write narrower."
    ),
    bad="""\
import std.baseline
allow read "./"
allow connect "api.acme.example"
when confined { allow run "python3 **" }
""",
    good="""\
import std.baseline
allow read "./"
allow connect GET, HEAD "api.acme.example"
when confined { allow run "python3 **" }
""",
    near=(
        """\
import std.baseline
allow read "./"
allow connect "api.acme.example"
when confined { allow run "git status" }
""",
    ),
    shows="api.acme.example",
    function=_find,
)
