"""PTH015 shared-temp."""

from __future__ import annotations

from collections.abc import Iterator

from ..check import Check
from ..context import LintContext, reworded, words
from ..finding import Finding, Fix
from ..places import sentence

_SHARED = ("/tmp/", "/var/tmp/", "/dev/shm/")


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    for rule in context.own_rules("allow", "write"):
        for word in words(context, rule):
            folder = next((f for f in _SHARED if word.text.startswith(f)), None)
            if folder is None or not word.text.removeprefix(folder).startswith("*"):
                continue
            for grant in (r for r in context.ask("write", f"{folder}other/x") if r.rule is rule):
                fix = Fix("write `${tmp}`", (reworded(rule, word, f"${{tmp}}/{word.text.removeprefix(folder)}"),))
                yield check.finding(
                    context, sentence(grant, "other programs use that folder too"), rule, content=(word.text,),
                    steps=(grant.step,), fixes=(fix,),
                )  # fmt: skip


CHECK = Check(
    code="PTH015",
    name="shared-temp",
    severity="warning",
    evidence="proved",
    finds="A rule lets an agent write anywhere in `/tmp` or `/var/tmp`.",
    why="Others use these folders as well: programs find sockets, locks and scripts there by name.",
    remediation="`${tmp}/**` is the agent's own temporary folder; the runtime says where it is.",
    bad='allow write "/tmp/**"',
    good='allow write "${tmp}/**"',
    near=('allow write "/tmp/acme-build/**"', 'allow write "tmp/**"'),
    shows="/tmp/",
    function=_find,
)
