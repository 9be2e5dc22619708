"""Tickets as the service handles them: made when a decision asks, answered by people, redeemed by asking again."""

from __future__ import annotations

import secrets
import socket
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from ..approvals import machine
from ..approvals.bound_files import bound_files
from ..approvals.content import before
from ..approvals.store import StoreUnavailableError, TicketQuery
from ..approvals.ticket import APPROVED, BREAK, OPEN, REJECTED, Ticket, canonical, digest_of, parts_of, together
from ..audit.disk_snapshot import Recording
from ..audit.redact import cleaned
from ..domain import strict_json
from ..domain.decision import Decision
from ..domain.errors import RequestError
from ..domain.limits import limit
from ..domain.policy import included
from ..domain.request import Request
from ..domain.serialize import rule_json
from ..domain.strict_json import Json
from ..lint.loaders import read_by
from .identity.people import Person
from .ticket_book import PolicyInForce, TicketBook, Tiers, brief, whole

Become = Callable[[Decision], Decision]
_HOUR = 3600.0
_MOST_OF_USER = limit("approvals_of_user_an_hour")
_OTHER = "the ticket is for another request, policy, agent or session"


@dataclass(slots=True)
class ApprovalService(TicketBook):
    """What asks people, and takes their answers."""

    _lately: dict[str, deque[float]] = field(default_factory=dict)
    """When each user's agents have made tickets, in memory."""

    def decided(
        self, requests: list[Request], decisions: list[Decision], force: PolicyInForce, user: int | None,
        asker: Callable[[], Json] = dict,
    ) -> list[Decision]:  # fmt: skip
        """What decisions that ask become, all of one call: with an approval for it, allows; else one ticket.

        `asker` says who stands behind it, for a ticket that is new.
        """
        try:
            named = _named(requests)
            asked = together([_canonical(r, d) for r, d in zip(requests, decisions, strict=True)])
            made = self._ticket(requests, decisions, asked, force, user)
            if named is None:
                named = self._approved_before(made, force)
            become = self._asked(made, requests, force, asker) if named is None else self._redeemed(made, force, named)
        except StoreUnavailableError as error:
            become = _refused(f"refused (PLR237): approvals cannot be kept: {error}")
        except RequestError as error:
            become = _refused(f"refused ({error.code}): {error.message}")
        return [become(d) if d.effect == "ask" else d for d in decisions]

    def _ticket(
        self, requests: list[Request], decisions: list[Decision], asked: Json, force: PolicyInForce, user: int | None
    ) -> Ticket:
        """The ticket that a call would make."""
        names = dict.fromkeys(t for d in decisions if d.effect == "ask" for t in d.tiers)
        if not names.keys() <= force.tiers.keys():
            raise RequestError("PLR235", "a tier that it needs is not defined")
        wanted = [force.tiers[n] for n in names]
        tiers = tuple(t for t in wanted if not any(t.name in included(o, force.tiers) for o in wanted))
        now = self.now()
        reasons = tuple(dict.fromkeys(r for d in decisions if d.effect == "ask" for r in d.reasons))
        return Ticket(
            id=secrets.token_hex(8), digest=digest_of(asked), request=asked, policy=force.policy,
            agent=requests[0].agent or "", session=requests[0].session or "", tiers=tiers, reasons=reasons,
            created=now, answer_by=now + min(t.expires for t in tiers),
            user="" if user is None else f"{user}@{HOST}", about=_about(requests, decisions),
        )  # fmt: skip

    def _approved_before(self, made: Ticket, force: PolicyInForce) -> str | None:
        """The ticket by which the same was approved and not used yet.

        Raises RequestError when people have said no to exactly this, not long ago, however its path was written: they
        are not asked again.
        """
        since = made.created - limit("approval_rejected_seconds")
        for old in self.store.found(TicketQuery((*OPEN, APPROVED), made.agent, made.digest)):
            known = self.timed(old, force)
            if known.binding == made.binding and known.state == APPROVED:
                return known.id
        for old in self.store.found(TicketQuery((REJECTED,), made.agent, question_id=made.question_id)):
            if old.closed_at > since and made.repeats(old):
                raise RequestError("PLR240", f"people have said no to exactly this (ticket {old.id})")
        return None

    def _asked(self, made: Ticket, requests: list[Request], force: PolicyInForce, asker: Callable[[], Json]) -> Become:
        most = limit("approvals_pending")
        if len(strict_json.dump(made.request)) > limit("ticket_bytes"):
            raise RequestError("PLR004", f"people are not asked about more than {limit('ticket_bytes')} bytes")
        stated: Json = cleaned({"origin": made.about.get("origin", {}), "asker": asker()}).value
        length = limit("ticket_origin_characters")  # cut behind that: half a secret is not recognised
        stated["origin"] = {name: str(value)[:length] for name, value in stated["origin"].items()}
        there = {str(r.resource): found for r in requests if (found := before(r)) is not None}
        made = made.with_(about=made.about | stated | ({"before": there} if there else {}))
        self._check_user(made)
        ticket = self.store.add(made, most)
        if ticket is None:
            for old in self.store.found(TicketQuery(tuple(OPEN), made.agent)):
                self.timed(old, force)  # what is over by now is not open
            ticket = self.store.add(made, most)
        if ticket is None:
            raise RequestError(
                "PLR236", f"this agent has asked so much that people cannot read more ({self._full(made, most)})"
            )
        if ticket.id == made.id:
            self._lately.setdefault(made.user, deque(maxlen=_MOST_OF_USER)).append(made.created)
            first = parts_of(made.request)[0]
            self.notify("asked", whole(ticket))
            self.record_event("approval-asked", ticket=ticket.id, agent=ticket.agent, session=ticket.session or None,
                      tiers=[t.name for t in made.tiers], action=first["action"], resource=first["resource"],
                      rules=[r["id"] for r in made.about["rules"]])  # fmt: skip
        why = f"people are asked (ticket {ticket.id}); ask the same again when they have answered"
        return lambda decision: decision.waiting(why, brief(ticket))

    def _full(self, made: Ticket, most: int) -> str:
        if self.store.count(TicketQuery(tuple(OPEN), made.agent)) >= most:
            return f"{most} at once"
        return f"{most * limit('approvals_an_hour')} within an hour"

    def _check_user(self, made: Ticket) -> None:
        """Raises RequestError when a user's agents, by whatever names, have asked too much for people to read."""
        times = self._lately.get(made.user)
        if times is None or len(times) < _MOST_OF_USER or made.created - times[0] > _HOUR:
            return
        same = self.store.found(TicketQuery(tuple(OPEN), made.agent, made.digest))
        if not any(t.binding == made.binding for t in same):
            raise RequestError(
                "PLR236",
                f"this user's agents have asked so much that people cannot read more ({_MOST_OF_USER} within an hour)",
            )

    def _redeemed(self, made: Ticket, force: PolicyInForce, name: str) -> Become:
        now = self.now()
        wanted = {t.name for t in made.tiers}

        def redeem(ticket: Ticket) -> Ticket:
            if not wanted <= covered(ticket, force.tiers):
                raise RequestError("PLR234", _OTHER)
            return machine.redeem(ticket, made.binding, now, force.tiers)

        ticket = self.store.change(name, redeem)
        if ticket is None:
            raise RequestError("PLR234", "there is no such ticket")
        people = ", ".join(dict.fromkeys(v.person for v in ticket.votes if v.verdict != "reject"))
        how = f"; `{ticket.break_glass_tier}` broke the glass" if ticket.break_glass_tier else ""
        self.record_event("approval-redeemed", ticket=ticket.id, agent=ticket.agent, session=ticket.session or None,
                  people=people, glass=ticket.break_glass_tier or None)  # fmt: skip
        self.changed()
        why = f"approved by {people} (ticket {ticket.id}{how})"
        return lambda decision: decision.approved(why, brief(ticket))

    # people

    def vote(
        self, person: Person, users: set[int], name: str, verdict: str, reason: str, force: PolicyInForce,
        scope: str = "",
    ) -> Ticket:  # fmt: skip
        """A person's answer. `users` are the uids that it comes from. Raises RequestError, StoreUnavailableError."""
        now = self.now()

        def answered(ticket: Ticket) -> Ticket:
            if ticket.policy != force.policy:
                raise RequestError("PLR238", "the ticket is of another policy than the one in force")
            if ticket.user in {f"{user}@{HOST}" for user in users} and not self.principals.same_user:
                raise RequestError("PLR230", "the answer comes from the user that asked; an agent would approve itself")
            may = self.principals.people.may
            return machine.vote(ticket, person.name, verdict, reason, now, may, force.tiers, scope)

        after = self.change(name, answered)
        if verdict == BREAK:
            self.record_event("break-glass", ticket=after.id, person=person.name, why=reason, state=after.state,
                      agent=after.agent, session=after.session or None)  # fmt: skip
            self.notify("break-glass", whole(after))
        return after

    def review(self, person: Person, name: str, text: str, force: PolicyInForce) -> Ticket:
        """Somebody has looked at what an emergency opened. Raises RequestError, StoreUnavailableError."""
        now = self.now()
        return self.change(
            name, lambda t: machine.reviewed(t, person.name, text, now, self.principals.people.may, force.tiers)
        )

    def comment(self, person: Person, name: str, text: str) -> Ticket:
        """A person says something to others. Raises RequestError, StoreUnavailableError."""
        now = self.now()
        return self.change(name, lambda t: machine.commented(t, person.name, text, now))

    def assign(self, name: str, to: str, force: PolicyInForce) -> Ticket:
        """Somebody who may answer is asked to, and people are told. Raises RequestError, StoreUnavailableError."""
        now = self.now()

        def assigned(ticket: Ticket) -> Ticket:
            if ticket.policy != force.policy:
                raise RequestError("PLR238", "the ticket is of another policy than the one in force")
            return machine.assigned(ticket, to, now, self.principals.people.may, force.tiers)

        after = self.change(name, assigned)
        if to:
            self.notify("assigned", whole(after))
        return after

    def revoke(self, by: str, name: str, why: str) -> Ticket:
        """Take back a question or an approval. Raises RequestError, StoreUnavailableError."""
        now = self.now()
        return self.change(name, lambda t: machine.revoke(t, by, why, now))


def _refused(why: str) -> Become:
    return lambda decision: decision.withdrawn(why)


HOST = socket.gethostname()
"""This machine, in what people are shown and in who asked."""


def _named(requests: list[Request]) -> str | None:
    """The ticket that a call names."""
    tickets = {r.ticket for r in requests}
    if len(tickets) > 1:
        raise RequestError("PLR234", "one call is about one ticket")
    return tickets.pop()


def _about(requests: list[Request], decisions: list[Decision]) -> Json:
    """What binds nothing, and people are shown: the rules, and where the call comes from."""
    rules = {r.id: rule_json(r) for d in decisions if d.effect == "ask" for r in d.rules if r.tier}
    about: Json = {"rules": list(rules.values())}
    if requests[0].origin:
        about["origin"] = dict(requests[0].origin)
    return about


def _canonical(request: Request, decision: Decision) -> Json:
    seen = request.disk.seen() if isinstance(request.disk, Recording) else None
    return canonical(request, decision.effects, seen, bound_files(request, decision.effects, read_by()))


def covered(ticket: Ticket, tiers: Tiers) -> set[str]:
    """The tiers that a ticket's approval is good for: its own, and those that they include."""
    return {name for t in ticket.tiers for name in (t.name, *included(t, tiers))}
