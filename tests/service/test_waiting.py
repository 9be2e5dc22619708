"""Agents that wait for people, several services on one store, and people at a terminal."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pty
import re
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from policy_lang.daemon.api.http import HttpReply, LongPoll
from policy_lang.daemon.store_thread import StoreThread
from policy_lang.daemon.transport.waiting import LongPolls
from policy_lang.domain.limits import limit
from tests.approvals.stores import needs_postgres, server
from tests.console.support import ROOT, policy
from tests.hooks.support import hook

from .support import Running, service
from .test_approvals import AGENT, ARGUMENTS, TOKENS, answer, ask, bearer, configured

POLICY = """policy "p"
tier review { approvers "@team"  expires 30m }
tier boss { approvers "@boss"  quorum 2  expires 10m  includes review  reason required }
tier emergency { approvers "@team"  break-glass boss }
allow read "src/**" except "src/asked/**"
ask review read "src/asked/**"
ask review write "src/**"
ask review run "make *"
ask boss do "deploy"
"""


def prepare(folder: Path) -> None:
    configured(folder, f'[[principal]]\nuid = {os.geteuid()}\nagents = ["local"]\n')
    for name in ("src/asked", "src/plain"):
        (folder / "ws" / name).mkdir(parents=True)
    (folder / "ws/src/asked/x").write_text("x")
    (folder / "ws/src/a").touch()


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with service(POLICY, *ARGUMENTS, prepare=prepare) as found:
        yield found


def call(running: Running, tool: str, **given: Any) -> dict[str, Any]:
    ws = str(running.folder / "ws")
    return {"session_id": "s", "tool_use_id": "t", "tool_name": tool, "cwd": ws, "hook_event_name": "PreToolUse", "tool_input": given}  # fmt: skip


def open_tickets(running: Running) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = running.call("GET", "/v1/approvals", **bearer(TOKENS["mia"]))[1]["open"]
    return found


@contextlib.contextmanager
def answering(running: Running, verdict: str) -> Iterator[list[str]]:
    """Somebody who answers whatever waits, as soon as it is there."""
    done: list[str] = []
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.05):
            for ticket in open_tickets(running):
                answer(running, "mia", ticket["id"], verdict)
                done.append(ticket["id"])

    thread = threading.Thread(target=work)
    thread.start()
    yield done
    stop.set()
    thread.join()


@pytest.mark.parametrize("client", ["claude", "codex"])
def test_a_hook_waits_within_its_time(running: Running, client: str) -> None:
    ws = running.folder / "ws"
    payload = call(running, "Bash", command=f"make {client}")
    with answering(running, "approve") as done:
        found = hook(client, payload, "--socket", running.socket, "--wait", "60", cwd=ws)
    assert found.verdict == "allow" and len(done) == 1  # one ticket, whatever shells it is read for
    with answering(running, "reject") as done:
        found = hook(client, payload, "--socket", running.socket, "--wait", "60", cwd=ws)
    assert found.verdict == "deny" and f"(ticket {done[0]}): it is rejected" in found.err
    began = time.monotonic()
    later = hook(client, call(running, "Bash", command=f"make {client}-late"), "--socket", running.socket, "--wait", "1", cwd=ws)  # fmt: skip
    assert later.verdict == "deny" and 1 <= time.monotonic() - began < 20
    (ticket,) = [t["id"] for t in open_tickets(running)]
    assert f"ticket {ticket}" in later.err  # for the person; the agent tries again
    answer(running, "mia", ticket)
    again = hook(client, call(running, "Bash", command=f"make {client}-late"), "--socket", running.socket, cwd=ws)
    assert again.verdict == "allow"


@pytest.mark.parametrize("wait", ["0.5x", "-1", "541", "nan"])
def test_a_wait_that_is_none_denies(running: Running, wait: str) -> None:
    found = hook("claude", call(running, "Bash", command="make x"), "--socket", running.socket, "--wait", wait, cwd=running.folder / "ws")  # fmt: skip
    assert (found.code, found.verdict) == (2, "deny")


def test_a_service_that_ends_meanwhile_denies() -> None:
    with service(POLICY, *ARGUMENTS, prepare=prepare) as own:
        threading.Timer(1.0, own.process.kill).start()
        began = time.monotonic()
        found = hook("claude", call(own, "Bash", command="make x"), "--socket", own.socket, "--wait", "30", cwd=own.folder / "ws")  # fmt: skip
        assert (found.code, found.verdict) == (2, "deny") and time.monotonic() - began < 20


def test_a_search_is_asked_about_as_what_it_reads(running: Running) -> None:
    """The client searches by itself: that `rg` is run needs no grant, and what is asked makes one ticket."""
    ws = running.folder / "ws"
    payload = call(running, "Grep", pattern="x", path=str(ws / "src/asked"))
    first = hook("claude", payload, "--socket", running.socket, cwd=ws)
    assert first.verdict == "deny" and "people are asked (ticket " in first.err
    number = re.findall(r"ticket ([0-9a-f]{16})", first.err)[0]
    answer(running, "mia", number)
    assert hook("claude", payload, "--socket", running.socket, cwd=ws).verdict == "allow"
    assert hook("claude", call(running, "Grep", pattern="x", path=str(ws / "src/plain")), "--socket", running.socket, cwd=ws).verdict == "allow"  # fmt: skip


@pytest.mark.parametrize("resource", ["rg x src", ["python", "x.py"], ["cat", "src/a"], []])
def test_inner_is_for_what_clients_do_themselves(running: Running, resource: Any) -> None:
    status, found = running.call("POST", "/v1/decide", {"action": "run", "resource": resource, "inner": True}, **bearer(AGENT))  # fmt: skip
    assert status in {200, 400} and found["effect"] == "deny"
    assert running.call("POST", "/v1/decide", {"action": "read", "resource": "src/a", "inner": True}, **bearer(AGENT))[1]["effect"] == "deny"  # fmt: skip


def test_installing_a_hook_that_waits(tmp_path: Path) -> None:
    done = policy("hook", "install", "claude", "--socket", "/run/x", "--wait", "120", "--print", HOME=str(tmp_path))
    (entry,) = json.loads(done.out)["hooks"]["PreToolUse"]
    assert "--wait 120" in entry["hooks"][0]["command"] and entry["hooks"][0]["timeout"] == 130
    for words in (("--policy", "p.plc", "--wait", "9"), ("--socket", "/run/x", "--wait", "541")):
        assert policy("hook", "install", "claude", *words, "--print").code == 2


# several services


@needs_postgres
def test_services_share_a_store(tmp_path: Path) -> None:
    """Asked at one, answered at the other, used once at whichever comes first."""
    where = server().database()
    parts = dict(p.split("=") for p in where.split())
    url = f"postgresql://{parts['user']}@127.0.0.1:{parts['port']}/{parts['dbname']}"

    def shared(folder: Path) -> None:
        configured(folder)
        path = folder / "serve.toml"
        path.write_text(path.read_text().replace("same-user = true", f'same-user = true\nstore = "{url}"'))

    with service(POLICY, *ARGUMENTS, prepare=shared) as one, service(POLICY, *ARGUMENTS, prepare=shared) as two:
        number = ask(one)["ticket"]["id"]
        assert ask(two)["ticket"]["id"] == number  # the same question shares a ticket
        got: list[Any] = []
        began = time.monotonic()
        waiter = threading.Thread(target=lambda: got.append(one.call("GET", f"/v1/approvals/{number}?wait=30", **bearer(AGENT))))  # fmt: skip
        waiter.start()
        time.sleep(0.3)
        assert answer(two, "mia", number)[1]["state"] == "approved"
        waiter.join(25)
        assert got[0][1]["state"] == "approved" and time.monotonic() - began < 20
        said: list[str] = []
        threads = [
            threading.Thread(target=lambda s=s: said.append(ask(s, ticket=number)["effect"])) for s in (one, two) * 4
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert said.count("allow") == 1 and said.count("deny") == 7


def test_a_store_needs_people(tmp_path: Path) -> None:
    (tmp_path / "p.policy").write_text(POLICY)
    (tmp_path / "serve.toml").write_text('[approvals]\nstore = "postgresql://x/y"\n')
    words = ("serve", "--policy", tmp_path / "p.policy", "--socket", tmp_path / "s", "--config", tmp_path / "serve.toml", "--state", tmp_path)  # fmt: skip
    assert "names no `[[person]]`" in policy(*words).err
    (tmp_path / "serve.toml").write_text('[approvals]\nstore = "postgresql://127.0.0.1:1/y"\n[[person]]\nname = "x"\nuid = 4711\n')  # fmt: skip
    done = policy(*words)
    assert done.code == 2 and "127.0.0.1" in done.err


# people at a terminal


def test_emergencies_reviews_and_statistics(running: Running) -> None:
    def by(name: str, *words: str) -> Any:
        return policy("approvals", *words, "--socket", running.socket, "--token-file", running.folder / f"{name}.token")

    for number in range(21):
        ticket = ask(running, resource=f"src/many/{number}")["ticket"]["id"]
        answer(running, "mia", ticket)
        ask(running, resource=f"src/many/{number}")
    ticket = ask(running, action="do", resource="deploy")["ticket"]["id"]
    assert by("mia", "review").code == 0
    assert by("mia", "break-glass", ticket).code == 2  # without a reason
    done = by("mia", "break-glass", ticket, "--reason", "prod is down")
    assert done.code == 0 and "approved" in done.out and "`emergency` broke the glass, not reviewed" in done.out
    left = by("eva", "review")
    assert left.code == 1 and ticket in left.out
    assert "nobody has looked at it since" in by("eva", "list").out
    assert by("eva", "review", ticket).code == 2
    assert by("mia", "review", ticket, "--found", "fine").code == 1
    assert "reviewed by eva" in by("eva", "review", ticket, "--found", "it was down").out
    assert by("eva", "review").code == 0
    shown = by("mia", "stats").out
    assert "asks" not in shown and re.search(r"p#ask-write-[0-9a-f]+: 2[0-9] tickets", shown)
    assert "APR008" in shown and "in an emergency" in shown and "mia " in shown
    value = by("mia", "stats", "--days", "1", "--format", "json").json()
    write = next(r for r in value["rules"] if "write" in r["rule"])
    assert write["approved"] >= 21 and write["busiest"] >= 21 and write["median_seconds"] >= 0 and write["finding"]
    assert policy("approvals", "stats", "--socket", running.socket).code == 1


class Terminal:
    """A terminal with a program in it."""

    def __init__(self, *words: str | Path) -> None:
        main, side = pty.openpty()
        self.fd = main
        self.process = subprocess.Popen(
            [sys.executable, "-m", "policy_lang", *map(str, words)], stdin=side, stdout=side, stderr=side,
            env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "100", "LINES": "40", "NO_COLOR": "1"},
        )  # fmt: skip
        os.close(side)
        self.text = ""

    def wait_for(self, text: str, seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while text not in self.text.rpartition("\x1b[2J")[2] + self.text[-200:]:
            left = end - time.monotonic()
            assert left > 0, (text, self.text[-3000:])
            if select.select([self.fd], [], [], min(left, 0.2))[0]:
                with contextlib.suppress(OSError):
                    self.text += os.read(self.fd, 1 << 16).decode(errors="replace")

    def press(self, keys: str) -> None:
        os.write(self.fd, keys.encode())

    def close(self) -> int:
        self.process.wait(10)
        os.close(self.fd)
        return self.process.returncode


def test_watching_live_by_keys(running: Running) -> None:
    for ticket in open_tickets(running):
        answer(running, "mia", ticket["id"], "reject")
    first = ask(running, resource="src/watched/\u202eone")["ticket"]["id"]
    time.sleep(0.01)
    second = ask(running, resource="src/watched/two")["ticket"]["id"]
    screen = Terminal("approvals", "watch", "--socket", running.socket, "--token-file", running.folder / "mia.token")
    try:
        screen.wait_for("2 waiting")
        screen.wait_for("src/watched/\\u202eone")
        screen.wait_for(f"> {second}")  # the newest is chosen
        screen.press("a")  # nothing is approved that is not open
        screen.wait_for("a approve")
        assert running.call("GET", f"/v1/approvals/{second}", **bearer(TOKENS["mia"]))[1]["state"] == "pending"
        screen.press("\x1b")
        screen.wait_for("Enter open")
        screen.press("\x1b[B")
        screen.wait_for(f"> {first}")
        screen.press("\r")
        screen.wait_for("a approve")
        screen.press("a")
        screen.wait_for("reason")
        screen.press("read it\n")
        screen.wait_for("1 waiting")
        shown = running.call("GET", f"/v1/approvals/{first}", **bearer(TOKENS["mia"]))[1]
        assert (shown["state"], shown["votes"][0]["reason"]) == ("approved", "read it")
        third = ask(running, resource="src/watched/three")["ticket"]["id"]
        screen.wait_for(third)  # live
        screen.press("q")
        assert screen.close() == 0
        assert "\u202e" not in screen.text
    finally:
        if screen.process.poll() is None:
            screen.process.kill()
            screen.process.wait(10)


def test_nobody_takes_all_places_of_those_who_wait() -> None:
    async def held() -> None:
        polls = LongPolls(lambda: False, StoreThread())
        ended = asyncio.Event()
        most, each = limit("approvals_waiting"), limit("waiting_per_peer")

        def wait(user: int, people: bool = False, seconds: float = 60) -> bool:
            return polls.wait(LongPoll(lambda last: HttpReply(200, b"") if last else None, seconds, people), lambda _: ended.set(), lambda: False, user)  # fmt: skip

        assert [wait(1) for _ in range(each + 1)] == [True] * each + [False]
        assert [wait(2 + n % 8, seconds=0.3) for n in range(most - each + 1)] == [True] * (most - each) + [False]
        most = limit("people_waiting")  # those of people are theirs
        assert [wait(20 + n % 8, people=True) for n in range(most + 1)] == [True] * most + [False]
        await asyncio.wait_for(ended.wait(), 5)
        assert wait(3) and not wait(1)  # who was answered has left its place

    asyncio.run(held())
