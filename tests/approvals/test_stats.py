"""Statistics of approvals: each number counted by hand, over tickets whose story is known."""

from __future__ import annotations

from typing import Any

from policy_lang.approvals.stats import by_rule
from policy_lang.approvals.ticket import (
    APPROVE,
    APPROVED,
    EXPIRED,
    PENDING,
    REDEEMED,
    REJECT,
    REJECTED,
    REVOKED,
    Ticket,
    Vote,
)  # fmt: skip

DAY = 86_400.0
NOON = 1_700_000_000.0 // DAY * DAY + DAY / 2


def ticket(rules: tuple[str, ...], state: str, *votes: Vote, created: float = NOON, **more: Any) -> Ticket:
    about = {"rules": [{"id": rule} for rule in rules]}
    made = Ticket("t", "d", {}, "p", "a", "s", (), (), created, created + 60, state, votes, about=about)
    return made.with_(**more)


def said(person: str, verdict: str, at: float) -> Vote:
    return Vote(person, ("review",), verdict, "", at)


def test_every_outcome_is_counted_once() -> None:
    tickets = [
        ticket(("r",), APPROVED, said("mia", APPROVE, NOON + 10), redeem_by=NOON + 600, times_asked=3),
        ticket(
            ("r",), REDEEMED, said("mia", APPROVE, NOON + 20), said("ben", APPROVE, NOON + 30), redeem_by=NOON + 600
        ),
        ticket(("r",), REDEEMED, said("mia", APPROVE, NOON + DAY), redeem_by=NOON + 2 * DAY, created=NOON + DAY - 2),
        ticket(("r",), REVOKED, said("mia", APPROVE, NOON + 50), redeem_by=NOON + 600),
        ticket(("r",), REJECTED, said("ben", REJECT, NOON + 5)),
        ticket(("r",), EXPIRED),
        ticket(("r",), PENDING),
        ticket(("r",), PENDING, policy="another"),
    ]
    (row,) = by_rule(tickets, "p")
    assert row.json() == {
        "rule": "r", "tickets": 8, "asked": 10, "superseded": 1, "waiting": 1, APPROVED: 3, REJECTED: 1, EXPIRED: 1, REVOKED: 1, "emergencies": 0,
        "unused": 2, "median_seconds": 20.0, "busiest": 3, "people": {"ben": 2, "mia": 4},
    }  # fmt: skip


def test_an_approval_for_a_session_counts_as_used_once_it_was_used() -> None:
    yes = said("mia", APPROVE, NOON + 1)
    for uses, unused in ((0, 1), (1, 0), (2, 0)):
        (row,) = by_rule([ticket(("r",), APPROVED, yes, redeem_by=NOON + 600, uses=uses)], "p")
        assert row.unused == unused


def test_a_ticket_counts_for_each_rule_that_asked_and_the_busiest_comes_first() -> None:
    rows = by_rule(
        [ticket(("a", "b"), EXPIRED), ticket(("b",), PENDING, break_glass_tier="night"), ticket((), EXPIRED)], "p"
    )
    assert [(r.rule, r.tickets, r.emergencies) for r in rows] == [("b", 2, 1), ("a", 1, 0)]
    assert [r.json()["busiest"] for r in rows] == [0, 0]
    assert [r.json()["median_seconds"] for r in rows] == [None, None]
