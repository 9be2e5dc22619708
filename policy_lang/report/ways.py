"""The way on from a denial: the nearest rule, and the rule that would grant exactly this, confirmed by the engine."""

from __future__ import annotations

from ..domain.actions import DENY
from ..domain.decision import Decision
from ..domain.errors import PolicyError, PolicyLangError
from ..domain.request import Request
from ..engine.nearest import Nearest, nearest, ungranted
from ..policy import Policy
from .style import visible


def ways_on(policy: Policy, request: Request, decision: Decision) -> list[str]:
    """Lines for a person about what nothing grants; none for what is allowed, or what a rule denies."""
    lines = near_rules(policy, request, decision)
    try:
        policy.policy_set  # noqa: B018 (raises for a compiled policy)
        rules = grants_for(policy, request, decision)
    except PolicyLangError:
        rules = []  # a compiled policy has no source that could have a rule more
    if rules:
        lines.append("to allow exactly this: " + "  ".join(f"`{rule}`" for rule in rules))
        lines.append("for all that a log shows as stopped: `policy suggest LOG`")
    return lines


def near_rules(policy: Policy, request: Request, decision: Decision) -> list[str]:
    """A line about the nearest rule to each thing that nothing grants."""
    found = (nearest(policy.engine, request, effect) for effect in ungranted(policy.engine, decision))
    return [f"nearest: `{_rule(policy, one)}` ({_place(one)}): {one.difference}" for one in found if one is not None]


def grants_for(policy: Policy, request: Request, decision: Decision) -> list[str]:
    """Rules by which nothing is denied any more for want of a grant, as the engine confirms; none when it does not.

    Raises PolicyLangError for a policy whose source is not known.
    """
    from ..records.suggesting.needs import needs_of, statement

    if not ungranted(policy.engine, decision):
        return []
    if request.destination is not None:
        return _going(policy, request)
    (needs,) = needs_of(policy, [request])
    enough = needs.decision.effect != DENY and not ungranted(policy.engine, needs.decision)
    return [statement(grant) for grant in needs.grants] if enough and not needs.unsayable else []


def _going(policy: Policy, request: Request) -> list[str]:
    """A rule that lets a credential go to one host; none when the engine does not confirm it."""
    from ..facts.hosts import normal_destination
    from ..records.suggesting.needs import with_rules
    from ..syntax import emit

    try:
        host = normal_destination(request.destination or "").removesuffix(":443")
        rule = emit.statement(emit.rule("allow", ["use"], [str(request.resource)], hosts=[host]))
        allowed = with_rules(policy, [rule]).decide_request(request).effect != DENY
    except PolicyLangError:
        return []
    return [rule] if allowed else []


def _rule(policy: Policy, near: Nearest) -> str:
    """The rule as its author wrote the pattern, where its source is known."""
    rule = near.rule
    effect = f"ask {rule.tier}" if rule.tier else rule.effect
    method = near.sequence[0] if near.action == "connect" and isinstance(near.sequence[0], str) else ""
    return f'{effect} {near.action} {method + " " if method else ""}"{visible(_written(policy, near))}"'


def _written(policy: Policy, near: Nearest) -> str:
    try:
        rules = [r for layer in policy.policy_set.layers for r in layer.rules if r.id == near.rule.id]
    except PolicyError:
        return near.pattern
    return next((p.text for r in rules for p in r.include if near.sequence in p.sequences), near.pattern)


def _place(near: Nearest) -> str:
    """Where the rule stands, as people call it: a module of the library, or a file."""
    rule = near.rule
    name = rule.layer if rule.layer.startswith("std.") else visible(rule.file)
    return f"{name}:{rule.line}" if rule.line else name
