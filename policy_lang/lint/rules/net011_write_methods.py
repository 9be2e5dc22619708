"""NET011 write-methods."""

from __future__ import annotations

from collections.abc import Iterator

from ...domain.errors import Span
from ...ir.model import Rule
from ..check import Check
from ..finding import Edit, Finding, Fix
from ..ground import Ground
from ..places import UNNAMED, row_of, sentence


def _look(ground: Ground, check: Check) -> Iterator[Finding]:
    rows = ground.capabilities.group("downloads")
    anywhere = {r.rule.id for r in ground.probe("connect", UNNAMED)}
    for reach in ground.reach("connect", [f"PUT,POST {r.pattern}" for r in rows], [r.example for r in rows]):
        if reach.rule.id not in anywhere:
            row = row_of(rows, reach)
            yield ground.finding(
                check, sentence(reach, f"the host is there to hand out {row.note}"), reach.rule, content=(row.id,),
                steps=(reach.step,), rows=(row.id,), fixes=_fix(ground, reach.rule),
            )  # fmt: skip


def _fix(ground: Ground, rule: Rule) -> tuple[Fix, ...]:
    statement = ground.statement(rule)
    if statement is None or not ground.own(rule):
        return ()
    word, methods = statement.actions[0]
    if methods or len(statement.actions) > 1:
        return ()
    return (Fix("allow GET and HEAD only", (Edit(Span(rule.span.source, *word.pos), "connect GET, HEAD"),)),)


CHECK = Check(
    code="NET011",
    name="write-methods",
    severity="warning",
    evidence="proved",
    finds=(
        "A rule grants every method on a host that is there for downloads: package registries, image "
        "registries, raw files."
    ),
    why="Registries accept publications with the same name and port. `PUT` is how a package is published.",
    mend="Allow `GET, HEAD`.",
    bad="""\
import std.baseline
allow connect "registry.npmjs.org"
""",
    good="""\
import std.baseline
allow connect GET, HEAD "registry.npmjs.org"
""",
    near=(
        """\
import std.baseline
allow connect "registry.acme.example"
""",
    ),
    shows="PUT",
    look=_look,
)
