"""PTH001 write-everything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ...analysis.members import matching
from ..check import Check
from ..context import Grant, LintContext
from ..finding import Finding
from ..places import sentence

_ELSEWHERE = ("~/elsewhere/**", "/elsewhere/**")
"""Places that no narrow rule speaks of."""
_TELLING = ("~/.ssh/authorized_keys", "/etc/cron.d/x", "~/Documents/x", "/srv/x")


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    for grant in context.find_grants("write", _ELSEWHERE):
        telling = _telling(context, grant)
        yield check.finding(
            context, sentence(telling, "that is outside of the repository"), grant.rule, steps=(telling.step,)
        )


def _telling(context: LintContext, grant: Grant) -> Grant:
    for path in _TELLING:
        witness = replace(grant.step.witness, resource=path)
        if matching(grant.rule.include, witness) is not None and context.allowed(witness):
            return replace(grant, step=context.step(witness))
    return grant


CHECK = Check(
    code="PTH001",
    name="write-everything",
    severity="error",
    evidence="proved",
    finds=(
        "A rule lets an agent write outside of the repository: everywhere below `/`, or everywhere in the agent's home."
    ),
    why=(
        "Files outside of the repository decide who may log in, what starts with the session and what the "
        "next command does. No task needs all of them."
    ),
    remediation=(
        "Write where the work is: `src/**` or `**` is the repository, `${tmp}/**` the agent's own temporary folder."
    ),
    bad='allow write "~/**"',
    good='allow write "src/**", "tests/**", "${tmp}/**"',
    near=(
        'allow write "~/notes/**"',
        """allow write "**"
import std.baseline""",
    ),
    shows="~/.ssh/authorized_keys",
    function=_find,
)
