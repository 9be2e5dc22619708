"""Sessions, counts and freezing, with a clock of the test's own."""

from __future__ import annotations

from typing import Any

import pytest

from policy_lang import RequestError
from policy_lang.daemon.identity.principals import Binding, Caller, Principals, bind
from policy_lang.daemon.state import AGENT, SESSION, ServiceState
from policy_lang.domain.limits import limit
from policy_lang.domain.policy import FreezeRule
from policy_lang.domain.request import Request

RULE = FreezeRule(3, 60, "p.policy", 2)


def deny(state: ServiceState, at: float, agent: str = "a", session: str | None = None, *rules: FreezeRule) -> bool:
    state.count(agent, session, "deny", rules or (RULE,), at, at)
    return state.why_frozen(agent, session) is not None


def test_so_many_denials_in_the_time_freeze() -> None:
    state = ServiceState()
    assert [deny(state, at) for at in (0, 10, 60)] == [False, False, True]
    state = ServiceState()
    assert [deny(state, at) for at in (0, 10, 61, 69, 70.5)] == [False, False, False, True, True]
    state = ServiceState()
    for at in range(0, 1000, 31):
        assert not deny(state, at)


def test_only_denials_count_and_each_agent_by_itself() -> None:
    state = ServiceState()
    for at in range(10):
        state.count("a", None, "allow", (RULE,), at, at)
        state.count("a", None, "ask", (RULE,), at, at)
    assert [deny(state, 1), deny(state, 1, "b"), deny(state, 1), deny(state, 1, "b"), deny(state, 1, "c")] == [
        False
    ] * 5
    assert deny(state, 1)
    assert state.why_frozen("b", None) is None


def test_every_rule_counts() -> None:
    state = ServiceState()
    slow = FreezeRule(5, 1000, "p.policy", 3)
    assert [deny(state, at, "a", None, RULE, slow) for at in (0, 100, 200, 300, 400)] == [False] * 4 + [True]


def test_lifting_begins_anew() -> None:
    state = ServiceState()
    for _ in range(3):
        deny(state, 0)
    assert state.lift(AGENT, "a").name == "a"
    assert [deny(state, 1), deny(state, 1), deny(state, 1)] == [False, False, True]
    with pytest.raises(RequestError, match="no agent of this name"):
        state.lift(AGENT, "nobody")


def test_a_session_is_counted_by_itself_only_when_it_is_known_and_its_agents() -> None:
    state = ServiceState()
    session = state.start("a", 0, "s")
    for _ in range(3):
        deny(state, 0, "a", "s")
    assert state.why_frozen("a", "s") is not None
    assert state.why_frozen("a", None) is None
    assert session.counts["deny"] == 3
    for number in range(3):
        deny(state, 0, "b", f"invented-{number}")
    assert state.why_frozen("b", "anything") is not None
    for _ in range(3):
        deny(state, 0, "c", "s")  # another agent's session
    assert state.why_frozen("c", None) is not None


def test_idle_sessions_end_and_frozen_ones_stay_frozen() -> None:
    state = ServiceState()
    most = limit("session_idle")
    state.start("a", 0, "old")
    state.start("a", 0, "busy")
    state.freeze(SESSION, "old", "w", "b", 0)
    state.count("a", "busy", "allow", (), most, most)
    assert state.idle(most) == []
    assert [s.id for s in state.idle(most + 1)] == ["old"]
    assert list(state.sessions) == ["busy"]
    assert state.why_frozen("a", "old") is not None


def test_limits_hold_at_their_value(monkeypatch: pytest.MonkeyPatch) -> None:
    small = {"sessions": 3, "frozen": 2, "escalations": 2}
    monkeypatch.setattr("policy_lang.daemon.state.limit", lambda name: small.get(name, limit(name)))
    state = ServiceState()
    for number in range(3):
        state.start("a", 0, f"s{number}")
    with pytest.raises(RequestError, match="more than 3 sessions"):
        state.start("a", 0)
    for number in range(2):
        state.freeze(AGENT, f"a{number}", "w", "b", 0)
        state.escalate("a", None, "?", 0)
    state.freeze(AGENT, "a1", "again", "b", 0)
    with pytest.raises(RequestError, match="more than 2 principals"):
        state.freeze(AGENT, "a2", "w", "b", 0)
    with pytest.raises(RequestError, match="more than 2 open questions"):
        state.escalate("a", None, "?", 0)
    state.settle(next(iter(state.escalations)))
    state.escalate("a", None, "?", 0)
    with pytest.raises(RequestError, match="no open question"):
        state.settle("x")
    for number in range(10):
        state.count(f"n{number}", None, "allow", (), 0, 0)
    assert len(state.agents) == 3


def test_what_cannot_be_written_is_not_lifted() -> None:
    full = False

    def changed() -> None:
        if full:
            raise OSError("no space")

    state = ServiceState(changed)
    state.freeze(AGENT, "a", "w", "b", 0)
    full = True
    with pytest.raises(OSError, match="no space"):
        state.lift(AGENT, "a")
    assert state.why_frozen("a", None) is not None
    with pytest.raises(OSError, match="no space"):
        state.freeze(AGENT, "b", "w", "b", 0)
    assert state.why_frozen("b", None) is not None  # frozen all the same


# principals


def test_a_token_beats_the_user_and_an_unknown_one_is_nobody() -> None:
    by_user, by_group, by_token = Binding(("u",), uid=1), Binding(("g",), gid=5), Binding(("t",), token="x" * 32)
    known = Principals((by_group, by_user, by_token), frozenset({0, 7}), ("o" * 32,))
    assert known.binding(Caller(1, 5)) is by_user
    assert known.binding(Caller(2, 5)) is by_group
    assert known.binding(Caller(2, 6)) is None
    assert known.binding(Caller(1, 5, "x" * 32)) is by_token
    assert known.binding(Caller(1, 5, "y" * 32)) is None
    assert known.binding(Caller(None, None, "x" * 32)) is by_token
    assert known.binding(Caller(None, None)) is None


def test_who_an_agent_runs_as_is_no_operator() -> None:
    known = Principals((Binding(("a",), uid=1), Binding(("b",), gid=5)), frozenset({0, 1, 7}), ("o" * 32,))
    assert known.operator(Caller(0, 0))
    assert known.operator(Caller(7, 1))
    assert not known.operator(Caller(1, 1))
    assert not known.operator(Caller(7, 5))
    assert not known.operator(Caller(3, 3))
    assert not known.operator(Caller(None, None))
    assert not known.operator(Caller(1, 1, "o" * 32))
    assert not known.operator(Caller(0, 0, "p" * 32))


@pytest.mark.parametrize(
    ("binding", "fields", "expected"),
    [
        (Binding(("a",)), {}, "a"), (Binding(("a", "b")), {"agent": "b"}, "b"), (Binding(("*",)), {"agent": "any"}, "any"),
        (Binding(("a", "b")), {}, "PLR202"), (Binding(("*",)), {}, "PLR202"), (Binding(("a",)), {"agent": "b"}, "PLR202"), (None, {}, "PLR201"),
        (Binding(("a",)), {"agent": "*"}, "PLR202"), (Binding(("a",), repo="r"), {"repo": "r"}, "a"), (Binding(("a",), repo="r"), {"repo": "s"}, "PLR203"),
        (Binding(("a",), workspace="/w"), {"workspace": "/"}, "PLR203"), (Binding(("a",), context=(("env", 1),)), {"context": {"env": True}}, "PLR203"),
        (Binding(("a",), session="s"), {"session": "t"}, "PLR203"),
    ],
)  # fmt: skip
def test_binding(binding: Binding | None, fields: dict[str, Any], expected: str) -> None:
    given = Request("read", "x", **fields)
    try:
        request = bind(given, binding)
    except RequestError as error:
        assert error.code == expected
    else:
        assert given == Request("read", "x", **fields)
        assert request.agent == expected
        if binding is not None and binding.repo:
            assert request.repo == binding.repo
