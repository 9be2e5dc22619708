"""Findings from the proved facts about rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..analysis.facts import Fact
from ..domain.decision import RuleRef
from ..ir.model import Rule
from .check import Check, CheckFunction
from .context import LintContext
from .finding import Finding


def facts_about(kinds: Mapping[str, str], *, removable: bool = False, twins: bool = True) -> CheckFunction:
    """A rule that reports facts of some kinds about the author's rules, each with its sentence."""

    def function(context: LintContext, check: Check) -> Iterator[Finding]:
        for fact in context.facts.found:
            if fact.kind not in kinds or not context.own(fact.rule):
                continue
            if not twins and twin(context, fact) is not None:
                continue
            rule = context.rule(fact.rule)
            places = (
                (f"because of `{ref.id}`", context.span(context.rules[ref.id]))
                for ref in fact.by
                if ref.id in context.rules
            )
            foreign = [ref for ref in fact.by if not context.own(ref)]
            yield check.finding(
                context, kinds[fact.kind] + _why(context, foreign), rule, content=(fact.kind,),
                related=tuple(places)[:4], fixes=context.remove(rule) if removable and not foreign else (),
            )  # fmt: skip

    return function


def _why(context: LintContext, foreign: list[RuleRef]) -> str:
    """What rules that the author did not write have to do with it, and what would help, if the rule is meant."""
    if not foreign:
        return ""
    ref = foreign[0]
    if ref.id not in context.rules:
        return f"; `{ref.id}` of the protected floor holds: a grant that is meant says `override protected`"
    label = context.rules[ref.id].label
    if label and ref.layer != context.policy.layers[0].name:
        return f"; `{ref.id}` says so: if the rule is meant, `import {ref.layer} without {label}` and deny less"
    return f"; `{ref.id}` says so"


def twin(context: LintContext, fact: Fact) -> Rule | None:
    """The rule that alone says the same as a redundant one: each of the two makes the other redundant."""
    rule = context.rule(fact.rule)
    others = [context.rules[r.id] for r in fact.by if r.id in context.rules]
    if len(others) != 1:
        return None
    (other,) = others
    alike = (other.effect, other.tier, other.actions, other.condition, other.log, other.override)
    if alike != (rule.effect, rule.tier, rule.actions, rule.condition, rule.log, rule.override):
        return None
    return other if context.covers(rule, other) else None
