"""APR002 self-approval."""

from __future__ import annotations

from collections.abc import Iterator

from ...automata.glob import Glob
from ..check import Check
from ..context import LintContext, agent_globs, tier_definitions
from ..finding import Finding


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    globs = [g for g in agent_globs(context) if g.strip("*?")]
    for definition, span in tier_definitions(context):
        for word in definition.approvers:
            met = next((g for g in globs if Glob(g).matches(word.text)), None)
            if met is not None:
                text = f"`{word.text}` approves `{definition.name.text}`, and rules for the agent `{met}` mean it"
                yield check.finding(context, text, span, content=(definition.name.text, word.text))


CHECK = Check(
    code="APR002",
    name="self-approval",
    severity="error",
    evidence="proved",
    finds="An approver of a tier is an agent that the policy speaks of.",
    why="An agent would approve itself, or another agent would.",
    remediation="Name people or a group of people.",
    bad="""tier review { approvers "codex-web" }
agent "codex-*" { ask review write "x" }""",
    good="""tier review { approvers "@platform" }
agent "codex-*" { ask review write "x" }""",
    near=(
        """tier review { approvers "@codex-reviewers" }
agent "codex-web" { ask review write "x" }""",
    ),
    shows="codex-web",
    function=_find,
)
