"""PTH011 read-everything."""

from __future__ import annotations

from collections.abc import Iterator

from ..check import Check
from ..finding import Finding
from ..ground import Ground
from ..places import sentence

_ELSEWHERE = ("~/elsewhere/**", "/elsewhere/**")
"""Places that no narrow rule speaks of."""


def _look(ground: Ground, check: Check) -> Iterator[Finding]:
    for reach in ground.reach("read", _ELSEWHERE):
        yield ground.finding(check, sentence(reach, "whatever lies there"), reach.rule, steps=(reach.step,))


CHECK = Check(
    code="PTH011",
    name="read-everything",
    severity="warning",
    evidence="proved",
    finds="A rule lets an agent read the whole machine or the whole home.",
    why="Deny lists of secrets are never complete. Other repositories, mails and caches are there as well.",
    mend='Read the repository, and what the tools need by name: `allow read "./", "/usr/include/**"`.',
    bad="""\
import std.baseline
allow read "/**"
""",
    good="""\
import std.baseline
allow read "./", "/usr/include/**"
""",
    near=(
        """\
import std.baseline
allow read "/usr/share/**", "~/notes/**"
""",
    ),
    shows="may read",
    look=_look,
)
