"""CMD016 free-environment."""

from __future__ import annotations

from collections.abc import Iterator

from ...domain.actions import NAME
from ...shell.variables import harmless, use_of, usual
from ..check import Check
from ..context import LintContext
from ..finding import Finding
from ..places import sentence

_FIRST = ("LD_PRELOAD", "PATH", "NODE_OPTIONS", "PYTHONPATH", "BASH_ENV", "GIT_SSH_COMMAND")
_DOES = {
    "run": "programs run what it names",
    "divert": "programs connect to what it names",
    "load": "programs load what it names",
    "options": "programs take its options",
}


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    rows = {name: row.id for row in context.capabilities.kinds("env") for name, _ in row.env if _tells(name)}
    names = dict.fromkeys((*_FIRST, *sorted(rows), *_named(context)))
    for grant in context.find_grants("setenv", names, names):
        name = str(grant.step.witness.resource)
        text = sentence(grant, _DOES[use_of(name)])
        yield check.finding(context, text, grant.rule, steps=(grant.step,), rows=(rows.get(name, f"variables:{name}"),))


def _named(context: LintContext) -> list[str]:
    """Variables of known programs that grants name."""
    rules = [r for r in context.granting.values() if r.sort == NAME and "setenv" in r.actions]
    texts = [pattern.text for rule in rules for pattern in rule.include]
    return sorted({text for text in texts if text.isidentifier() and usual(text) and _tells(text)})


def _tells(name: str) -> bool:
    return bool(use_of(name)) and not harmless(name, "./x")


CHECK = Check(
    code="CMD016",
    name="free-environment",
    severity="error",
    evidence="fact",
    finds=(
        "A rule lets an agent set variables that make programs load or run code, or connect elsewhere: `LD_PRELOAD`, "
        "`NODE_OPTIONS`, `PYTHONPATH`, `BASH_ENV`, `GIT_*`, `PATH`."
    ),
    why="Every allowed command then runs what the variable names.",
    remediation="Name the variables that are needed and do nothing of the kind. Harmless ones, such as `CI`, need no rule.",
    bad='allow setenv "*"',
    good='allow setenv "DATABASE_URL", "APP_*"',
    near=('allow setenv "NODE_ENV", "DEBUG"',),
    shows="LD_PRELOAD",
    function=_find,
)
