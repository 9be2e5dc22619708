"""What waits for people is what they can still answer: listed, counted and measured so everywhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.console.support import policy

from .support import Running, service
from .test_approvals import AGENT, ARGUMENTS, OPERATOR, POLICY, TOKENS, answer, ask, bearer, configured

CHANGED = POLICY + 'allow read "docs/**"\n'


@pytest.fixture
def running() -> Iterator[Running]:
    with service(POLICY, *ARGUMENTS, prepare=configured) as found:
        yield found


def replaced(running: Running, text: str) -> None:
    """Another policy is in force."""
    digest = running.call("GET", "/v1/policy", **bearer(AGENT))[1]["digest"]
    running.change(text)
    end = time.monotonic() + 60  # machines are busy
    while running.call("GET", "/v1/policy", **bearer(AGENT))[1]["digest"] == digest:
        assert time.monotonic() < end
        time.sleep(0.05)


def place(running: Running) -> tuple[Any, ...]:
    return ("--socket", running.socket, "--token-file", running.folder / "mia.token")


def gauge(running: Running, name: str) -> int:
    text = str(running.call("GET", "/metrics", **bearer(OPERATOR))[1])
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith(f"policy_{name} "))


def counts(running: Running) -> tuple[int, int]:
    """Waiting and superseded, as they are measured; the state says the same."""
    found = gauge(running, "tickets_waiting"), gauge(running, "tickets_superseded")
    told = running.call("GET", "/v1/state", **bearer(OPERATOR))[1]["tickets"]
    assert (told["tickets_waiting"], told["tickets_superseded"]) == found
    return found


def test_what_another_policy_asked_is_superseded_and_does_not_wait(running: Running) -> None:
    old = ask(running)["ticket"]["id"]
    used = ask(running, resource="src/yes")["ticket"]["id"]
    answer(running, "mia", used)
    assert counts(running) == (1, 0)
    replaced(running, CHANGED)
    assert counts(running) == (0, 2)
    listed = running.call("GET", "/v1/approvals", **bearer(TOKENS["mia"]))[1]
    assert listed["open"] == [] and [t["state"] for t in listed["latest"]] == ["superseded"] * 2
    assert running.call("GET", f"/v1/approvals/{old}", **bearer(AGENT))[1]["state"] == "superseded"
    shown = policy("approvals", "list", *place(running))
    assert shown.code == 1 and "nothing waits" in shown.out and "the policy has changed since" in shown.out
    (row,) = policy("approvals", "stats", "--format", "json", *place(running)).json()["rules"]
    assert (row["superseded"], row["waiting"], row["approved"]) == (1, 0, 1)
    state = policy("state", "--socket", running.socket, "--token-file", running.folder / "operator.token").out
    assert "tickets  0 waiting, 2 superseded" in state
    assert answer(running, "mia", old)[1]["error"]["code"] == "PLR238"
    new = ask(running)["ticket"]["id"]
    assert new != old and counts(running) == (1, 2)
    replaced(running, POLICY)  # the policy is put back: its tickets are what they were
    assert counts(running) == (1, 1)
    assert running.call("GET", f"/v1/approvals/{old}", **bearer(AGENT))[1]["state"] == "pending"
    assert ask(running, resource="src/yes", ticket=used)["effect"] == "allow"


def test_who_waits_for_a_ticket_hears_that_it_is_superseded(running: Running) -> None:
    number = ask(running)["ticket"]["id"]
    replaced(running, CHANGED)
    began = time.monotonic()
    state = running.call("GET", f"/v1/approvals/{number}?wait=20", **bearer(AGENT))[1]["state"]
    assert state == "superseded" and time.monotonic() - began < 5


def test_what_is_over_by_time_does_not_wait() -> None:
    with service(POLICY.replace("expires 30m", "expires 1s"), *ARGUMENTS, prepare=configured) as running:
        ask(running)
        assert counts(running) == (1, 0)
        time.sleep(1.1)
        assert counts(running) == (0, 0)
        (row,) = policy("approvals", "stats", "--format", "json", *place(running)).json()["rules"]
        assert (row["expired"], row["waiting"]) == (1, 0)


def test_without_people_nothing_is_counted() -> None:
    with service(POLICY, "--config", "{folder}/serve.toml", prepare=lambda f: configured(f, people=False)) as running:
        assert running.call("GET", "/v1/state", **bearer(OPERATOR))[1]["tickets"] == {}


def test_watching_once_says_what_waits(running: Running) -> None:
    assert policy("approvals", "watch", "--once", *place(running)).code == 1
    number = ask(running)["ticket"]["id"]
    seen = policy("approvals", "watch", "--once", *place(running))
    assert seen.code == 0 and seen.out.startswith(number)


def test_watching_ends_after_its_time(running: Running) -> None:
    number = ask(running)["ticket"]["id"]
    began = time.monotonic()
    seen = policy("approvals", "watch", "--timeout", "1", *place(running))
    assert seen.code == 0 and seen.out.count(number) == 1 and 0.8 < time.monotonic() - began < 8


def test_watching_ends_when_nobody_reads(running: Running) -> None:
    import os
    import subprocess
    import sys

    words = [sys.executable, "-m", "policy_lang", "approvals", "watch", *map(str, place(running))]
    ask(running)
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as watching:
        assert watching.stdout is not None
        os.read(watching.stdout.fileno(), 100)
        watching.stdout.close()
        assert watching.wait(20) == 0  # although nothing more happens
