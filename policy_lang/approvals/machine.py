"""The transitions of a ticket. Pure: the time and who acts are given, and a new ticket comes back.

    pending -> approved -> redeemed          people said yes; the request ran, once or in that session
    pending -> rejected | expired | revoked  one said no; nobody answered in time; it was withdrawn
    pending -> escalated -> ...              nobody answered in time, and a stronger tier is asked
    approved -> expired | revoked            nobody came back for it; it was taken back

In an emergency a tier with `break-glass` stands in for the tiers that it opens; what was approved so is to be reviewed.
Nothing leads back, so whatever happens at the same time, a ticket is never more approved than people said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..domain.errors import InternalError, RequestError
from ..domain.limits import limit
from ..domain.policy import Tier, included
from .ticket import (
    APPROVE,
    APPROVED,
    BREAK,
    ESCALATED,
    EXPIRED,
    ONCE,
    PENDING,
    REDEEMED,
    REJECT,
    REJECTED,
    REVOKED,
    Remark,
    Ticket,
    Vote,
)

NEXT: Mapping[str, tuple[str, ...]] = {
    PENDING: (APPROVED, REJECTED, EXPIRED, REVOKED, ESCALATED),
    ESCALATED: (APPROVED, REJECTED, EXPIRED, REVOKED),
    APPROVED: (REDEEMED, EXPIRED, REVOKED),
    REJECTED: (),
    EXPIRED: (),
    REDEEMED: (),
    REVOKED: (),
}
"""The states that a ticket of each state may come to: all changes go by this table, and nothing in it leads back."""
May = Callable[[str, Tier], bool]
"""Whether a person approves for a tier: by name, or as a member of one of its groups."""
Tiers = Mapping[str, Tier]


def vote(
    ticket: Ticket, person: str, verdict: str, reason: str, now: float, may: May, tiers: Tiers, scope: str = ""
) -> Ticket:
    """One person's answer. `tiers` are those of the policy in force. Raises RequestError when it cannot be given.

    A yes counts for every tier of the ticket that the person approves for, or for a tier which includes it. One no of
    anybody who could have said yes ends the ticket, also of somebody who said yes before. `scope` narrows a yes to
    `once`; without it, it is as wide as the tiers let it be, and never wider.
    """
    ticket = timed(ticket, now, tiers)
    if not ticket.is_open:
        raise RequestError("PLR231", f"the ticket is {ticket.state}: nobody is asked any more")
    if verdict not in {APPROVE, REJECT, BREAK}:
        raise RequestError("PLR106", f"`{verdict[:20]}` is not a valid answer (approve, reject, break-glass)")
    if len(reason) > limit("approval_reason"):
        raise RequestError("PLR004", f"a reason has at most {limit('approval_reason')} characters")
    if scope and (verdict != APPROVE or scope not in {ONCE, ticket.widest_scope}):
        raise RequestError("PLR106", f"`{scope[:20]}` is not a scope that this answer can have (here: `{ONCE}`)")
    asked = opening(ticket, tiers) if verdict == BREAK else ticket.tiers
    mine = tuple(t.name for t in asked if speaks_for(person, t, may, tiers))
    if not mine:
        kind = "opens" if verdict == BREAK else "approves for"
        raise RequestError("PLR230", f"`{person}` {kind} none of its tiers")
    before = {name for v in ticket.votes if v.person == person and v.verdict == verdict for name in v.tiers}
    if verdict != REJECT and before.issuperset(mine):
        raise RequestError("PLR232", f"`{person}` has answered already; a person counts once")
    if not reason.strip() and (verdict == BREAK or any(t.reason_required and t.name in mine for t in asked)):
        raise RequestError("PLR233", "an emergency wants a reason" if verdict == BREAK else "this tier wants a reason")
    narrowed = ONCE if scope == ONCE != ticket.widest_scope else ""
    made = ticket.with_(votes=(*ticket.votes, Vote(person, mine, verdict, reason, now, narrowed)))
    if verdict == REJECT:
        return _moved(made, REJECTED, closed_at=now, by=person, why=reason)
    return _approved(made, now, tiers)


def _moved(ticket: Ticket, state: str, **changes: Any) -> Ticket:
    """The ticket in another state. Raises InternalError for one that it cannot come to."""
    if state not in NEXT[ticket.state]:
        raise InternalError(f"a ticket that is {ticket.state} does not become {state}")
    return ticket.with_(state=state, **changes)


def _approved(ticket: Ticket, now: float, tiers: Tiers) -> Ticket:
    """The ticket with the last answer counted."""
    unmet = {t.name for t in ticket.tiers if _said(ticket, t) < t.quorum}
    broken = [t for t in opening(ticket, tiers) if _said(ticket, t, BREAK) >= t.quorum]
    opened = {name for t in broken for name in opens(t, tiers)} if unmet else set()
    if unmet - opened:
        return ticket
    lasts = limit("approval_grant_seconds" if ticket.scope == ONCE or opened else "approval_session_seconds")
    emergency = next((t.name for t in broken if unmet & opens(t, tiers)), "")
    return _moved(ticket, APPROVED, closed_at=now, redeem_by=now + lasts, break_glass_tier=emergency)


def check_reviewer(ticket: Ticket, person: str, may: May, tiers: Tiers) -> None:
    """Raises RequestError unless there is something to review, and that person may."""
    if not ticket.break_glass_tier:
        raise RequestError("PLR231", "no glass was broken for this ticket: there is nothing to review")
    if ticket.reviewed:
        raise RequestError("PLR232", f"`{ticket.reviewed}` has reviewed it already")
    if any(v.person == person and v.verdict == BREAK for v in ticket.votes):
        raise RequestError("PLR230", "whoever broke the glass does not review it")
    if not any(speaks_for(person, t, may, tiers) for t in ticket.tiers):
        raise RequestError("PLR230", f"`{person}` approves for none of its tiers")


def reviewed(ticket: Ticket, person: str, text: str, now: float, may: May, tiers: Tiers) -> Ticket:
    """Somebody whom the ticket's tiers ask has looked at what an emergency opened. Raises RequestError.

    Whoever broke the glass does not review it; what was found is said.
    """
    check_reviewer(ticket, person, may, tiers)
    if not text.strip() or len(text) > limit("approval_reason"):
        most = limit("approval_reason")
        raise RequestError("PLR233", f"say what was found, in 1 to {most} characters")
    return ticket.with_(reviewed=person, review=text, closed_at=max(ticket.closed_at, now))


def commented(ticket: Ticket, person: str, text: str, now: float) -> Ticket:
    """A person says something to others about a ticket, also one that is over. Raises RequestError."""
    most = limit("approval_reason")
    if not text.strip() or len(text) > most:
        raise RequestError("PLR004", f"a comment has 1 to {most} characters")
    if len(ticket.comments) >= limit("ticket_comments"):
        raise RequestError("PLR204", f"a ticket has at most {limit('ticket_comments')} comments")
    return ticket.with_(comments=(*ticket.comments, Remark(person, text, now)))


def assigned(ticket: Ticket, person: str, now: float, may: May, tiers: Tiers) -> Ticket:
    """A person who may answer is asked to, or nobody in particular. It decides nothing. Raises RequestError."""
    ticket = timed(ticket, now, tiers)
    if not ticket.is_open:
        raise RequestError("PLR231", f"the ticket is {ticket.state}: nobody is asked any more")
    if person and not any(speaks_for(person, t, may, tiers) for t in ticket.tiers):
        raise RequestError("PLR230", f"`{person}` approves for none of its tiers")
    return ticket.with_(assigned=person)


def speaks_for(person: str, tier: Tier, may: May, tiers: Tiers) -> bool:
    """Whether a person answers for a tier: as one of its approvers, or for one that includes it."""
    if may(person, tier):
        return True
    return any(tier.name in included(t, tiers) and may(person, t) for t in tiers.values())


def _said(ticket: Ticket, tier: Tier, verdict: str = APPROVE) -> int:
    """How many different people said yes for a tier."""
    return len({v.person for v in ticket.votes if v.verdict == verdict and tier.name in v.tiers})


def opens(tier: Tier, tiers: Tiers) -> frozenset[str]:
    """The tiers that one stands in for in an emergency: those it names, and what they include."""
    named = [tiers[name] for name in tier.opens if name in tiers]
    return frozenset(name for t in named for name in (t.name, *included(t, tiers)))


def opening(ticket: Ticket, tiers: Tiers) -> tuple[Tier, ...]:
    """The tiers that open one of a ticket's tiers in an emergency."""
    wanted = {t.name for t in ticket.tiers}
    return tuple(t for t in tiers.values() if t.opens and wanted & opens(t, tiers))


def left(ticket: Ticket) -> dict[str, int]:
    """How many people must still say yes, by tier."""
    return {t.name: max(0, t.quorum - _said(ticket, t)) for t in ticket.tiers}


def timed(ticket: Ticket, now: float, tiers: Tiers) -> Ticket:
    """The ticket as it is at a time: expired, or with a stronger tier asked."""
    if ticket.is_open and now >= ticket.answer_by:
        return _unanswered(ticket, now, tiers)
    if ticket.state == APPROVED and now >= ticket.redeem_by:
        return _moved(ticket, EXPIRED, closed_at=now, why="nobody came back for it in time")
    return ticket


def _unanswered(ticket: Ticket, now: float, tiers: Tiers) -> Ticket:
    """When time is over: each tier that nobody answered escalates as it says, if to a stronger one; else it is over."""
    asked: dict[str, Tier] = {}
    for tier in ticket.tiers:
        if _said(ticket, tier) >= tier.quorum:
            asked[tier.name] = tier
            continue
        above = tiers.get(tier.escalate)
        if above is None or tier.name not in included(above, tiers) or ESCALATED not in NEXT[ticket.state]:
            return _moved(ticket, EXPIRED, closed_at=now, why=f"nobody answered for `{tier.name}` in time")
        asked[above.name] = above
    answer_by = now + min(t.expires for t in asked.values())
    return _moved(ticket, ESCALATED, tiers=tuple(asked.values()), answer_by=answer_by)


def redeem(ticket: Ticket, binding: tuple[str, str, str, str], now: float, tiers: Tiers) -> Ticket:
    """The request has come again: what was approved for exactly this is used. Raises RequestError when it was not.

    What differs is not said: whoever asks may be guessing.
    """
    ticket = timed(ticket, now, tiers)
    if ticket.binding != binding:
        raise RequestError("PLR234", "the ticket is for another request, policy, agent or session")
    if REDEEMED not in NEXT[ticket.state]:
        raise RequestError("PLR235", f"the ticket is {ticket.state}")
    used = ticket.with_(uses=ticket.uses + 1)
    return _moved(used, REDEEMED, closed_at=now) if ticket.scope == ONCE else used


def revoke(ticket: Ticket, by: str, why: str, now: float) -> Ticket:
    """Take it back: the question, or the approval. Raises RequestError when it is over."""
    if REVOKED not in NEXT[ticket.state]:
        raise RequestError("PLR231", f"the ticket is {ticket.state}: there is nothing to take back")
    return _moved(ticket, REVOKED, closed_at=now, by=by, why=why)
