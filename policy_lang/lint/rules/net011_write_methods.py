"""NET011 write-methods."""

from __future__ import annotations

from collections.abc import Iterator

from ...domain.errors import Span
from ...ir.model import Rule
from ..check import Check
from ..context import LintContext
from ..finding import Edit, Finding, Fix
from ..places import UNNAMED, row_of, sentence


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    rows = context.capabilities.group("downloads")
    anywhere = {r.rule.id for r in context.ask("connect", UNNAMED)}
    for grant in context.find_grants("connect", [f"PUT,POST {r.pattern}" for r in rows], [r.example for r in rows]):
        if grant.rule.id not in anywhere:
            row = row_of(rows, grant)
            yield check.finding(
                context, sentence(grant, f"the host is there to hand out {row.note}"), grant.rule, content=(row.id,),
                steps=(grant.step,), rows=(row.id,), fixes=_fix(context, grant.rule),
            )  # fmt: skip


def _fix(context: LintContext, rule: Rule) -> tuple[Fix, ...]:
    statement = context.statement(rule)
    if statement is None or not context.own(rule):
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
    remediation="Allow `GET, HEAD`.",
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
    function=_find,
)
