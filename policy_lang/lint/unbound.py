"""Grants that leave open what other rules of the same policy tell apart."""

from __future__ import annotations

from collections.abc import Iterator

from ..domain.conditions import atoms
from .check import Check, Look
from .finding import Finding
from .ground import Ground, example_of


def unbound(subject: str, text: str) -> Look:
    """A rule that finds grants whose conditions do not speak of a subject, where those of others do."""

    def look(ground: Ground, check: Check) -> Iterator[Finding]:
        bound = {r.id for r in ground.own_rules() if any(a.subject == subject for a in atoms(r.condition))}
        if ground.ceiling or not bound:
            return
        for rule in ground.own_rules("allow"):
            reach = None if rule.id in bound else example_of(ground, rule)
            if reach is not None:
                yield ground.finding(check, text, rule, steps=(reach.step,))

    return look
