"""CMD005 subcommand-floating."""

from __future__ import annotations

from collections.abc import Iterator

from ...automata.pattern import ANY, MANY
from ...domain.actions import COMMAND
from ..check import Check
from ..context import LintContext
from ..finding import Finding
from ..places import sentence


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    for rule in context.own_rules("allow", "run"):
        for pattern in rule.include if rule.sort == COMMAND else ():
            for sequence in pattern.sequences:
                words = sequence[1:]
                at = next((i for i, x in enumerate(words) if x in {ANY, MANY}), None)
                if at is None or not isinstance(sequence[0], str):
                    continue
                after = [x for x in words[at + 1 :] if isinstance(x, str) and not x.startswith("-")]
                before = [x for x in words[:at] if isinstance(x, str)]
                if not after or len(before) != at or before:
                    continue
                rest = [x for x in words[at + 1 :] if isinstance(x, str)]
                for grant in context.ask("run", (sequence[0], "--some-option=x", *rest)):
                    if grant.rule is rule:
                        text = sentence(grant, f"an option before `{after[0]}`")
                        yield check.finding(context, text, rule, content=(pattern.text,), steps=(grant.step,))
                break


CHECK = Check(
    code="CMD005",
    name="subcommand-floating",
    severity="error",
    evidence="proved",
    finds="A wildcard stands before the sub-command of a program that has no profile: `tool * status`.",
    why=(
        "Whatever stands there can be an option that changes everything: `git -c core.fsmonitor=CODE status` "
        "is a `git * status`. Of programs with a profile the engine knows."
    ),
    remediation="Write the options that are meant, or give the program a profile.",
    bad='allow run "deployctl * status"',
    good='allow run "deployctl status"',
    near=('allow run "git * status"', 'allow run "deployctl status *"'),
    shows="--some-option=x",
    function=_find,
)
