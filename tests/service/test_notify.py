"""Webhooks: signed, retried, bounded; and nothing secret leaves."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from policy_lang.daemon.notify import Notifier, WebhookSender, signature
from policy_lang.domain.limits import limit
from tests.console.support import policy

from .support import service
from .test_approvals import AGENT, ARGUMENTS, POLICY, ask, configured

SECRET = "s" * 40


class Receiver(BaseHTTPRequestHandler):
    """Somebody else's server. `answers` are the statuses that it gives, the last for ever."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((dict(self.headers.items()), body))  # type: ignore[attr-defined]
        answers = self.server.answers  # type: ignore[attr-defined]
        status = answers.pop(0) if len(answers) > 1 else answers[0]
        if status == 0:
            time.sleep(30)
        self.send_response(status)
        if status in {301, 302, 307}:
            self.send_header("Location", f"http://127.0.0.1:{self.server.server_address[1]}/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Any]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        server.daemon_threads = True
        found: Any = server
        found.got, found.answers = [], [200]
        found.url = f"http://127.0.0.1:{server.server_address[1]}/hook?x=1"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield found
        server.shutdown()


def event(**more: Any) -> dict[str, Any]:
    return {"id": "0" * 16, "asked": 1, "agent": "codex", "request": {"action": "run", "resource": "x\u202ey"}, **more}


def run(notifier: Notifier, *events: tuple[str, dict[str, Any]], seconds: float = 20) -> None:
    async def told() -> None:
        for name, ticket in events:
            notifier.notify(name, ticket)
        async with asyncio.timeout(seconds):
            while notifier._tasks:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    asyncio.run(told())


def test_an_event_is_signed_as_the_standard_says(receiver: Any) -> None:
    told: list[Any] = []
    run(Notifier(WebhookSender(receiver.url, SECRET.encode()), lambda *a, **f: told.append((a, f))), ("asked", event()))
    ((headers, body),) = receiver.got
    value = json.loads(body)
    assert value["type"] == "approval.asked" and value["data"]["id"] == "0" * 16
    assert value["data"]["headline"] == "codex: run x\\u202ey"
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    made = base64.b64encode(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{made}" and abs(int(headers["webhook-timestamp"]) - time.time()) < 60
    assert told == []


def test_the_standards_own_example() -> None:
    """Of the specification (standardwebhooks.com) and its libraries' tests."""
    body = b'{"test": 2432232314}'
    made = signature(b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", body)
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(
    ("answers", "tries", "why"),
    [([503, 429, 200], 3, ""), ([500], 4, "answered with 500"), ([400], 1, "answered with 400"), ([302], 1, "answered with 302")],
)  # fmt: skip
def test_what_may_go_better_is_tried_again_and_nothing_leads_elsewhere(receiver: Any, answers: list[int], tries: int, why: str) -> None:  # fmt: skip
    receiver.answers = answers
    told: list[Any] = []
    run(Notifier(WebhookSender(receiver.url, SECRET.encode(), (0.01, 0.01, 0.01)), lambda n, **f: told.append((n, f))), ("asked", event()))  # fmt: skip
    assert len(receiver.got) == tries
    assert [f["why"] for _, f in told] == ([f"the webhook {why}"] if why else [])
    assert len({h["webhook-id"] for h, _ in receiver.got}) == 1  # so that the other side can tell


def test_nobody_there() -> None:
    told: list[Any] = []
    run(
        Notifier(WebhookSender("http://127.0.0.1:9/x", b"s", (0.01,)), lambda n, **f: told.append((n, f))),
        ("asked", event()),
    )
    assert "cannot be reached" in told[0][1]["why"]


def test_what_waits_is_bounded_and_an_alarm_goes_first() -> None:
    sent: list[str] = []

    class Slow:
        pauses = ()

        async def send(self, event: dict[str, Any]) -> tuple[str, bool]:
            sent.append(event["id"])
            await asyncio.sleep(0.001)
            return "", False

    told: list[Any] = []
    notifier = Notifier(Slow(), lambda n, **f: told.append((n, f)))
    most = limit("notify_waiting")
    names = [f"{n:04}" for n in range(most + 1)]
    run(notifier, *(("asked", event(id=n)) for n in names), ("break-glass", event(id="glass")))
    assert sent[0] == "glass" and len(sent) == most and notifier.dropped == 2
    assert [f["ticket"] for n, f in told if n == "notify-dropped"] == [names[most], names[most - 1]]


def test_a_service_tells_without_secrets(receiver: Any) -> None:
    def prepare(folder: Path) -> None:
        (folder / "hook.secret").write_text(SECRET)
        (folder / "hook.secret").chmod(0o600)
        configured(folder, f'[notify.webhook]\nurl = "{receiver.url}"\nsecret-file = "hook.secret"\n')

    policy_text = POLICY + 'ask review run "curl **"\nallow connect "**"\n'
    with service(policy_text, *ARGUMENTS, prepare=prepare) as running:
        token = "ghp_" + "a1B2" * 9
        asked = ask(running, action="run", resource=f"curl -H 'Authorization: Bearer {token}' https://api.example/x")
        assert asked["effect"] == "ask", asked
        end = time.monotonic() + 10
        while not receiver.got and time.monotonic() < end:
            time.sleep(0.02)
        ((_, body),) = receiver.got
        value = json.loads(body)
        assert value["data"]["id"] == asked["ticket"]["id"] and "api.example" in body.decode()
        for secret in (token, AGENT, SECRET):
            assert secret not in body.decode()
        assert running.stop() == 0


def test_a_webhook_that_says_nothing_holds_nothing_up(receiver: Any) -> None:
    receiver.answers = [0]

    def prepare(folder: Path) -> None:
        (folder / "hook.secret").write_text(SECRET)
        (folder / "hook.secret").chmod(0o600)
        configured(folder, f'[notify.webhook]\nurl = "{receiver.url}"\nsecret-file = "hook.secret"\n')

    with service(POLICY, *ARGUMENTS, prepare=prepare) as running:
        began = time.monotonic()
        for number in range(10):
            assert ask(running, resource=f"src/{number}")["effect"] == "ask"
        assert time.monotonic() - began < 15
        assert running.stop() == 0  # within ten seconds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[notify]\n", "name a `command` or a `webhook`"), ('[notify.webhook]\nurl = "https://x/"\n', "secret-file"),
        ('[notify.webhook]\nurl = "http://chat.example/x"\nsecret-file = "s"\n', "stays on this machine"),
        ('[notify.webhook]\nurl = "https://me:pw@chat.example/x"\nsecret-file = "s"\n', "without user"),
        ('[notify.webhook]\nurl = "ftp://chat.example/x"\nsecret-file = "s"\n', "match pattern"),
        ('[notify.webhook]\nurl = "https://chat.example/x"\nsecret-file = "open"\n', "others can read it"),
        ('[approvals]\nstore = "mysql://x"\n', "not of a known kind"), ('[approvals]\nstore = "postgresql://u:p@h/d"\n', "others can read it"),
    ],
)  # fmt: skip
def test_mistakes(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "open").write_text(SECRET)
    (tmp_path / "open").chmod(0o644)
    (tmp_path / "p.policy").write_text(POLICY)
    (tmp_path / "serve.toml").write_text(text + '[[person]]\nname = "x"\nuid = 4711\n')
    (tmp_path / "serve.toml").chmod(0o644)
    done = policy("serve", "--policy", tmp_path / "p.policy", "--socket", tmp_path / "s", "--config", tmp_path / "serve.toml", "--state", tmp_path)  # fmt: skip
    assert done.code == 2 and message in done.err, done.err
