"""CMD016 free-environment."""

from __future__ import annotations

from collections.abc import Iterator

from ..check import Check
from ..context import LintContext
from ..finding import Finding
from ..places import sentence

_HARMLESS = {"ZZ_SECRET", "CGO_ENABLED", "PIP_RETRIES", "GIT_TERMINAL_PROMPT", "FILTER_BRANCH_SQUELCH_WARNING", "PS4"}
_FIRST = ("LD_PRELOAD", "PATH", "NODE_OPTIONS", "PYTHONPATH", "BASH_ENV", "GIT_SSH_COMMAND")


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    rows = {
        n: r for r in context.capabilities.kinds("env") for n, _ in r.env if n.isidentifier() and n not in _HARMLESS
    }
    names = [*(n for n in _FIRST if n in rows), *sorted(n for n in rows if n not in _FIRST)]
    for grant in context.find_grants("setenv", names, names):
        row = rows[str(grant.step.witness.resource)]
        text = sentence(grant, f"`{row.program}` {'loads' if row.gives == 'load' else 'runs or writes'} what it names")
        yield check.finding(context, text, grant.rule, steps=(grant.step,), rows=(row.id,))


CHECK = Check(
    code="CMD016",
    name="free-environment",
    severity="error",
    evidence="fact",
    finds=(
        "A rule lets an agent set variables that make programs load or run code: `LD_PRELOAD`, "
        "`NODE_OPTIONS`, `PYTHONPATH`, `BASH_ENV`, `GIT_*`, `PATH`."
    ),
    why="Every allowed command then runs what the variable names.",
    remediation="Name the variables that are needed and do nothing of the kind: `NODE_ENV`, `CI`.",
    bad='allow setenv "*"',
    good='allow setenv "NODE_ENV", "CI"',
    near=('allow setenv "NODE_ENV", "DEBUG"',),
    shows="LD_PRELOAD",
    function=_find,
)
