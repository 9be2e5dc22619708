"""The store of tickets and proposals. One port; each step is one transaction, whoever else is at it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from ..domain.faults import InternalError
from ..domain.limits import limit
from ..domain.policy import Tier
from ..domain.strict_json import Json
from .proposal import RuleProposal
from .ticket import Remark, Ticket, Vote

Change = Callable[[Ticket], Ticket]
ProposalChange = Callable[[RuleProposal], RuleProposal]


class StoreUnavailableError(InternalError):
    """Tickets cannot be read or kept; nothing may be asked or redeemed. The text says why."""


@dataclass(frozen=True, slots=True)
class TicketQuery:
    """Which tickets: of these states, this agent, this request, the same question, made since then.

    `digest` and `question_id` are those of a ticket. What is empty says nothing. `unreviewed` are those for which glass
    was broken and that nobody has reviewed. `policy` asked them, or one other than `not_policy`; their state ends by
    itself at `over_at` at the latest; `tier` is asked, `action` is what the first request does, and each of `words`
    occurs in what a search looks through.
    """

    states: tuple[str, ...] = ()
    agent: str = ""
    digest: str = ""
    question_id: str = ""
    since: float = 0.0
    unreviewed: bool = False
    policy: str = ""
    not_policy: str = ""
    over_at: float = 0.0
    tier: str = ""
    action: str = ""
    words: tuple[str, ...] = ()


ALL = TicketQuery()


@dataclass(frozen=True, slots=True)
class Rollback:
    """The data is older than it was, or nothing shows that it is not: so many tickets were revoked because of it."""

    why: str
    revoked: int


class Store(Protocol):
    """Tickets and proposals. Every method may raise StoreUnavailableError."""

    rollbacks: deque[Rollback]
    """Those that were found; who tells of one takes it out."""
    name: str
    """Which data it is, without secrets: the same after a restart, however old the data is."""
    changes: int
    """How many changes the data had had when this service last changed it or looked."""

    def compare(self, counted: int | None, by: str) -> None:
        """`by` says that so many changes were counted, or should say it and does not: data that is older is revoked."""

    def add(self, ticket: Ticket, most: int) -> Ticket | None:
        """Keep a new ticket, or count the same question that is open already; None when that would be too many.

        So many an agent may have open, and six times as many ask within an hour.
        """

    def get(self, name: str) -> Ticket | None:
        """The ticket of that id."""

    def change(self, name: str, change: Change) -> Ticket | None:
        """Put what a function makes of a ticket in its place, as one step; whatever it raises leaves it as it was."""

    def found(self, wanted: TicketQuery = ALL, most: int = limit("tickets_found"), after: int = 0) -> list[Ticket]:
        """The latest tickets of those that are wanted, the newest first, without so many of the newest."""

    def count(self, wanted: TicketQuery = ALL) -> int:
        """How many are wanted; a bounded count."""

    def propose(self, proposal: RuleProposal, most: int) -> bool:
        """Keep a new proposal; False when the agent, or its user, would have more than so many open."""

    def proposal(self, name: str) -> RuleProposal | None:
        """The proposal of that id."""

    def change_proposal(self, name: str, change: ProposalChange) -> RuleProposal | None:
        """What `change` does to a ticket, done to a proposal."""

    def proposals(
        self, states: tuple[str, ...] = (), since: float = 0.0, most: int = limit("proposals_found")
    ) -> list[RuleProposal]:
        """The latest proposals in these states (in any, without) made since then, the newest first."""

    def hint(self, changed: Callable[[], None]) -> None:
        """Call this, from any thread, when somebody else may have changed a ticket.

        A store need not know of that: whoever waits looks again anyway, only later.
        """

    def close(self) -> None:
        """Let go of it."""


def ticket_json(ticket: Ticket) -> Json:
    """A ticket as JSON: what stores keep and people are shown."""
    return {
        "id": ticket.id, "digest": ticket.digest, "request": ticket.request, "policy": ticket.policy,
        "agent": ticket.agent, "session": ticket.session, "tiers": [_tier_json(t) for t in ticket.tiers],
        "reasons": list(ticket.reasons), "created": ticket.created, "until": ticket.answer_by, "state": ticket.state,
        "votes": [
            {"person": v.person, "tiers": list(v.tiers), "verdict": v.verdict, "reason": v.reason, "at": v.at,
             "scope": v.scope}
            for v in ticket.votes
        ],
        "good": ticket.redeem_by, "settled": ticket.closed_at, "why": ticket.why, "by": ticket.by,
        "asked": ticket.times_asked,
        "uses": ticket.uses, "scope": ticket.scope, "glass": ticket.break_glass_tier, "reviewed": ticket.reviewed,
        "review": ticket.review, "user": ticket.user, "about": ticket.about,
        "widest_scope": ticket.widest_scope, "assigned": ticket.assigned,
        "comments": [{"person": c.person, "text": c.text, "at": c.at} for c in ticket.comments],
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
        Vote(
            str(v["person"]),
            tuple(map(str, v["tiers"])),
            str(v["verdict"]),
            str(v["reason"]),
            float(v["at"]),
            str(v.get("scope", "")),
        )
        for v in value["votes"]
    )
    return Ticket(
        id=str(value["id"]),
        digest=str(value["digest"]),
        request=dict(value["request"]),
        policy=str(value["policy"]),
        agent=str(value["agent"]),
        session=str(value["session"]),
        tiers=tiers,
        reasons=tuple(map(str, value["reasons"])),
        created=float(value["created"]),
        answer_by=float(value["until"]),
        state=str(value["state"]),
        votes=votes,
        redeem_by=float(value["good"]),
        closed_at=float(value["settled"]),
        why=str(value["why"]),
        by=str(value["by"]),
        times_asked=int(value["asked"]),
        uses=int(value["uses"]),
        break_glass_tier=str(value.get("glass", "")),
        reviewed=str(value.get("reviewed", "")),
        review=str(value.get("review", "")),
        user=str(value.get("user", "")),
        about=dict(value.get("about", {})),
        comments=tuple(Remark(str(c["person"]), str(c["text"]), float(c["at"])) for c in value.get("comments", ())),
        assigned=str(value.get("assigned", "")),
    )
