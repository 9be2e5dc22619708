"""Calls that were denied, as far as a proposal of a rule needs them: only who was refused proposes."""

from __future__ import annotations

import socket
from collections import OrderedDict, deque
from dataclasses import dataclass, field

from ..approvals.ticket import canonical, digest_of, together
from ..audit.disk_snapshot import Recording
from ..domain import strict_json
from ..domain.limits import limit
from ..domain.request import Request
from ..domain.strict_json import Json

_MACHINE = socket.gethostname()


@dataclass(frozen=True, slots=True)
class RefusedCall:
    """A call that was denied, as far as a proposal needs it."""

    requests: tuple[Request, ...]
    decisions: tuple[str, ...]
    asked: Json
    digest: str
    user: str
    policy: str
    proved: bool
    started: float


@dataclass(slots=True)
class Refusals:
    """The latest denials of each agent, in memory: only who was refused proposes."""

    _kept: OrderedDict[str, deque[RefusedCall]] = field(default_factory=OrderedDict)

    def note(self, agent: str, call: RefusedCall) -> None:
        """Keep a denial. The agent that was heard of longest ago is forgotten, and each agent's oldest."""
        if len(strict_json.dump(call.asked)) > limit("refusal_bytes"):
            return
        calls = self._kept.setdefault(agent, deque(maxlen=limit("refusals_kept")))
        self._kept.move_to_end(agent)
        calls.append(call)
        while len(self._kept) > limit("refusal_agents"):
            self._kept.popitem(last=False)

    def find(self, agent: str, session: str | None, decision: str | None, wanted: Json | None) -> RefusedCall | None:
        """The latest call of the agent, in its session, with that decision or that request among its own."""
        for call in reversed(self._kept.get(agent, ())):
            if session is not None and call.requests[0].session != session:
                continue
            if decision is not None and decision in call.decisions:
                return call
            if wanted is not None and any(_is(request, wanted) for request in call.requests):
                return call
        return None


def _is(request: Request, wanted: Json) -> bool:
    resource = wanted["resource"]
    given = tuple(resource) if isinstance(resource, list) else resource
    return request.action == wanted["action"] and request.resource == given


Seen = tuple[Json, str]
"""What was asked in a call, with what the disk said when the policy in force was asked, and its digest."""


def seen_of(requests: list[Request]) -> Seen:
    """What was asked, and its digest: what it would do hangs on the policy, and is left aside."""
    asked = together([canonical(r, (), r.disk.seen() if isinstance(r.disk, Recording) else None) for r in requests])
    return asked, digest_of(asked)


def user_text(user: int | None) -> str:
    """A user of this machine, as proposals name it; empty when it is not known."""
    return "" if user is None else f"{user}@{_MACHINE}"
