"""A policy as it is for one agent: what is known of every request is put into its conditions.

What a request would lack is read against the agent, as the engine does: a grant that hangs on it does not hold, a
restriction does.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from ..domain.actions import ALLOW
from ..domain.conditions import TRUE, Atom, Formula, Join, Value, join
from ..ir.evaluate import evaluate
from ..ir.model import Layer, PolicySet, Rule

_FALSE = Join("not", (TRUE,))


def settled(
    policy: PolicySet, known: Mapping[str, Value], lacking: Collection[str] | None, actions: Collection[str]
) -> PolicySet:
    """The policy with what is `known` of every request, and without what all of them lack (None: all the rest).

    Rules that then can never hold are gone, and those about other actions.
    """
    layers = tuple(_layer(layer, known, lacking, actions) for layer in policy.layers)
    floor = tuple(r for rule in policy.floor for r in _rule(rule, known, lacking, actions))
    return replace(policy, layers=layers, floor=floor, tests=(), proofs=())


def _layer(
    layer: Layer, known: Mapping[str, Value], lacking: Collection[str] | None, actions: Collection[str]
) -> Layer:
    rules = tuple(r for rule in layer.rules for r in _rule(rule, known, lacking, actions))
    defaults = tuple(
        replace(default, condition=condition, actions=about)
        for default in layer.defaults
        if (about := tuple(a for a in default.actions if a in actions))
        and (condition := _simplified(default.condition, known, lacking, True)) != _FALSE
    )
    return replace(layer, rules=rules, defaults=defaults)


def _rule(
    rule: Rule, known: Mapping[str, Value], lacking: Collection[str] | None, actions: Collection[str]
) -> list[Rule]:
    about = tuple(a for a in rule.actions if a in actions)
    condition = _simplified(rule.condition, known, lacking, rule.effect != ALLOW) if about else _FALSE
    return [] if condition == _FALSE else [replace(rule, actions=about, condition=condition)]


def _simplified(
    formula: Formula, known: Mapping[str, Value], lacking: Collection[str] | None, unknown: bool
) -> Formula:
    """A condition with what is known put in; what is lacking counts as `unknown` says."""
    if isinstance(formula, Atom):
        if all(s in known for s in formula.subjects):
            return TRUE if evaluate(formula, known) else _FALSE
        if lacking is None or any(s in lacking for s in formula.subjects):
            return TRUE if unknown else _FALSE
        return formula
    if formula.op == "not":
        inner = _simplified(formula.parts[0], known, lacking, not unknown)
        return _FALSE if inner == TRUE else TRUE if inner == _FALSE else Join("not", (inner,))
    parts = [_simplified(part, known, lacking, unknown) for part in formula.parts]
    decides, idle = (_FALSE, TRUE) if formula.op == "and" else (TRUE, _FALSE)
    if decides in parts:
        return decides
    left = [p for p in parts if p != idle]
    return join(formula.op, left) if left else idle
