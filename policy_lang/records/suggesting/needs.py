"""Needs of requests: the effects that nothing grants, and the rules that would grant exactly them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ...domain.decision import Decision, Effect
from ...domain.errors import PolicyError
from ...domain.request import Request
from ...engine.nearest import by_arguments, exact, ungranted
from ...engine.prepare import engine_of
from ...policy import Policy
from ...syntax import emit

Grant = tuple[str, str, str]
"""Action, pattern and method (of a connection, or nothing) of a rule that grants exactly one thing."""
_ROUNDS = 3
"""What a command does may come out only when it is granted itself."""
_LAYER = "rules to be granted"


@dataclass(slots=True)
class Needs:
    """What one request needs. `decision` is what it is told when all `grants` are given, its own and the others'."""

    before: Decision
    decision: Decision
    grants: dict[Grant, Effect] = field(default_factory=dict)
    unsayable: Effect | None = None
    """Something that is missing, and that no pattern says."""


def needs_of(policy: Policy, requests: Sequence[Request], most: int | None = None) -> list[Needs]:
    """What each request needs that the policy does not grant, of so many effects in each round.

    Raises PolicyLangError for a policy whose source is not known.
    """
    found = [Needs(d, d) for d in map(policy.decide_request, requests)]
    more = policy
    for _ in range(_ROUNDS):
        news = False
        for request, needs in zip(requests, found, strict=True):
            for effect in ungranted(policy.engine, needs.decision, most):
                news = _add(policy, needs, effect, request) or news
        if not news:
            break
        more = with_rules(policy, (statement(g) for needs in found for g in needs.grants))
        for request, needs in zip(requests, found, strict=True):
            needs.decision = more.decide_request(request)
    if len(requests) > 1:  # what another one's grant gave it needs as well
        for request, needs in zip(requests, found, strict=True):
            for effect in needs.decision.effects:
                if effect.verdict.support and all(r.layer == _LAYER for r in effect.verdict.support):
                    _add(policy, needs, effect, request)
    return found


def _add(policy: Policy, needs: Needs, effect: Effect, request: Request) -> bool:
    # a rule about the name alone would hand the credential out, and let the tool do whatever it can
    more = request.destination is not None or by_arguments(policy.engine, effect, request)
    found = None if more else exact(effect, request)
    if found is not None:
        grant = (effect.action, *found)
        if grant in needs.grants:
            return False
        if _sayable(grant):
            needs.grants[grant] = effect
            return True
    needs.unsayable = needs.unsayable or effect
    return False


def _sayable(grant: Grant) -> bool:
    try:
        Policy.loads(f"{emit.statement(emit.header(_LAYER))}\n{statement(grant)}", "more.policy")
    except (emit.UnsayableError, PolicyError):
        return False
    return True


def statement(grant: Grant) -> str:
    """The rule of a grant. Raises UnsayableError."""
    action, pattern, method = grant
    return emit.statement(emit.rule("allow", [action], [pattern], methods=[method] if method else []))


def with_rules(policy: Policy, rules: Iterable[str]) -> Policy:
    """The policy with some rules more, for every agent. Raises PolicyLangError."""
    text = "\n".join([emit.statement(emit.header(_LAYER)), *dict.fromkeys(rules)])
    more = Policy.loads(text, "more.policy").policy_set.layers[0]
    old = policy.policy_set
    first = dataclasses.replace(old.layers[0], rules=(*old.layers[0].rules, *more.rules))
    made = dataclasses.replace(old, layers=(first, *old.layers[1:]))
    return Policy(engine_of(made, policy.engine.over_everything, policy.engine.profiles))
