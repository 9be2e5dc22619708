"""NET001 any-host."""

from __future__ import annotations

from collections.abc import Iterator

from ..check import Check
from ..context import LintContext
from ..finding import Finding
from ..places import UNNAMED, sentence

_NOWHERE = (UNNAMED, "https://198.51.100.7/")
"""A name and an address that are reserved for examples (RFC 2606, RFC 5737), so that no narrow rule means them."""


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    seen: list[str] = []
    for resource in _NOWHERE:
        for grant in context.ask("connect", resource):
            if grant.rule.id not in seen:
                seen.append(grant.rule.id)
                yield check.finding(
                    context, sentence(grant, "a host that nobody has heard of"), grant.rule, steps=(grant.step,)
                )


CHECK = Check(
    code="NET001",
    name="any-host",
    severity="error",
    evidence="proved",
    finds="A rule lets an agent connect to any host, or any address.",
    why=(
        "Whatever the agent can read can leave, and any instruction can come in. An allow-list of hosts is "
        "the one control that holds when everything else was talked around."
    ),
    remediation="Name the hosts. `policy init` writes those of your lock files; `ask` for the others.",
    bad="""\
import std.baseline
allow connect "**"
""",
    good="""\
import std.baseline
allow connect "registry.acme.example"
""",
    near=(
        """\
import std.baseline
allow connect "**.acme.example"
""",
    ),
    shows="unnamed-host.example",
    function=_find,
)
