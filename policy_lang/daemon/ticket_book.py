"""The tickets of a service as they are by now: whose time is over is over, whoever looks."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ..approvals import machine
from ..approvals.store import Store, TicketQuery, ticket_json
from ..approvals.ticket import ESCALATED, OPEN, UNSETTLED, Ticket
from ..domain.errors import RequestError
from ..domain.limits import limit
from ..domain.policy import Tier
from ..domain.strict_json import Json
from .active import Loaded
from .identity.principals import Principals
from .signals import Signal

Tiers = dict[str, Tier]
_GRACE = float(limit("ticket_grace_seconds"))
"""Seconds for another service to see that one of its tickets is over."""


@dataclass(frozen=True, slots=True)
class PolicyInForce:
    """What tickets are measured by: the digest of the policy in force, and its tiers."""

    policy: str
    tiers: Tiers


class SteadyClock:
    """A time that goes on whatever is done to the clock, and never back: nothing lives longer by that."""

    def __init__(self, clock: Callable[[], float] = time.time, ticks: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ticks = ticks
        self._latest = 0.0
        self._tick = ticks()

    def not_before(self, moment: float) -> None:
        """What has been seen is over, also for a service that starts anew."""
        self._latest = max(self._latest, moment)

    def now(self) -> float:
        """Seconds since the epoch."""
        tick = self._ticks()
        self._latest = max(self._latest + max(0.0, tick - self._tick), self._clock())
        self._tick = tick
        return self._latest


@dataclass(slots=True)
class TicketBook:
    """The store and the people. `notify` takes what happened and the ticket, `record_event` an event and its fields.

    `changed` is raised when a ticket is not as it was: whoever waits looks again.
    """

    store: Store
    principals: Principals
    record_event: Callable[..., None] = lambda *_, **__: None
    notify: Callable[[str, Json], None] = lambda *_: None
    clock: SteadyClock = field(default_factory=SteadyClock)
    changed: Signal = field(default_factory=Signal)
    notice: str = ""
    """What operators must know of the store."""

    def __post_init__(self) -> None:
        """Time goes on from what the store has seen."""
        self.clock.not_before(max((t.created for t in self.store.found(most=1)), default=0.0))
        self.tell_rollbacks()

    def tell_rollbacks(self) -> None:
        """Record and tell that the store was found to be an older one, now or when it was opened again."""
        while self.store.rollbacks:
            found = self.store.rollbacks.popleft()
            self.record_event("approvals-rolled-back", why=found.why, revoked=found.revoked)
            self.notice = (
                f"the store of approvals was rolled back: {found.why}; what was open is revoked ({found.revoked})"
            )
            self.changed()

    def now(self) -> float:
        """The time of tickets, in seconds since the epoch: it never goes back."""
        return self.clock.now()

    def timed(self, ticket: Ticket, force: PolicyInForce) -> Ticket:
        """A ticket as it is by now; what has changed is kept and told.

        What another policy asked is left to the service that has it in force, if there is one; else it ends by time.
        """
        now = self.now()
        mine = ticket.policy == force.policy
        tiers = force.tiers if mine else {}
        if not mine and now < max(ticket.answer_by, ticket.redeem_by) + _GRACE:
            return ticket
        if machine.timed(ticket, now, tiers) == ticket:
            return ticket
        after = self.store.change(ticket.id, lambda t: machine.timed(t, now, tiers)) or ticket
        if after.state != ticket.state:
            if after.state == ESCALATED:
                self.notify("escalated", whole(after))
            self.record_event(f"approval-{after.state}", ticket=after.id, agent=after.agent, why=after.why or None)
            self.changed()
        return after

    def get(self, name: str, force: PolicyInForce) -> Ticket | None:
        """The ticket as it is by now."""
        found = self.store.get(name)
        return None if found is None else self.timed(found, force)

    def found(
        self, wanted: TicketQuery, force: PolicyInForce, most: int = limit("tickets_found"), after: int = 0
    ) -> list[Ticket]:
        """The latest tickets of those that are wanted, as they are by now."""
        self._swept(force)
        known = [self.timed(t, force) for t in self.store.found(wanted, most, after)]
        return [t for t in known if not wanted.states or t.state in wanted.states]

    def count(self, wanted: TicketQuery, force: PolicyInForce) -> int:
        """How many tickets are wanted, as they are by now."""
        self._swept(force)
        return self.store.count(wanted)

    def _swept(self, force: PolicyInForce) -> None:
        """What is over by now is so in the store as well: nothing is counted as waiting that is not."""
        now = self.now()
        for over_at, policy, other in ((now, force.policy, ""), (now - _GRACE, "", force.policy)):
            for ticket in self.store.found(TicketQuery(UNSETTLED, policy=policy, not_policy=other, over_at=over_at)):
                self.timed(ticket, force)

    def change(self, name: str, change: Callable[[Ticket], Ticket]) -> Ticket:
        """A ticket after a person's word about it. Raises RequestError, StoreUnavailableError."""
        after = self.store.change(name, change)
        if after is None:
            raise RequestError("PLR205", "there is no such ticket")
        self.changed()
        return after


def whole(ticket: Ticket) -> Json:
    """What people are shown."""
    return {**ticket_json(ticket), "left": machine.left(ticket)}


def waiting(force: PolicyInForce) -> TicketQuery:
    """The tickets that people can answer: open ones of the policy in force."""
    return TicketQuery(tuple(OPEN), policy=force.policy)


def superseded(force: PolicyInForce) -> TicketQuery:
    """The tickets that another policy has asked and that are not over."""
    return TicketQuery(UNSETTLED, not_policy=force.policy)


def brief(ticket: Ticket, force: PolicyInForce | None = None) -> Json:
    """The requester's view of a ticket: no names, no reasons."""
    until = ticket.answer_by if ticket.is_open else ticket.redeem_by
    state = ticket.state if force is None else ticket.standing(force.policy)
    return {"id": ticket.id, "state": state, "until": until, "left": machine.left(ticket)}


def in_force(loaded: Loaded) -> PolicyInForce:
    """What tickets are measured by."""
    return PolicyInForce(loaded.policy.digest, loaded.policy.engine.prepared.tiers)
