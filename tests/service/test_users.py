"""Agents and people as different users of this machine, told by the kernel."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from policy_lang.domain.limits import limit
from tests.needs import needs

from .inside import MIA, Inside
from .support import Running, service
from .test_console import free_port

AGENT, MIA_UID, GROUP, STRANGER = 54711, 54712, 54710, 54713
POLICY = 'policy "p"\ntier review { approvers "mia" }\nask review write "src/**"\n'
CONFIG = f"""
[[principal]]
uid = {AGENT}
agents = ["codex"]
[[person]]
name = "mia"
uid = {MIA_UID}
token-sha256 = "{{digest}}"
"""
TOKEN = "m" * 40
as_others = needs(
    "needs root and curl to be somebody else", there=os.geteuid() == 0 and shutil.which("curl") is not None
)


def call(place: str, uid: int, path: str, body: Any = None, token: str = "", base: str = "http://localhost") -> tuple[int, Any]:  # fmt: skip
    """One call as another user, by curl."""
    words = ["curl", "--silent", "--max-time", "5", "--write-out", "\n%{http_code}"]
    words += ["--unix-socket", place] if place else []
    words += ["--header", f"Authorization: Bearer {token}"] if token else []
    words += ["--data", json.dumps(body)] if body is not None else []
    done = subprocess.run([*words, base + path], capture_output=True, text=True, check=False, timeout=10, user=uid, group=GROUP, extra_groups=[], cwd="/", env={"PATH": os.environ["PATH"]})  # fmt: skip
    text, _, status = done.stdout.rpartition("\n")
    return int(status), json.loads(text) if text[:1] == "{" else text


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Running, str]]:
    from policy_lang.daemon.identity.people import token_digest

    port = free_port()

    def prepare(folder: Path) -> None:
        folder.chmod(0o755)
        (folder / "state").mkdir(mode=0o700)
        (folder / "serve.toml").write_text(CONFIG.replace("{digest}", token_digest(TOKEN)))
        (folder / "serve.toml").chmod(0o600)

    words = ("--config", "{folder}/serve.toml", "--state", "{folder}/state", "--tcp", f"127.0.0.1:{port}")
    with service(POLICY, *words, prepare=prepare) as found:
        os.chown(found.socket, 0, GROUP)
        os.chmod(found.socket, 0o660)
        yield found, f"http://127.0.0.1:{port}"


@as_others
def test_the_kernel_tells_who_answers(running: tuple[Running, str]) -> None:
    place, tcp = running[0].socket, running[1]
    ask = {"action": "write", "resource": "src/a", "session": "s"}
    status, asked = call(place, AGENT, "/v1/decide", ask)
    assert (status, asked["effect"]) == (200, "ask")
    yes = {"ticket": asked["ticket"]["id"], "verdict": "approve", "reason": ""}
    tries = [
        (place, AGENT, "", "http://localhost"), (place, AGENT, TOKEN, "http://localhost"),  # with her token, over the socket
        ("", AGENT, TOKEN, tcp),  # and over TCP: the kernel tells there as well whose connection it is
        (place, STRANGER, "", "http://localhost"), ("", STRANGER, "x" * 40, tcp),
    ]  # fmt: skip
    for where, uid, token, base in tries:
        status, answer = call(where, uid, "/v1/approvals/vote", yes, token, base)
        assert status in {403, 503}, (uid, token, answer)
    assert call(place, STRANGER, "/v1/decide", ask)[0] in {403, 503}
    status, answer = call(place, MIA_UID, "/v1/approvals/vote", yes)
    assert (status, answer["state"]) == (200, "approved")
    assert call(place, MIA_UID, "/v1/decide", {**ask, "ticket": yes["ticket"]})[0] == 403  # a person is not an agent
    assert call(place, AGENT, "/v1/decide", {**ask, "ticket": yes["ticket"]})[1]["effect"] == "allow"


@as_others
def test_from_another_user_a_token_is_good(running: tuple[Running, str]) -> None:
    place, tcp = running[0].socket, running[1]
    for number, (where, base) in enumerate(((place, "http://localhost"), ("", tcp))):
        asked = call(place, AGENT, "/v1/decide", {"action": "write", "resource": f"src/{number}"})[1]
        yes = {"ticket": asked["ticket"]["id"], "verdict": "approve", "reason": ""}
        assert call(where, STRANGER, "/v1/approvals/vote", yes, TOKEN, base)[1]["state"] == "approved"


def test_statistics_look_at_so_many_tickets(tmp_path: Path) -> None:
    inside = Inside(tmp_path)
    name = inside.ticket()
    approvals = inside.service.approvals
    assert approvals is not None
    store: Any = approvals.store
    one = store.get(name)
    most = limit("approval_stats")
    for count, cut in ((most - 1, False), (most, True)):
        with store._writing() as run:
            run("delete from tickets", ())
            for number in range(count + 1):
                store._put(run, one.with_(id=f"{number:016x}"))
        value = inside.call("GET", "/v1/approvals/stats", uid=MIA)[1]
        assert (value["tickets"], value["cut"]) == (min(count + 1, most), cut)
