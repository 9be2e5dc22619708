"""Where tickets are kept. One port; what is done to a ticket happens in one transaction, whoever else is at it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from ..domain.faults import InternalError
from ..domain.policy import Tier
from ..domain.strict_json import Json
from .ticket import Ticket, Vote

Change = Callable[[Ticket], Ticket]


class StoreUnavailableError(InternalError):
    """Tickets cannot be read or kept; nothing may be asked or redeemed. The text says why."""


@dataclass(frozen=True, slots=True)
class TicketQuery:
    """Which tickets: of these states, this agent, this request, the same question, made since then.

    `digest` and `what` are those of a ticket. What is empty says nothing. `unreviewed` are those for which glass was
    broken and that nobody has reviewed.
    """

    states: tuple[str, ...] = ()
    agent: str = ""
    digest: str = ""
    what: str = ""
    since: float = 0.0
    unreviewed: bool = False


ALL = TicketQuery()


class Store(Protocol):
    """Tickets. Every method may raise StoreUnavailableError."""

    rolled_back: int
    """How many tickets were revoked because the store was an older one."""

    def add(self, ticket: Ticket, most: int) -> Ticket | None:
        """Keep a new ticket, or count the same question that is open already; None when that would be too many.

        So many an agent may have open, and six times as many ask within an hour.
        """

    def get(self, name: str) -> Ticket | None:
        """The ticket of that id."""

    def change(self, name: str, change: Change) -> Ticket | None:
        """Put what a function makes of a ticket in its place, as one step; whatever it raises leaves it as it was."""

    def found(self, wanted: TicketQuery = ALL, most: int = 100) -> list[Ticket]:
        """The latest tickets of those that are wanted, the newest first."""

    def close(self) -> None:
        """Let go of it."""


def ticket_json(ticket: Ticket) -> Json:
    """A ticket as JSON: what stores keep and people are shown."""
    return {
        "id": ticket.id, "digest": ticket.digest, "request": ticket.request, "policy": ticket.policy,
        "agent": ticket.agent, "session": ticket.session, "tiers": [_tier_json(t) for t in ticket.tiers],
        "reasons": list(ticket.reasons), "created": ticket.created, "until": ticket.until, "state": ticket.state,
        "votes": [
            {"person": v.person, "tiers": list(v.tiers), "verdict": v.verdict, "reason": v.reason, "at": v.at}
            for v in ticket.votes
        ],
        "good": ticket.good, "settled": ticket.settled, "why": ticket.why, "by": ticket.by, "asked": ticket.asked,
        "uses": ticket.uses, "scope": ticket.scope, "glass": ticket.glass, "reviewed": ticket.reviewed,
        "review": ticket.review, "user": ticket.user, "about": ticket.about,
    }  # fmt: skip


def _tier_json(tier: Tier) -> Json:
    return {
        "name": tier.name, "approvers": list(tier.approvers), "quorum": tier.quorum, "expires": tier.expires,
        "includes": list(tier.includes), "scope": tier.scope, "reason_required": tier.reason_required,
        "escalate": tier.escalate, "opens": list(tier.opens),
    }  # fmt: skip


def ticket_of(value: Any) -> Ticket:
    """The ticket that `ticket_json` wrote. Raises KeyError, TypeError or ValueError for anything else."""
    tiers = tuple(
        Tier(
            str(t["name"]), tuple(map(str, t["approvers"])), int(t["quorum"]), int(t["expires"]),
            tuple(map(str, t["includes"])), str(t["scope"]), bool(t["reason_required"]), str(t["escalate"]),
            tuple(map(str, t.get("opens", ()))),
        )
        for t in value["tiers"]
    )  # fmt: skip
    votes = tuple(
        Vote(str(v["person"]), tuple(map(str, v["tiers"])), str(v["verdict"]), str(v["reason"]), float(v["at"]))
        for v in value["votes"]
    )
    return Ticket(
        str(value["id"]), str(value["digest"]), dict(value["request"]), str(value["policy"]), str(value["agent"]),
        str(value["session"]), tiers, tuple(map(str, value["reasons"])), float(value["created"]),
        float(value["until"]), str(value["state"]), votes, float(value["good"]), float(value["settled"]),
        str(value["why"]), str(value["by"]), int(value["asked"]), int(value["uses"]), str(value.get("glass", "")),
        str(value.get("reviewed", "")), str(value.get("review", "")), str(value.get("user", "")),
        dict(value.get("about", {})),
    )  # fmt: skip
