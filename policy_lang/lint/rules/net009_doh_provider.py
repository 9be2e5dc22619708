"""NET009 doh-provider."""

from __future__ import annotations

from collections.abc import Iterator

from ..check import Check
from ..finding import Finding
from ..ground import Ground
from ..places import UNNAMED, denial, row_of, sentence


def _look(ground: Ground, check: Check) -> Iterator[Finding]:
    rows = ground.capabilities.group("resolvers")
    anywhere = {r.rule.id for r in ground.probe("connect", UNNAMED)}
    for reach in ground.reach("connect", [r.pattern for r in rows], [r.example for r in rows]):
        if reach.rule.id not in anywhere:
            row = row_of(rows, reach)
            yield ground.finding(
                check, sentence(reach, row.note), reach.rule, content=(row.id,), steps=(reach.step,), rows=(row.id,),
                fixes=denial(ground, ("connect",), rows, reach, row),
            )  # fmt: skip


CHECK = Check(
    code="NET009",
    name="doh-provider",
    severity="warning",
    evidence="fact",
    finds="A rule reaches a public resolver that answers over HTTPS.",
    why=(
        "Data goes out in the names that are asked for, past the log of hosts, and names resolve differently "
        "than the machine believes."
    ),
    mend="Deny it. The machine's own resolver answers.",
    bad="""\
import std.baseline
allow connect "dns.google"
""",
    good="""\
import std.baseline
allow connect "docs.acme.example"
""",
    near=(
        """\
import std.baseline
allow connect "dns.acme.example"
""",
    ),
    shows="dns.google",
    look=_look,
)
