"""SEM007 effectively-any."""

from __future__ import annotations

from collections.abc import Iterator

from ..check import Check
from ..finding import Finding
from ..ground import Ground
from ..places import sentence

_ANYTHING = (("run", ("some-program", "--any-option")), ("push", "some/branch"), ("call", "some-server.some-tool"), ("use", "SOME_NAME"),
             ("setenv", "SOME_NAME"), ("do", "some.operation"), ("merge", "some/branch"))  # fmt: skip
"""For each action something that no narrow rule means."""


def _look(ground: Ground, check: Check) -> Iterator[Finding]:
    for action, resource in _ANYTHING:
        for reach in ground.probe(action, resource):
            yield ground.finding(
                check, sentence(reach, "nothing is left that it does not grant"), reach.rule, content=(action,),
                steps=(reach.step,),
            )  # fmt: skip


CHECK = Check(
    code="SEM007",
    name="effectively-any",
    severity="error",
    evidence="proved",
    finds="A rule grants every command, every ref, every tool, every secret, every variable or every operation.",
    why="It is `allow everything` with more words. Programs that nobody has heard of are among it.",
    mend="Name what is needed; `ask` for the rest.",
    bad='allow run "**"',
    good="""allow run "git {status,log,diff} **"
tier review { approvers "@t" }
ask review run opaque""",
    near=('allow run "acme-* **"',),
    shows="some-program",
    look=_look,
)
