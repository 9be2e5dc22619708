"""GIT003 force-or-delete."""

from __future__ import annotations

from collections.abc import Iterator

from ...domain.errors import Span
from ..check import Check
from ..context import Grant, LintContext
from ..finding import Edit, Finding, Fix
from ..places import sentence

_BAD = ("force-push", "delete-ref")


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    for action in _BAD:
        for grant in context.find_grants(action, ["*:refs/**"], ("main", "agent/x")):
            yield check.finding(
                context, sentence(grant, "history that others have"), grant.rule, content=(action,), steps=(grant.step,),
                fixes=_fix(context, grant),
            )  # fmt: skip


def _fix(context: LintContext, grant: Grant) -> tuple[Fix, ...]:
    statement = context.statement(grant.rule)
    if statement is None or not context.own(grant.rule):
        return ()
    kept = [w.text for w, _ in statement.actions if w.text not in _BAD]
    if not kept:
        return context.remove(grant.rule)
    start, end = statement.actions[0][0].pos[0], statement.actions[-1][0].pos[1]
    return (Fix("no force and no deletion", (Edit(Span(grant.rule.span.source, start, end), ", ".join(kept)),), True),)


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
    remediation="Delete the rule; people do that.",
    bad='allow push, force-push "agent/**"',
    good='allow push "agent/**"',
    near=(
        """\
tier review { approvers "@team" }
ask review force-push "agent/**"
""",
    ),
    shows="agent/",
    function=_find,
)
