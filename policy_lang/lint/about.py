"""Findings from the proved facts about rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..analysis.facts import Fact
from ..ir.model import Rule
from .check import Check, Look
from .finding import Finding
from .ground import Ground


def facts_about(kinds: Mapping[str, str], *, removable: bool = False, twins: bool = True) -> Look:
    """A rule that reports facts of some kinds about the author's rules, each with its sentence."""

    def look(ground: Ground, check: Check) -> Iterator[Finding]:
        for fact in ground.facts.found:
            if fact.kind not in kinds or not ground.own(fact.rule):
                continue
            if not twins and twin(ground, fact) is not None:
                continue
            rule = ground.rule(fact.rule)
            places = (
                (f"because of `{ref.id}`", ground.span(ground.rules[ref.id]))
                for ref in fact.by
                if ref.id in ground.rules
            )
            yield ground.finding(
                check, kinds[fact.kind], rule, content=(fact.kind,), related=tuple(places)[:4],
                fixes=ground.remove(rule) if removable else (),
            )  # fmt: skip

    return look


def twin(ground: Ground, fact: Fact) -> Rule | None:
    """The rule that alone says the same as a redundant one: each of the two makes the other redundant."""
    rule = ground.rule(fact.rule)
    others = [ground.rules[r.id] for r in fact.by if r.id in ground.rules]
    if len(others) != 1:
        return None
    (other,) = others
    alike = (other.effect, other.tier, other.actions, other.condition, other.log, other.override)
    if alike != (rule.effect, rule.tier, rule.actions, rule.condition, rule.log, rule.override):
        return None
    return other if ground.covers(rule, other) else None
