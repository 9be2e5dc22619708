"""NET010 dns-unrestricted."""

from __future__ import annotations

from collections.abc import Iterator

from ..check import Check
from ..finding import Finding
from ..ground import Ground
from ..places import sentence


def _look(ground: Ground, check: Check) -> Iterator[Finding]:
    seen: list[str] = []
    for resource in ("unnamed-host.example:53", "198.51.100.7:53"):
        for reach in ground.probe("connect", resource):
            if reach.rule.id not in seen:
                seen.append(reach.rule.id)
                yield ground.finding(
                    check, sentence(reach, "a query name carries data"), reach.rule, steps=(reach.step,)
                )


CHECK = Check(
    code="NET010",
    name="dns-unrestricted",
    severity="error",
    evidence="proved",
    finds="A rule lets an agent ask any name server.",
    why="A query name is a message: `SECRET.evil.example` reaches whoever runs that zone.",
    mend="Name the resolver: `10.0.0.2:53`.",
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
    look=_look,
)
