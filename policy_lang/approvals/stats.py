"""Statistics of people's answers, by the rule that asked them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from statistics import median
from typing import Any

from .ticket import APPROVE, APPROVED, EXPIRED, OPEN, REDEEMED, REJECTED, REVOKED, SUPERSEDED, Ticket

WAITING = "waiting"


_OUTCOMES = (APPROVED, REJECTED, EXPIRED, REVOKED, SUPERSEDED, WAITING)


@dataclass(slots=True)
class Asked:
    """What became of one rule's questions. `seconds` are from the question to the last answer.

    `waiting` can still be answered; `superseded` asked for another policy than the one in force, and ended by that.
    """

    rule: str
    tickets: int = 0
    times: int = 0
    outcomes: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_OUTCOMES, 0))
    emergencies: int = 0
    unused: int = 0
    seconds: list[float] = field(default_factory=list)
    approved: dict[str, int] = field(default_factory=dict)
    """By day."""
    people: dict[str, int] = field(default_factory=dict)

    def json(self) -> dict[str, Any]:
        """As it is shown. `busiest` is the most that was approved on one day."""
        return {
            "rule": self.rule, "tickets": self.tickets, "asked": self.times, **self.outcomes,
            "emergencies": self.emergencies, "unused": self.unused,
            "median_seconds": round(median(self.seconds), 1) if self.seconds else None,
            "busiest": max(self.approved.values(), default=0), "people": dict(sorted(self.people.items())),
        }  # fmt: skip


def by_rule(tickets: Iterable[Ticket], policy: str) -> list[Asked]:
    """One row for each rule that asked, the busiest first. A ticket that several rules asked for counts for each.

    `policy` is the digest of the one in force.
    """
    found: dict[str, Asked] = {}
    for ticket in tickets:
        for rule in ticket.about.get("rules", ()):
            name = str(rule.get("id", ""))
            _count(found.setdefault(name, Asked(name)), ticket, policy)
    return sorted(found.values(), key=lambda a: (-a.tickets, a.rule))


def _count(row: Asked, ticket: Ticket, policy: str) -> None:
    row.tickets += 1
    row.times += ticket.times_asked
    yes = [v.at for v in ticket.votes if v.verdict == APPROVE]
    said_yes = ticket.redeem_by > 0
    standing = ticket.standing(policy)
    outcome = APPROVED if said_yes and standing != REVOKED else WAITING if standing in OPEN else standing
    if outcome in row.outcomes:
        row.outcomes[outcome] += 1
    row.emergencies += bool(ticket.break_glass_tier)
    row.unused += said_yes and ticket.state != REDEEMED and not ticket.uses
    if said_yes and yes:
        row.seconds.append(max(yes) - ticket.created)
        day = datetime.fromtimestamp(max(yes), UTC).strftime("%Y-%m-%d")
        row.approved[day] = row.approved.get(day, 0) + 1
    for vote in ticket.votes:
        row.people[vote.person] = row.people.get(vote.person, 0) + 1
