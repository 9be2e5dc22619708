"""PTH001 write-everything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ...analysis.members import matching
from ..check import Check
from ..finding import Finding
from ..ground import Ground, Reach
from ..places import sentence

_ELSEWHERE = ("~/elsewhere/**", "/elsewhere/**")
"""Places that no narrow rule speaks of."""
_TELLING = ("~/.ssh/authorized_keys", "/etc/cron.d/x", "~/Documents/x", "/srv/x")


def _look(ground: Ground, check: Check) -> Iterator[Finding]:
    for reach in ground.reach("write", _ELSEWHERE):
        telling = _telling(ground, reach)
        yield ground.finding(
            check, sentence(telling, "that is outside of the repository"), reach.rule, steps=(telling.step,)
        )


def _telling(ground: Ground, reach: Reach) -> Reach:
    for path in _TELLING:
        witness = replace(reach.step.witness, resource=path)
        if matching(reach.rule.include, witness) is not None and ground.allowed(witness):
            return replace(reach, step=ground.step(witness))
    return reach


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
    mend=("Write where the work is: `src/**` or `**` is the repository, `${tmp}/**` the agent's own temporary folder."),
    bad='allow write "~/**"',
    good='allow write "src/**", "tests/**", "${tmp}/**"',
    near=(
        'allow write "~/notes/**"',
        """allow write "**"
import std.baseline""",
    ),
    shows="~/.ssh/authorized_keys",
    look=_look,
)
