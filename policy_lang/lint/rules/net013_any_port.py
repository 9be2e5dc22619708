"""NET013 any-port."""

from __future__ import annotations

from collections.abc import Iterator

from ...automata.pattern import ANY
from ..check import Check
from ..context import LintContext, reworded, words
from ..finding import Finding, Fix
from ..places import sentence


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    private = [r.pattern for r in context.capabilities.group("private")]
    for rule in context.own_rules("allow", "connect"):
        for pattern in rule.include:
            if all(s[1] is not ANY for s in pattern.sequences):
                continue
            ssh = pattern.text.replace(":*", ":22")
            for grant in context.find_grants("connect", [ssh], (), private):
                if grant.rule is rule:
                    fixes = tuple(
                        Fix("only port 443", (reworded(rule, w, w.text.replace(":*", "")),))
                        for w in words(context, rule) if w.text == pattern.text
                    )  # fmt: skip
                    yield check.finding(
                        context, sentence(grant, f"`{pattern.text}` grants every port"), rule, content=(pattern.text,),
                        steps=(grant.step,), fixes=fixes,
                    )  # fmt: skip


CHECK = Check(
    code="NET013",
    name="any-port",
    severity="warning",
    evidence="proved",
    finds="A rule grants a host with every port.",
    why="Port 22 is a shell, 25 sends mail, 2375 is Docker. A rule about a web host means 443.",
    remediation="Leave the port out: that means 443. Or name it.",
    bad="""\
import std.baseline
allow connect "git.acme.example:*"
""",
    good="""\
import std.baseline
allow connect "git.acme.example", "git.acme.example:22"
""",
    near=('allow connect "localhost:*"',),
    shows=":22",
    function=_find,
)
