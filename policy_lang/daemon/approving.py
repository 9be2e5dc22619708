"""Tickets as the service handles them: made when a decision asks, answered by people, redeemed by asking again."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..approvals import machine
from ..approvals.store import Store, StoreUnavailableError, ticket_json
from ..approvals.ticket import APPROVED, ESCALATED, OPEN, Ticket, canonical, digest_of
from ..audit.seen import Recording
from ..domain.decision import Decision
from ..domain.errors import RequestError
from ..domain.limits import limit
from ..domain.policy import Tier
from ..domain.request import Request
from .people import People, Person

Json = dict[str, Any]
Tiers = dict[str, Tier]


@dataclass(slots=True)
class Approvals:
    """The store and the people. `tell` takes an event's name and its fields; time never goes back for a ticket."""

    store: Store
    people: People
    tell: Callable[..., None] = lambda *_, **__: None
    notify: Callable[[Json], None] = lambda _: None
    clock: Callable[[], float] = time.time
    _latest: float = field(default=0.0)

    def now(self) -> float:
        """The time, which a clock that is set back does not turn back: nothing lives longer by that."""
        self._latest = max(self._latest, self.clock())
        return self._latest

    def decided(self, request: Request, decision: Decision, tiers: Tiers) -> None:
        """What becomes of a decision that asks: with an approval that is for it, an allow; else a ticket."""
        try:
            if request.ticket is not None:
                self._redeemed(request, decision, tiers, request.ticket)
            else:
                self._asked(request, decision, tiers)
        except StoreUnavailableError as error:
            decision.withdraw(f"refused (PLR237): approvals cannot be kept: {error}")
        except RequestError as error:
            decision.withdraw(f"refused ({error.code}): {error.message}")

    def _asked(self, request: Request, decision: Decision, tiers: Tiers) -> None:
        now = self.now()
        asked = _canonical(request, decision)
        wanted = tuple(tiers[name] for name in decision.tiers if name in tiers)
        if len(wanted) != len(decision.tiers):
            raise RequestError("PLR235", "a tier that it needs is not defined")
        made = Ticket(
            secrets.token_hex(8), digest_of(asked), asked, decision.policy_digest, request.agent or "",
            request.session or "", wanted, decision.reasons, now, now + min(t.expires for t in wanted),
        )  # fmt: skip
        for old in self.store.found((*OPEN, APPROVED), made.agent):
            known = self._timed(old, tiers, now)  # what is over by now is not open
            if known.state == APPROVED and known.binds() == made.binds():
                self._redeemed(request, decision, tiers, known.id)
                return
        ticket = self.store.add(made, limit("approvals_pending"))
        if ticket is None:
            most = limit("approvals_pending")
            raise RequestError("PLR236", f"{most} tickets of this agent are open; people cannot read more")
        if ticket.id == made.id:
            shown = asked.get("resource")
            self.notify(whole(ticket))
            self.tell("approval-asked", ticket=ticket.id, agent=ticket.agent, session=ticket.session or None,
                      tiers=list(decision.tiers), action=request.action, resource=shown)  # fmt: skip
        decision.waiting(
            f"people are asked (ticket {ticket.id}); ask the same again when they have answered", brief(ticket)
        )

    def _redeemed(self, request: Request, decision: Decision, tiers: Tiers, name: str) -> None:
        now = self.now()
        binds = (
            digest_of(_canonical(request, decision)),
            decision.policy_digest,
            request.agent or "",
            request.session or "",
        )
        wanted = set(decision.tiers)

        def redeem(ticket: Ticket) -> Ticket:
            if not wanted <= covered(ticket, tiers):
                raise RequestError("PLR234", "the ticket is for another request, policy, agent or session")
            return machine.redeem(ticket, binds, now, tiers)

        ticket = self.store.change(name, redeem)
        if ticket is None:
            raise RequestError("PLR234", "there is no such ticket")
        people = ", ".join(dict.fromkeys(v.person for v in ticket.votes if v.verdict == "approve"))
        self.tell("approval-redeemed", ticket=ticket.id, agent=ticket.agent, session=ticket.session or None,
                  people=people)  # fmt: skip
        decision.approved(f"approved by {people} (ticket {ticket.id})", brief(ticket))

    def _timed(self, ticket: Ticket, tiers: Tiers, now: float) -> Ticket:
        """A ticket as it is by now; what has changed is kept and told."""
        if machine.timed(ticket, now, tiers) == ticket:
            return ticket
        after = self.store.change(ticket.id, lambda t: machine.timed(t, now, tiers)) or ticket
        if after.state != ticket.state:
            if after.state == ESCALATED:
                self.notify(whole(after))
            self.tell(f"approval-{after.state}", ticket=after.id, agent=after.agent, why=after.why or None)
        return after

    # people

    def vote(self, person: Person, name: str, verdict: str, reason: str, tiers: Tiers) -> Ticket:
        """A person's answer. Raises RequestError, StoreUnavailableError."""
        now = self.now()
        after = self.store.change(
            name, lambda t: machine.vote(t, person.name, verdict, reason, now, self.people.may, tiers)
        )
        if after is None:
            raise RequestError("PLR205", "there is no such ticket")
        return after

    def revoke(self, by: str, name: str, why: str) -> Ticket:
        """Take back a question or an approval. Raises RequestError, StoreUnavailableError."""
        now = self.now()
        after = self.store.change(name, lambda t: machine.revoke(t, by, why, now))
        if after is None:
            raise RequestError("PLR205", "there is no such ticket")
        return after

    def get(self, name: str, tiers: Tiers) -> Ticket | None:
        """The ticket as it is by now."""
        found = self.store.get(name)
        return None if found is None else self._timed(found, tiers, self.now())

    def found(self, states: tuple[str, ...], tiers: Tiers) -> list[Ticket]:
        """The latest tickets in some states, as they are by now."""
        now = self.now()
        known = [self._timed(t, tiers, now) for t in self.store.found(states)]
        return [t for t in known if not states or t.state in states]


def _canonical(request: Request, decision: Decision) -> Json:
    seen = request.disk.seen() if isinstance(request.disk, Recording) else None
    return canonical(request, decision.effects, seen)


def covered(ticket: Ticket, tiers: Tiers) -> set[str]:
    """The tiers that a ticket's approval is good for: its own, and those that they include."""
    return {name for t in ticket.tiers for name in (t.name, *machine.includes(t, tiers))}


def brief(ticket: Ticket) -> Json:
    """What the requester is told of a ticket: no names, no reasons."""
    until = ticket.until if ticket.is_open else ticket.good
    return {"id": ticket.id, "state": ticket.state, "until": until, "left": machine.left(ticket)}


def whole(ticket: Ticket) -> Json:
    """What people are shown."""
    return {**ticket_json(ticket), "left": machine.left(ticket)}
