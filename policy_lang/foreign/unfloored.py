"""The protected floor as ordinary rules, so that a policy is compared with what has no floor: a client's permissions.

Differences of policies take for granted that both have the same floor, which is this program's. Here it is a guardrail
of one of the two. A grant that overrides it counts as denied there: what is compared is never more than the policy.
"""

from __future__ import annotations

import os
from dataclasses import replace

from ..automata.pattern import quoted
from ..ir.model import Layer, PolicySet, Rule
from ..policy import Policy
from ..syntax import emit


def without_floor(policy: PolicySet) -> PolicySet:
    """The policy set as it would be without the floor, but for this program's own files."""
    return replace(policy, floor=(), sources=())


def with_floor_as_rules(policy: PolicySet) -> PolicySet:
    """The policy set with its floor as a guardrail."""
    floor = Layer("floor", True, floor_rules(policy))
    return replace(without_floor(policy), layers=(*policy.layers, floor))


def floor_rules(policy: PolicySet) -> tuple[Rule, ...]:
    """The floor's rules, and one for the policy set's own files: as they lie here, and in the agent's checkout."""
    names: dict[str, None] = {}
    for source in policy.sources:
        path = os.path.abspath(source)
        parts = [part for part in path.split("/") if part]
        names |= dict.fromkeys([quoted(path), *("/".join(map(quoted, parts[i:])) for i in range(len(parts)))])
    if not names:
        return policy.floor
    files = emit.rule("deny", ["write", "delete"], names)
    guardrail = Policy.loads(emit.text([emit.header("floor", "guardrail"), files]), "floor.policy")
    return (*policy.floor, *guardrail.policy_set.layers[0].rules)
