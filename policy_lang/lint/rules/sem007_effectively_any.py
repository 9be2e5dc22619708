"""SEM007 effectively-any."""

from __future__ import annotations

from collections.abc import Iterator

from ..check import Check
from ..context import LintContext
from ..finding import Finding
from ..places import sentence

_ANYTHING = (("run", ("some-program", "--any-option")), ("call", "some-server.some-tool"), ("use", "SOME_NAME"),
             ("setenv", "SOME_NAME"), ("do", "some.operation"), ("merge", "some/branch"))  # fmt: skip
"""For each action something that no narrow rule means."""


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    for action, resource in _ANYTHING:
        for grant in context.ask(action, resource):
            yield check.finding(
                context, sentence(grant, "the rule grants them all"), grant.rule, content=(action,),
                steps=(grant.step,),
            )  # fmt: skip


CHECK = Check(
    code="SEM007",
    name="effectively-any",
    severity="error",
    evidence="proved",
    finds="A rule grants every command, every ref, every tool, every secret, every variable or every operation.",
    why="It is `allow everything` with more words. Programs that nobody has heard of are among it.",
    remediation="Name what is needed; `ask` for the rest.",
    bad='allow run "**"',
    good="""allow run "git {status,log,diff} **"
tier review { approvers "@t" }
ask review run opaque""",
    near=('allow run "acme-* **"',),
    shows="some-program",
    function=_find,
)
