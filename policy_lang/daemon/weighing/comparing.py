"""Policies with proposed rules in them, compared exactly."""

from __future__ import annotations

from dataclasses import replace

from ...analysis.diff import Diff, diff
from ...domain.errors import PolicyError
from ...ir.model import PolicySet
from ...policy import Policy
from ...records.learning.propose import glob_of, sayable
from ...records.suggesting.edit import RulePlace, added, parsed
from .rules import not_rules, rules_of

BEYOND = ("widened", "lowered", "unlogged")
"""Kinds of differences by which more is permitted, or with less approval, or unseen."""


def with_rules(text: str, path: str, agent: str, proposed: list[str]) -> str:
    """A policy's text with proposed rules in it, for this agent alone. Raises RequestError (PLR253)."""
    if not proposed:
        return text
    if not sayable("agent", agent):
        raise not_rules("this agent's name cannot be written in a policy", "a person gives it another")
    nodes = [node for one in proposed for node in rules_of(one)]
    return added(parsed(text, path), [(RulePlace((glob_of(agent),)), nodes)])


def compiled(text: str, path: str) -> Policy:
    """The policy of a text. Raises RequestError (PLR253) for what is wrong with the rules in it."""
    try:
        return Policy.loads(text, path)
    except PolicyError as error:
        first = error.diagnostics[0]
        raise not_rules(first.message, first.help or "write the rule in another way") from None


def beyond(old: Policy, new: Policy) -> Diff:
    """What the second policy permits that the first does not, or with less approval, or unseen; exact, or undecided."""
    found = diff(old.engine, new.engine)
    found.rows = [r for r in found.rows if r.kind in BEYOND]
    found.undecided = [u for u in found.undecided if u.kind in BEYOND]
    return found


def both(first: Policy, second: Policy) -> Policy:
    """The policy that permits what both do: the second's own layer stands over the first."""
    own = second.policy_set.layers[0]
    layers = (*first.policy_set.layers, replace(own, name=f"{own.name} (other)"))
    return remade(replace(first.policy_set, layers=layers))


def without_ceilings(policy: Policy) -> Policy:
    """The policy by its own rules alone."""
    return remade(replace(policy.policy_set, layers=policy.policy_set.layers[:1]))


def remade(policy: PolicySet) -> Policy:
    """A policy from a set in normal form."""
    return Policy._of(policy)  # noqa: SLF001
