"""NET014 tunnel-host."""

from __future__ import annotations

from collections.abc import Iterator

from ..check import Check
from ..finding import Finding
from ..ground import Ground
from ..places import UNNAMED, denial, row_of, sentence


def _look(ground: Ground, check: Check) -> Iterator[Finding]:
    rows = ground.capabilities.group("tunnels")
    anywhere = {r.rule.id for r in ground.probe("connect", UNNAMED)}
    for reach in ground.reach("connect", [r.pattern for r in rows], [r.example for r in rows]):
        if reach.rule.id not in anywhere:
            row = row_of(rows, reach)
            yield ground.finding(
                check, sentence(reach, row.note), reach.rule, content=(row.id,), steps=(reach.step,), rows=(row.id,),
                fixes=denial(ground, ("connect",), rows, reach, row),
            )  # fmt: skip


CHECK = Check(
    code="NET014",
    name="tunnel-host",
    severity="error",
    evidence="fact",
    finds="A rule reaches a tunnel service.",
    why="A tunnel ends on anyone's machine, today on this one, tomorrow on that.",
    mend="Deny it.",
    bad="""\
import std.baseline
allow connect "*.ngrok.app"
""",
    good="""\
import std.baseline
allow connect "*.acme.example"
""",
    near=(
        """\
import std.baseline
allow connect "ngrok.acme.example"
""",
    ),
    shows="ngrok.app",
    look=_look,
)
