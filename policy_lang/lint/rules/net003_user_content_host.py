"""NET003 user-content-host."""

from __future__ import annotations

from collections.abc import Iterator

from ..check import Check
from ..context import LintContext
from ..finding import Finding
from ..places import UNNAMED, row_of, sentence


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    rows = context.capabilities.group("uploads")
    examples = [r.example for r in rows]
    anywhere = {r.rule.id for r in context.ask("connect", UNNAMED)}
    for grant in context.find_grants("connect", [r.pattern for r in rows], examples):
        if grant.rule.id in anywhere or grant.step.witness.resource not in examples:
            continue  # that it grants any host is said elsewhere; or it names an account of its own
        row = row_of(rows, grant)
        yield check.finding(
            context,
            sentence(grant, f"it takes {row.note}"),
            grant.rule,
            content=(row.id,),
            steps=(grant.step,),
            rows=(row.id,),
        )


CHECK = Check(
    code="NET003",
    name="user-content-host",
    severity="warning",
    evidence="fact",
    finds=(
        "A rule lets an agent upload to a host where anyone can receive: gists, buckets, chats, pastes, "
        "package registries, error trackers."
    ),
    why=("The host is trusted, the account on it is the attacker's. An allow-list that names it lets everything out."),
    remediation="Allow `GET, HEAD` only, or the path of your own account.",
    bad="""\
import std.baseline
allow connect "api.github.com"
""",
    good="""\
import std.baseline
allow connect GET, HEAD "api.github.com"
allow connect "https://api.github.com/repos/acme/web/**"
""",
    near=(
        """\
import std.baseline
allow connect GET, HEAD "gist.github.com"
""",
        """\
import std.baseline
allow connect "github.acme.example"
""",
    ),
    shows="https://api.github.com/gists",
    function=_find,
)
