"""PTH011 read-everything."""

from __future__ import annotations

from collections.abc import Iterator

from ..check import Check
from ..context import LintContext
from ..finding import Finding
from ..places import sentence

_ELSEWHERE = ("~/elsewhere/**", "/elsewhere/**")
"""Places that no narrow rule speaks of."""


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    for grant in context.find_grants("read", _ELSEWHERE):
        yield check.finding(context, sentence(grant, "whatever lies there"), grant.rule, steps=(grant.step,))


CHECK = Check(
    code="PTH011",
    name="read-everything",
    severity="warning",
    evidence="proved",
    finds="A rule lets an agent read the whole machine or the whole home.",
    why="Deny lists of secrets are never complete. Other repositories, mails and caches are there as well.",
    remediation='Read the repository, and what the tools need by name: `allow read "./", "/usr/include/**"`.',
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
    function=_find,
)
