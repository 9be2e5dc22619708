"""SEM018 swallowed-denial."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ...analysis.members import matching
from ...analysis.witness import Witness
from ...automata.pattern import expand_braces
from ...domain.limits import limit
from ...ir.model import Rule
from ..check import Check
from ..context import LintContext
from ..examples import commands, instances
from ..finding import Finding, Step
from ..places import request_text, verb


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    for rule in context.own_rules("deny"):
        step = _left_out(context, rule) if rule.exclude and not any(p.text == "opaque" for p in rule.include) else None
        if step is not None:
            text = f"its exceptions leave out all that it says: {verb(step.witness.action)} {request_text(step)} is permitted"
            yield check.finding(context, text, rule, steps=(step,))


def _left_out(context: LintContext, rule: Rule) -> Step | None:
    """Something that the rule would deny and that its exceptions permit, where they take every example of it."""
    shown: Step | None = None
    for action in rule.actions:
        for pattern in rule.include:
            alike = (
                _commands(context, pattern.text) if action == "run" else instances(action, pattern.text, several=True)
            )
            found = [Witness(action, r, {}, None, context.layout) for r in alike]
            whole = [w for w in found if matching((pattern,), w) is not None]
            if not whole or any(matching(rule.exclude, w) is None for w in whole):
                return None
            asked = (context.step(replace(w, given=g)) for w in whole for g in [{}, *context.principals(action)])
            shown = shown or next((s for s in asked if s.effect != "deny"), None)
    return shown


def _commands(context: LintContext, text: str) -> list[str | tuple[str, ...]]:
    return [w for one in expand_braces(text, limit("pattern_alternatives")) for w in commands(context, one, bare=False)]


CHECK = Check(
    code="SEM018",
    name="swallowed-denial",
    severity="warning",
    evidence="proved",
    finds="A denial whose exceptions take every example of what it denies, while something of that is permitted.",
    why="It reads like protection, and what it names is open.",
    remediation="Say in the denial itself what is meant, or make the exceptions smaller.",
    bad="""\
allow write "src/**"
deny write "src/generated/**" except "src/generated/[a-z]*", "src/generated/*/**"
""",
    good="""\
allow write "src/**"
deny write "src/generated/**" except "src/generated/README.md"
""",
    near=(
        """\
allow write "src/**"
deny write "src/generated/**" except "src/generated/*.md"
""",
    ),
    shows="src/generated/",
    function=_find,
)
