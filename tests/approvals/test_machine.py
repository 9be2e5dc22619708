"""What may become of a ticket, against a judge that counts by itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from policy_lang import Request
from policy_lang.approvals import machine
from policy_lang.approvals.store import ticket_json, ticket_of
from policy_lang.approvals.ticket import OPEN, Ticket, canonical, digest_of
from policy_lang.domain import record
from policy_lang.domain.errors import InternalError, RequestError
from policy_lang.domain.limits import limit
from policy_lang.domain.policy import Tier

REVIEW = Tier("review", ("@team", "mia"), 1, 600, (), "once", False, "boss")
BOSS = Tier("boss", ("@boss",), 2, 300, ("review",), "once", True, "")
EMERGENCY = Tier("emergency", ("@night",), 1, 300, (), "once", False, "", ("boss",))
TIERS = {"review": REVIEW, "boss": BOSS, "emergency": EMERGENCY}


def tier(base: Tier, **changes: Any) -> Tier:
    """A tier with other values."""
    return record.replace(base, **changes)


GROUPS: dict[str, set[str]] = {
    "mia": set(),
    "ben": {"@team"},
    "eva": {"@boss"},
    "jan": {"@boss"},
    "odd": {"@other"},
    "nia": {"@night"},
    "noa": {"@night"},
}
READ = Request("read", "src/a", agent="a", session="s", cwd="/w")


def may(person: str, tier: Tier) -> bool:
    return person in tier.approvers or not GROUPS[person].isdisjoint(tier.approvers)


def ticket(*tiers: Tier, **changes: Any) -> Ticket:
    asked = canonical(READ)
    made = Ticket("t", digest_of(asked), asked, "sha256:p", "a", "s", tiers or (REVIEW,), ("why",), 1000.0, 1600.0)
    return replace(made, **changes)


def vote(found: Ticket, person: str, verdict: str = "approve", reason: str = "r", now: float = 1001.0) -> Ticket:
    return machine.vote(found, person, verdict, reason, now, may, TIERS)


def refused(code: str, call: Any, *given: Any, **more: Any) -> None:
    with pytest.raises(RequestError) as error:
        call(*given, **more)
    assert error.value.code == code


def test_one_yes_is_enough_where_one_is_asked() -> None:
    done = vote(ticket(), "ben")
    assert done.state == "approved" and machine.left(done) == {"review": 0}
    used = machine.redeem(done, done.binding, 1002.0, TIERS)
    assert used.state == "redeemed"
    refused("PLR235", machine.redeem, used, used.binding, 1003.0, TIERS)


def test_a_quorum_counts_different_people_with_reasons() -> None:
    refused("PLR233", vote, ticket(BOSS), "eva", reason=" ")
    one = vote(ticket(BOSS), "eva")
    assert one.state == "pending" and machine.left(one) == {"boss": 1}
    refused("PLR232", vote, one, "eva")
    refused("PLR230", vote, one, "ben")
    assert vote(one, "jan").state == "approved"


def test_who_is_asked_for_a_stronger_tier_may_answer_for_what_it_includes() -> None:
    assert vote(ticket(), "eva").state == "approved"
    refused("PLR230", vote, ticket(), "odd")


def test_one_no_ends_it() -> None:
    half = vote(ticket(BOSS), "eva")
    assert vote(half, "eva", "reject").state == "rejected"
    done = vote(half, "jan", "reject", "no")
    assert (done.state, done.by, done.why) == ("rejected", "jan", "no")
    refused("PLR231", vote, done, "eva")
    refused("PLR235", machine.redeem, done, done.binding, 1002.0, TIERS)


def test_all_tiers_are_needed() -> None:
    both = ticket(REVIEW, BOSS)
    one = vote(vote(both, "ben"), "eva")
    assert one.state == "pending" and machine.left(one) == {"review": 0, "boss": 1}
    assert vote(one, "jan").state == "approved"


@pytest.mark.parametrize("place", [0, 1, 2, 3])
def test_an_approval_is_for_exactly_one_request(place: int) -> None:
    done = vote(ticket(), "ben")
    binds = list(done.binding)
    binds[place] += "x"
    refused("PLR234", machine.redeem, done, tuple(binds), 1002.0, TIERS)


@pytest.mark.parametrize(
    "change",
    [
        {"resource": "src/b"}, {"action": "write"}, {"cwd": "/x"}, {"workspace": "/w"}, {"home": "/h"}, {"tmp": "/t"},
        {"context": {"env": "prod"}}, {"branch": "main"}, {"repo": "r"}, {"shell": "sh"}, {"lexical": True},
        {"pattern": True}, {"git": {"x": "y"}}, {"method": "GET"}, {"resolved": ("1.1.1.1",)},
    ],
)  # fmt: skip
def test_every_field_that_could_change_what_happens_is_bound(change: dict[str, Any]) -> None:
    other = Request(**{"action": "read", "resource": "src/a", "agent": "a", "session": "s", "cwd": "/w", **change})
    assert digest_of(canonical(other)) != digest_of(canonical(READ))


def test_where_a_call_comes_from_is_not_bound() -> None:
    other = Request("read", "src/a", agent="a", session="s", cwd="/w", id="7", origin={"call": "x"}, ticket="t")
    assert digest_of(canonical(other)) == digest_of(canonical(READ))


def test_time_ends_questions_and_approvals() -> None:
    alone = ticket(tier(REVIEW, escalate=""))
    assert machine.timed(alone, 1599.9, TIERS).state == "pending"
    assert machine.timed(alone, 1600.0, TIERS).state == "expired"
    refused("PLR231", vote, alone, "ben", now=1600.0)
    done = vote(alone, "ben")
    good = 1001.0 + limit("approval_grant_seconds")
    assert machine.timed(done, good - 0.1, TIERS).state == "approved"
    refused("PLR235", machine.redeem, done, done.binding, good, TIERS)


def test_what_nobody_answers_goes_to_a_stronger_tier_and_to_no_weaker_one() -> None:
    up = machine.timed(ticket(), 1600.0, TIERS)
    assert up.state == "escalated" and [t.name for t in up.tiers] == ["boss"] and up.answer_by == 1900.0
    refused("PLR230", vote, up, "ben", now=1601.0)
    assert vote(vote(up, "eva", now=1601.0), "jan", now=1602.0).state == "approved"
    assert machine.timed(up, 1900.0, TIERS).state == "expired"
    down = ticket(tier(BOSS, escalate="review"))
    assert machine.timed(down, 1600.0, TIERS).state == "expired"
    aside = ticket(tier(REVIEW, escalate="other"))
    assert machine.timed(aside, 1600.0, {**TIERS, "other": tier(BOSS, name="other", includes=())}).state == "expired"


def test_an_approval_for_a_session_holds_in_it() -> None:
    done = vote(ticket(tier(REVIEW, scope="session")), "ben")
    for _ in range(3):
        done = machine.redeem(done, done.binding, 1002.0, TIERS)
    assert done.state == "approved" and done.uses == 3
    later = done.closed_at + limit("approval_session_seconds")
    assert machine.timed(done, later - 1, TIERS).state == "approved"
    assert machine.timed(done, later, TIERS).state == "expired"
    assert ticket(tier(REVIEW, scope="session"), BOSS).scope == "once"
    assert ticket(tier(REVIEW, scope="session"), session="").scope == "once"  # there is no session to hold for


def test_what_is_taken_back_is_over() -> None:
    for found in (ticket(), vote(ticket(), "ben")):
        back = machine.revoke(found, "mia", "no", 1002.0)
        assert back.state == "revoked"
        refused("PLR231", machine.revoke, back, "mia", "no", 1003.0)
        refused("PLR235", machine.redeem, back, back.binding, 1003.0, TIERS)


# emergencies


def test_glass_is_broken_with_a_reason_and_reviewed_by_somebody_else() -> None:
    refused("PLR233", vote, ticket(BOSS), "nia", "break-glass", " ")
    refused("PLR230", vote, ticket(BOSS), "nia")  # who may break glass does not approve
    refused("PLR230", vote, ticket(BOSS), "eva", "break-glass")
    done = vote(ticket(BOSS), "nia", "break-glass", "prod is down")
    assert (done.state, done.break_glass_tier, done.unreviewed) == ("approved", "emergency", True)
    used = machine.redeem(done, done.binding, 1002.0, TIERS)
    assert used.state == "redeemed" and used.unreviewed
    for person, text, code in (("nia", "x", "PLR230"), ("odd", "x", "PLR230"), ("eva", " ", "PLR233"), ("eva", "x" * 2001, "PLR233")):  # fmt: skip
        refused(code, machine.reviewed, used, person, text, 2000.0, may, TIERS)
    seen = machine.reviewed(used, "eva", "it was right", 2000.0, may, TIERS)
    assert (seen.state, seen.reviewed, seen.review, seen.unreviewed) == ("redeemed", "eva", "it was right", False)
    refused("PLR232", machine.reviewed, seen, "jan", "me too", 2001.0, may, TIERS)
    refused("PLR231", machine.reviewed, vote(ticket(), "ben"), "eva", "x", 2000.0, may, TIERS)


def test_an_emergency_opens_what_its_tiers_include_and_no_more() -> None:
    assert vote(ticket(REVIEW), "nia", "break-glass").break_glass_tier == "emergency"
    other = tier(BOSS, name="other", includes=())
    refused("PLR230", vote, ticket(other), "nia", "break-glass")
    half = vote(ticket(BOSS, other), "nia", "break-glass")
    assert half.state == "pending" and not half.break_glass_tier


def test_an_emergency_has_a_quorum_of_its_own() -> None:
    two = {**TIERS, "emergency": tier(EMERGENCY, quorum=2)}
    one = machine.vote(ticket(BOSS), "nia", "break-glass", "r", 1001.0, may, two)
    assert one.state == "pending"
    with pytest.raises(RequestError):
        machine.vote(one, "nia", "break-glass", "again", 1001.0, may, two)
    assert machine.vote(one, "noa", "break-glass", "r", 1001.0, may, two).break_glass_tier == "emergency"


def test_what_people_approve_needs_no_glass() -> None:
    done = vote(vote(ticket(BOSS), "eva"), "jan")
    assert done.state == "approved" and not done.break_glass_tier
    two = {**TIERS, "emergency": tier(EMERGENCY, quorum=2)}
    both = ticket(BOSS)
    for person, verdict in (("nia", "break-glass"), ("eva", "approve"), ("jan", "approve")):
        both = machine.vote(both, person, verdict, "r", 1001.0, may, two)
    assert both.state == "approved" and not both.break_glass_tier
    for_long = vote(ticket(tier(BOSS, scope="session")), "nia", "break-glass")
    assert for_long.redeem_by == 1001.0 + limit("approval_grant_seconds")  # an emergency is not a working day


def test_a_reason_has_a_length() -> None:
    most = limit("approval_reason")
    assert vote(ticket(), "ben", reason="x" * most).state == "approved"
    refused("PLR004", vote, ticket(), "ben", reason="x" * (most + 1))


def reached(state: str) -> set[str]:
    """All states that a ticket of this state may come to, in any number of steps."""
    found: set[str] = set()
    todo = [state]
    while todo:
        for after in machine.NEXT[todo.pop()]:
            if after not in found:
                found.add(after)
                todo.append(after)
    return found


def test_nothing_leads_back() -> None:
    for state in machine.NEXT:
        assert state not in reached(state)
        assert reached(state) <= machine.NEXT.keys()
    assert {s for s, after in machine.NEXT.items() if not after} == {"rejected", "expired", "redeemed", "revoked"}
    assert reached("pending") == machine.NEXT.keys() - {"pending"}


def test_only_what_people_approved_is_redeemed() -> None:
    assert [s for s, after in machine.NEXT.items() if "redeemed" in after] == ["approved"]
    assert {s for s, after in machine.NEXT.items() if "approved" in after} == OPEN


@pytest.mark.parametrize(("before", "after"), [(a, b) for a in machine.NEXT for b in machine.NEXT])
def test_changes_go_by_the_table(before: str, after: str) -> None:
    if after in machine.NEXT[before]:
        assert machine._moved(ticket(state=before), after).state == after
    else:
        with pytest.raises(InternalError):
            machine._moved(ticket(state=before), after)


class Life(RuleBasedStateMachine):
    """One ticket, whatever is done to it; a judge counts who said yes."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.yes: set[str] = set()
        self.glass: set[str] = set()
        self.no = self.redeemed = self.back = False

    @initialize(both=st.booleans(), session=st.booleans())
    def begin(self, both: bool, session: bool) -> None:
        scope = "session" if session else "once"
        tiers = (tier(REVIEW, scope=scope), tier(BOSS, scope=scope)) if both else (tier(REVIEW, scope=scope),)
        self.ticket = ticket(*tiers)
        self.before = self.ticket.state

    @rule(
        person=st.sampled_from(sorted(GROUPS)), verdict=st.sampled_from(["approve", "approve", "break-glass", "reject"])
    )
    def answers(self, person: str, verdict: str) -> None:
        try:
            self.ticket = vote(self.ticket, person, verdict, now=self.now)
        except RequestError:
            return
        assert person != "odd"
        self.no |= verdict == "reject"
        if verdict == "break-glass":
            assert person in {"nia", "noa"}
            self.glass.add(person)
        else:
            assert person not in {"nia", "noa"}
            self.yes.add(person)

    @rule(seconds=st.sampled_from([1.0, 100.0, 400.0, 1000.0]))
    def waits(self, seconds: float) -> None:
        self.now += seconds
        self.ticket = machine.timed(self.ticket, self.now, TIERS)

    @rule(wrong=st.booleans())
    def comes_again(self, wrong: bool) -> None:
        binds = ("x", *self.ticket.binding[1:]) if wrong else self.ticket.binding
        try:
            after = machine.redeem(self.ticket, binds, self.now, TIERS)
        except RequestError:
            return
        assert not wrong and not self.no and not self.back
        assert not self.redeemed or self.ticket.scope == "session"
        needed = {t.name for t in self.ticket.tiers}
        said = (
            ("review" not in needed or bool(self.yes & {"mia", "ben", "eva", "jan"})) and
            ("boss" not in needed or {"eva", "jan"} <= self.yes)
        )  # fmt: skip
        assert said or self.glass
        assert said or self.ticket.break_glass_tier == "emergency"
        self.ticket, self.redeemed = after, True

    @rule()
    def taken_back(self) -> None:
        try:
            self.ticket = machine.revoke(self.ticket, "mia", "", self.now)
        except RequestError:
            return
        self.back = True

    @invariant()
    def keeps(self) -> None:
        if hasattr(self, "ticket"):
            assert ticket_of(ticket_json(self.ticket)) == self.ticket
            if self.ticket.state != self.before:
                assert self.ticket.state in reached(self.before)
                self.before = self.ticket.state
            if self.no:
                assert self.ticket.state == "rejected"


TestLife = Life.TestCase
TestLife.settings = settings(deadline=None, stateful_step_count=20)


def test_the_json_of_a_ticket_is_what_stores_and_people_have_had() -> None:
    """Names in this program may change; those on the wire and in the database do not."""
    made = ticket(BOSS, break_glass_tier="emergency", redeem_by=5.0, closed_at=4.0, times_asked=3, user="1@m")
    value = ticket_json(made)
    assert list(value) == [
        "id", "digest", "request", "policy", "agent", "session", "tiers", "reasons", "created", "until", "state",
        "votes", "good", "settled", "why", "by", "asked", "uses", "scope", "glass", "reviewed", "review", "user", "about",
        *(added := ["widest_scope", "assigned", "comments"]),
    ]  # fmt: skip
    assert [value[n] for n in ("until", "good", "settled", "asked", "glass")] == [made.answer_by, 5.0, 4.0, 3, "emergency"]  # fmt: skip
    assert (
        ticket_of(value) == made == ticket_of({n: v for n, v in value.items() if n not in added})
    )  # what was kept before


def test_a_refusal_says_what_the_person_may_not_do() -> None:
    with pytest.raises(RequestError, match="`odd` approves for none of its tiers"):
        vote(ticket(), "odd")
    with pytest.raises(RequestError, match="`odd` opens none of its tiers"):
        vote(ticket(BOSS), "odd", "break-glass")
    with pytest.raises(RequestError, match="an emergency wants a reason"):
        vote(ticket(BOSS), "nia", "break-glass", " ")
    with pytest.raises(RequestError, match="this tier wants a reason"):
        vote(ticket(BOSS), "eva", reason=" ")


def test_whoever_broke_the_glass_does_not_review_it_even_as_an_approver() -> None:
    tiers = {**TIERS, "emergency": tier(EMERGENCY, approvers=("@night", "@boss"))}
    asked = machine.vote(ticket(BOSS), "jan", "break-glass", "prod is down", 1001.0, may, tiers)
    assert asked.break_glass_tier == "emergency"
    with pytest.raises(RequestError, match="whoever broke the glass"):
        machine.reviewed(asked, "jan", "it was right", 2000.0, may, tiers)
    assert machine.reviewed(asked, "eva", "it was right", 2000.0, may, tiers).reviewed == "eva"
