"""Verification: the walls are tried with requests from the policy's rules, and must do what the policy says."""

from __future__ import annotations

import errno
from collections import Counter
from errno import errorcode

from ..domain.actions import ALLOW, ASK, SORT_OF
from ..domain.record import record
from ..engine.table import FLOOR
from .attempts import Attempt, WaysTried, attempts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..domain.decision import RuleRef
    from .box import Box
    from .plan import Plan
    from .port import DecisionPort

_REFUSED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENETUNREACH, errno.ECONNREFUSED})
"""How the kernel, the supervisor and the proxy refuse; what is not there inside cannot be had either."""
_HOOKS = frozenset(SORT_OF) - {"read", "write", "delete", "run", "connect", "use", "setenv"}


@record(frozen=True, slots=True)
class Tried:
    """An attempt, and what became of it: 0, or an error's number."""

    attempt: Attempt
    error: int

    @property
    def as_planned(self) -> bool:
        """Whether it went as the policy says."""
        return self.error == 0 if self.attempt.works else self.error in _REFUSED

    @property
    def shown(self) -> str:
        """What became of it, in words."""
        return "it worked" if self.error == 0 else errorcode.get(self.error, str(self.error))


@record(frozen=True, slots=True)
class Verification:
    """What was tried, and how many rules were not, by the reason."""

    tried: Sequence[Tried]
    untried: Mapping[str, int]

    @property
    def wrong(self) -> list[Tried]:
        """What went otherwise than the policy says."""
        return [t for t in self.tried if not t.as_planned]

    @property
    def shown(self) -> str:
        """The counts, in words."""
        works = sum(t.attempt.works for t in self.tried)
        said = f"{works} that must work, {len(self.tried) - works} that must fail"
        left = ", ".join(f"{count} {why}" for why, count in self.untried.items())
        return f"{said}; rules not tried: {left}" if left else said


def verified(box: Box, port: DecisionPort, plan: Plan, ways: WaysTried, variables: Mapping[str, str]) -> Verification:
    """What became of every attempt. Raises WallsError when the process inside is gone."""
    wanted = attempts(port, plan, ways, variables)
    errors = box.attempt([[a.how, a.what, a.port] for a in wanted])
    tried = [Tried(a, error) for a, error in zip(wanted, errors, strict=True)]
    return Verification(tried, _untried(port, wanted, bool(ways.proxy or ways.forwarded)))


def _untried(port: DecisionPort, wanted: Sequence[Attempt], leads_out: bool) -> dict[str, int]:
    """How many rules nothing was tried of, by why; the protected floor's are not counted."""
    shown = {(a.action, rule.id) for a in wanted for rule in a.rules}
    left: dict[tuple[str, str], str] = {}
    for action in SORT_OF:
        for entry in port.policy.engine.evaluator.table(action).entries:
            if entry.layer != FLOOR and (action, entry.ref.id) not in shown:
                left[action, entry.ref.id] = _why(action, entry.ref, leads_out)
    return dict(Counter(left.values()).most_common())


def _why(action: str, rule: RuleRef, leads_out: bool) -> str:
    """Why nothing was tried of a rule about an action."""
    if action in _HOOKS:
        return "about what servers and clients do, which hooks decide"
    if rule.effect == ASK:
        return "that ask people"
    if action == "connect":
        return "about hosts that another rule decides" if leads_out else "about hosts, to which no way leads"
    if action == "run":
        return (
            "that grant programs, which need no grant inside"
            if rule.effect == ALLOW
            else "about programs that are not there inside, or that another rule decides"
        )
    if action in {"use", "setenv"}:
        return (
            "that grant variables, which come with the command"
            if rule.effect == ALLOW
            else "about variables that are not set"
        )
    return "about files that the disk does not have where they would show"
