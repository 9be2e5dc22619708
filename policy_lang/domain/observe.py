"""Observation of a policy: everything is decided and recorded, and nobody is stopped but by what holds even then.

For the time before a policy is enforced. What holds is the protected floor, and the rules that the owner named, by
their ids (`web#no-env`) or by their module (`std.secrets`). What could not be decided holds too.
"""

from __future__ import annotations

from .actions import ALLOW
from .decision import Verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .decision import Decision, RuleRef

_FLOOR = "floor"


def observed(decision: Decision, held: frozenset[str]) -> Decision:
    """The decision where the policy is observed: an allow, with the same rules and reasons, unless it holds even so."""
    old = decision.verdict
    if old.effect == ALLOW or _holds(decision, held):
        return decision.observed(old)
    return decision.observed(Verdict(ALLOW, (), old.rules, old.reasons, (), old.support))


def _holds(decision: Decision, held: frozenset[str]) -> bool:
    if decision.verdict.undecided:
        return True
    verdicts = (decision.verdict, *(e.verdict for e in decision.effects))
    return any(_named(rule, held) for v in verdicts if v.effect != ALLOW for rule in v.rules)


def _named(rule: RuleRef, held: frozenset[str]) -> bool:
    module = rule.id.partition("#")[0]
    return module == _FLOOR or module in held or rule.id in held


def what_holds(held: Iterable[str]) -> str:
    """That a policy is observed, and what holds all the same, as a sentence for whoever looks."""
    names = ", ".join(f"`{name}`" for name in ("the protected floor", *sorted(held))).replace("`", "", 2)
    return f"OBSERVING: nothing is stopped but what {names} {'deny' if ', ' in names else 'denies'}"
