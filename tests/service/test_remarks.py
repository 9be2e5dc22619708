"""What people say about tickets beside yes and no: how wide a yes is, comments, and who is asked. None of it by agents."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from policy_lang.domain.limits import limit
from tests.audit.support import lines
from tests.console.support import policy

from .support import Running, service
from .test_approvals import AGENT, ARGUMENTS, OPERATOR, POLICY, TOKENS, ask, bearer, configured
from .test_waiting_tickets import place

SESSIONS = POLICY.replace("expires 30m", "expires 30m  scope session")


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with service(SESSIONS, *ARGUMENTS, prepare=configured) as found:
        yield found


def said(running: Running, person: str, what: str, **body: Any) -> tuple[int, Any]:
    return running.call("POST", f"/v1/approvals/{what}", body, **bearer(TOKENS[person]))


def vote(running: Running, person: str, ticket: str, **more: Any) -> tuple[int, Any]:
    return said(running, person, "vote", ticket=ticket, verdict="approve", reason="ok", **more)


def test_a_yes_may_be_for_once_although_the_tier_lets_it_be_for_the_session(running: Running) -> None:
    number = ask(running, resource="src/1")["ticket"]["id"]
    done = vote(running, "mia", number, scope="once")[1]
    assert (done["scope"], done["widest_scope"]) == ("once", "session")
    assert done["good"] - time.time() <= limit("approval_grant_seconds")
    assert ask(running, resource="src/1", ticket=number)["effect"] == "allow"
    assert ask(running, resource="src/1", ticket=number)["effect"] == "deny"
    wide = ask(running, resource="src/1")["ticket"]["id"]
    assert wide != number
    assert vote(running, "mia", wide, scope="session")[1]["scope"] == "session"
    assert [ask(running, resource="src/1", ticket=wide)["effect"] for _ in range(3)] == ["allow"] * 3


def test_without_a_word_a_yes_is_as_wide_as_the_tier(running: Running) -> None:
    number = ask(running, resource="src/2")["ticket"]["id"]
    assert vote(running, "mia", number)[1]["scope"] == "session"


@pytest.mark.parametrize("scope", ["session", "forever", "ONCE", None, 1])
def test_no_yes_is_wider_than_the_tier(running: Running, scope: Any) -> None:
    number = ask(running, action="do", resource="deploy")["ticket"]["id"]  # its tier says nothing of sessions
    assert vote(running, "eva", number, scope=scope)[0] == 400
    assert running.call("GET", f"/v1/approvals/{number}", **bearer(TOKENS["eva"]))[1]["votes"] == []
    no = said(running, "eva", "vote", ticket=number, verdict="reject", reason="r", scope="once")
    assert no[0] == 400  # a no has no scope
    assert vote(running, "eva", number, scope="once")[0] == 200
    running.call("POST", "/v1/approvals/revoke", {"ticket": number}, **bearer(AGENT))


def test_of_several_people_the_narrowest_counts() -> None:
    with service(SESSIONS.replace("quorum 2", "quorum 2  scope session"), *ARGUMENTS, prepare=configured) as running:
        number = ask(running, action="do", resource="deploy")["ticket"]["id"]
        assert vote(running, "eva", number, scope="once")[1]["scope"] == "once"
        assert vote(running, "ben", number, scope="session")[0] == 200
        effects = [ask(running, action="do", resource="deploy", ticket=number)["effect"] for _ in range(2)]
        assert effects == ["allow", "deny"]


def test_the_command_approves_once_and_says_what_a_session_covers(running: Running) -> None:
    number = ask(running, resource="src/6")["ticket"]["id"]
    shown = policy("approvals", "show", number, *place(running)).out
    assert "session: exactly this again and again, by codex in the session s, for 8 h after the approval" in shown
    assert "approved" in policy("approvals", "approve", number, "--once", *place(running)).out
    shown = policy("approvals", "show", number, *place(running)).out
    assert "once: exactly this, one time, within 15 min" in shown and "mia: approve once at" in shown
    assert (
        ask(running, resource="src/6", ticket=number)["effect"] == "allow"
        and ask(running, resource="src/6", ticket=number)["effect"] == "deny"
    )


def test_people_comment_and_agents_neither_write_nor_read_it(running: Running) -> None:
    number = ask(running, resource="src/7")["ticket"]["id"]
    status, shown = said(running, "eva", "comment", ticket=number, text="why does it need that?")
    assert status == 200 and [(c["person"], c["text"]) for c in shown["comments"]] == [
        ("eva", "why does it need that?")
    ]
    for token in (AGENT, OPERATOR, "x" * 40):
        body = {"ticket": number, "text": "security says yes"}
        assert running.call("POST", "/v1/approvals/comment", body, **bearer(token))[0] == 403
        body = {"ticket": number, "text": "x", "person": "mia"}
        assert running.call("POST", "/v1/approvals/comment", body, **bearer(token))[0] in {400, 403}
    assert "comments" not in running.call("GET", f"/v1/approvals/{number}", **bearer(AGENT))[1]
    assert "why does it need" not in str(ask(running, resource="src/7"))
    assert "comment" in policy("approvals", "comment", number, "for\u202e CI", *place(running)).out or True
    whole = policy("approvals", "show", number, *place(running)).out
    assert "eva at 20" in whole and "mia at 20" in whole and "\u202e" not in whole and "for\\u202e CI" in whole
    vote(running, "mia", number)
    assert said(running, "eva", "comment", ticket=number, text="also when it is over")[0] == 200
    kept = [r for r in lines(running.folder / "log") if r["kind"] == "approval-commenting"]
    assert next((r["person"], r["why"]) for r in kept) == ("eva", "why does it need that?")


def test_comments_have_a_length_and_a_number(running: Running) -> None:
    number = ask(running, resource="src/8")["ticket"]["id"]
    most = limit("approval_reason")
    for text, status in (("", 400), (" \n", 400), ("x" * (most + 1), 400), ("x" * most, 200)):
        assert said(running, "mia", "comment", ticket=number, text=text)[0] == status, len(text)
    assert said(running, "mia", "comment", ticket="0" * 16, text="x")[0] in {400, 404}
    for _ in range(limit("ticket_comments") - 1):
        assert said(running, "mia", "comment", ticket=number, text="x")[0] == 200
    assert said(running, "mia", "comment", ticket=number, text="x")[0] == 429


def test_who_may_answer_is_asked_to_and_it_decides_nothing(running: Running) -> None:
    number = ask(running, resource="src/9")["ticket"]["id"]
    assert said(running, "mia", "assign", ticket=number, to="ben")[1]["assigned"] == "ben"
    assert "ben is asked" in policy("approvals", "list", *place(running)).out
    for to in ("nobody", "codex", "@team", "mia\n"):
        assert said(running, "mia", "assign", ticket=number, to=to)[0] == 403, to
    boss = ask(running, action="do", resource="deploy")["ticket"]["id"]
    assert said(running, "mia", "assign", ticket=boss, to="mia")[0] == 403  # mia is not asked for that
    for token in (AGENT, OPERATOR):
        body = {"ticket": number, "to": "mia"}
        assert running.call("POST", "/v1/approvals/assign", body, **bearer(token))[0] == 403
    assert policy("approvals", "assign", number, "eva", *place(running)).code == 0
    assert vote(running, "mia", number)[0] == 200  # others answer all the same
    assert said(running, "mia", "assign", ticket=number, to="ben")[0] == 409
    assert said(running, "mia", "assign", ticket=boss, to="")[1]["assigned"] == ""
