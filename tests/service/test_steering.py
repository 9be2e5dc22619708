"""The commands that steer a running service."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.console.support import policy

from .support import Running, service
from .test_service import CONFIGURED, OTHER, configured


@pytest.fixture(scope="module")
def many() -> Iterator[Running]:
    with service(CONFIGURED, "--config", "{folder}/serve.toml", prepare=configured) as running:
        yield running


def test_freezing(many: Running) -> None:
    place = ("--socket", many.socket)
    operator = (*place, "--token-file", str(many.folder / "operator.token"))
    agent = (*place, "--token-file", str(many.folder / "agent.token"))
    read = {"action": "read", "resource": "src/x", "agent": "a"}
    assert many.decide(**read) == "allow"
    refused = policy("freeze", "--agent", "a", *agent)
    assert (refused.code, "PLR206" in refused.err) == (1, True)
    done = policy("freeze", "--agent", "a", "--reason", "odd \u202e text", *operator)
    assert (done.code, done.out) == (0, "frozen: a\n")
    assert many.decide(**read) == "deny"
    shown = policy("state", *operator).out
    assert "frozen   agent a since" in shown
    assert "odd \\u202e text" in shown
    assert "agent    a: 1 allow, 0 ask, 1 deny" in shown
    assert policy("lift", "--agent", "a", *operator).out == "lifted: a\n"
    assert many.decide(**read) == "allow"
    assert policy("lift", "--agent", "a", *operator).code == 1
    assert policy("freeze", *operator).code == 2
    assert policy("freeze", "--agent", "a", "--session", "s", *operator).code == 2
    assert policy("state", "--format", "json", *operator).json()["frozen"] == []


def test_sessions_and_questions(many: Running) -> None:
    operator = ("--socket", many.socket, "--token-file", str(many.folder / "operator.token"))
    token = policy("session", "start", "c", "--name", "n", *operator).out.strip()
    bearer = {"Authorization": f"Bearer {token}"}
    assert many.call("POST", "/v1/decide", {"action": "write", "resource": "src/x"}, **bearer)[1]["effect"] == "allow"
    assert "session  n of c" in policy("state", *operator).out
    asked = many.call("POST", "/v1/escalations", {"question": "may I?"}, **bearer)[1]["escalation"]
    assert f"({asked}): may I?" in policy("state", *operator).out
    assert asked not in policy("state", "--settle", asked, *operator).out
    assert policy("session", "end", "n", *operator).out == "ended: n\n"
    assert many.call("POST", "/v1/decide", {"action": "write", "resource": "src/x"}, **bearer)[0] == 403


def test_a_service_that_is_not_there(many: Running) -> None:
    done = policy("state", "--socket", "/nowhere/s")
    assert (done.code, "cannot be reached" in done.err) == (2, True)
    assert policy("state", "--socket", many.socket, "--token-file", "/nowhere").code == 2
    assert (
        OTHER
        not in policy(
            "state", "--socket", many.socket, "--token-file", many.folder / "operator.token", "--format", "json"
        ).out
    )
