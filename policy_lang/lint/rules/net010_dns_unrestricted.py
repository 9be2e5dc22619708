"""NET010 dns-unrestricted."""

from __future__ import annotations

from collections.abc import Iterator

from ..check import Check
from ..context import LintContext
from ..finding import Finding
from ..places import sentence


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    seen: list[str] = []
    for resource in ("unnamed-host.example:53", "198.51.100.7:53"):
        for grant in context.ask("connect", resource):
            if grant.rule.id not in seen:
                seen.append(grant.rule.id)
                yield check.finding(
                    context, sentence(grant, "a query name carries data"), grant.rule, steps=(grant.step,)
                )


CHECK = Check(
    code="NET010",
    name="dns-unrestricted",
    severity="error",
    evidence="proved",
    finds="A rule lets an agent ask any name server.",
    why="A query name is a message: `SECRET.evil.example` reaches whoever runs that zone.",
    remediation="Name the resolver: `10.0.0.2:53`.",
    bad="""\
import std.baseline
allow connect "**:53"
""",
    good="""\
import std.baseline
allow connect "ns1.acme.example:53"
""",
    near=(
        """\
import std.baseline
allow connect "*.acme.example:53"
""",
    ),
    shows=":53",
    function=_find,
)
