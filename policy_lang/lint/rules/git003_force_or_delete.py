"""GIT003 force-or-delete."""

from __future__ import annotations

from collections.abc import Iterator

from ...domain.errors import Span
from ..check import Check
from ..finding import Edit, Finding, Fix
from ..ground import Ground, Reach
from ..places import sentence

_BAD = ("force-push", "delete-ref")


def _look(ground: Ground, check: Check) -> Iterator[Finding]:
    for action in _BAD:
        for reach in ground.reach(action, ["*:refs/**"], ("main", "agent/x")):
            yield ground.finding(
                check, sentence(reach, "history that others have"), reach.rule, content=(action,), steps=(reach.step,),
                fixes=_fix(ground, reach),
            )  # fmt: skip


def _fix(ground: Ground, reach: Reach) -> tuple[Fix, ...]:
    statement = ground.statement(reach.rule)
    if statement is None or not ground.own(reach.rule):
        return ()
    kept = [w.text for w, _ in statement.actions if w.text not in _BAD]
    if not kept:
        return ground.remove(reach.rule)
    start, end = statement.actions[0][0].pos[0], statement.actions[-1][0].pos[1]
    return (Fix("no force and no deletion", (Edit(Span(reach.rule.span.source, start, end), ", ".join(kept)),), True),)


CHECK = Check(
    code="GIT003",
    name="force-or-delete",
    severity="error",
    evidence="proved",
    finds="A rule lets an agent rewrite or delete branches and tags of a remote without approval.",
    why=(
        "What others have built on is gone. `git push origin +x`, `:x`, `--mirror` and `--prune` are such "
        "pushes; the engine reads them so."
    ),
    mend="Delete the rule; people do that.",
    bad='allow push, force-push "agent/**"',
    good='allow push "agent/**"',
    near=(
        """\
tier review { approvers "@team" }
ask review force-push "agent/**"
""",
    ),
    shows="agent/",
    look=_look,
)
