"""`policy proxy`: who it is for, where it listens, who decides, how it ends."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.audit.support import lines
from tests.console.support import ROOT, policy
from tests.egress.outside import Server, read_all, web
from tests.needs import require
from tests.service.support import Running, service
from tests.service.test_approvals import ARGUMENTS, answer, bearer, configured

require("httptools")
RULES = """policy "p"
tier review { approvers "@team"  expires 30m }
agent "codex" { allow connect "localhost:{port}", "127.0.0.1:{port}" }
allow connect "http://127.0.0.2:{port}/open/**"
ask review connect "http://127.0.0.3:{port}"
when confined { allow connect "127.0.0.4" }
"""


class Started:
    """A proxy of the command line; `place` is where it says that it listens."""

    def __init__(self, *words: str) -> None:
        command = [sys.executable, "-m", "policy_lang", "proxy", *words]
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert self.process.stdout is not None
        self.place = self.process.stdout.readline().strip().removeprefix("listening on ")

    def ask(self, data: bytes) -> bytes:
        with self.dial() as sock:
            sock.sendall(data)
            return read_all(sock)

    def dial(self) -> socket.socket:
        if self.place.startswith("unix:"):
            sock = socket.socket(socket.AF_UNIX)
            sock.connect(self.place.removeprefix("unix:"))
        else:
            host, _, port = self.place.removeprefix("http://").rpartition(":")
            sock = socket.create_connection((host.strip("[]"), int(port)))
        sock.settimeout(30)
        return sock

    def end(self) -> tuple[int, str]:
        self.process.send_signal(signal.SIGTERM)
        _, err = self.process.communicate(timeout=30)
        return self.process.returncode, err


@contextlib.contextmanager
def started(*words: str) -> Iterator[Started]:
    found = Started(*words)
    try:
        yield found
    finally:
        if found.process.poll() is None:
            found.process.kill()
        found.process.communicate()


@pytest.fixture
def origin() -> Iterator[Server]:
    server = Server(web, "0.0.0.0")
    yield server
    server.close()


@pytest.fixture
def rules(tmp_path: Path, origin: Server) -> Path:
    path = tmp_path / "p.policy"
    path.write_text(RULES.replace("{port}", str(origin.port)))
    return path


def get(host: str, port: int, path: str = "/") -> bytes:
    return f"GET http://{host}:{port}{path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode()


def test_a_policy_decides_and_a_signal_ends_it(rules: Path, origin: Server, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with started("--agent", "codex", "--policy", str(rules), "--log", str(log), "--verbose") as proxy:
        assert proxy.place.startswith("http://127.0.0.1:")
        assert proxy.ask(get("localhost", origin.port)).endswith(b"ok")
        assert proxy.ask(get("127.0.0.2", origin.port, "/open/a")).endswith(b"ok")
        assert proxy.ask(get("127.0.0.2", origin.port, "/else")).startswith(b"HTTP/1.1 403 ")
        assert b"nobody can be asked here" in proxy.ask(get("127.0.0.3", origin.port))
        assert proxy.ask(get("127.0.0.4", origin.port)).startswith(b"HTTP/1.1 403 ")  # it is not confined
        assert proxy.ask(b"GET / HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 400 ")
        with proxy.dial() as still_open:
            code, err = proxy.end()
            assert read_all(still_open) == b""
    assert code == 0
    assert f"allow GET http://localhost:{origin.port}/" in err and f"deny GET http://127.0.0.4:{origin.port}/" in err
    assert "failed a connection: " in err
    found = [one for one in lines(log) if one.get("kind") == "decision"]
    assert [one["effect"] for one in found] == ["allow", "allow", "deny", "ask", "deny"]
    assert {one["source"]["by"] for one in found} == {"proxy"}
    assert not any("confined" in one for one in found)


def test_it_is_the_agent_that_it_was_started_for(rules: Path, origin: Server) -> None:
    with started("--agent", "other", "--policy", str(rules)) as proxy:
        claims = b"\r\nProxy-Authorization: Basic Y29kZXg6eA==\r\nX-Agent: codex\r\nFrom: codex\r\n\r\n"
        assert proxy.ask(get("localhost", origin.port)[:-4] + claims).startswith(b"HTTP/1.1 403 ")
        assert proxy.ask(get("127.0.0.2", origin.port, "/open/a")).endswith(b"ok")


def test_a_unix_socket_is_the_users_own_and_gone_at_the_end(rules: Path, origin: Server, tmp_path: Path) -> None:
    path = tmp_path / "proxy.sock"
    tmp_path.chmod(0o700)
    with started("--agent", "codex", "--policy", str(rules), "--listen", f"unix:{path}") as proxy:
        assert proxy.place == f"unix:{path}"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert proxy.ask(get("localhost", origin.port)).endswith(b"ok")
        assert proxy.end()[0] == 0
    assert not path.exists()


def test_other_addresses_are_a_choice(rules: Path, origin: Server) -> None:
    words = ("--agent", "codex", "--policy", str(rules), "--listen", "0.0.0.0:0")
    refused = policy("proxy", *words)
    assert refused.code == 2 and "--expose" in refused.err
    with started(*words, "--expose") as proxy:
        assert proxy.place.startswith("http://0.0.0.0:")
        assert proxy.ask(get("localhost", origin.port)).endswith(b"ok")
        code, err = proxy.end()
    assert code == 0 and "warning: whoever can reach `0.0.0.0:0` is `codex` to it" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "either `--policy FILE` or `--socket PATH`"),
        (("--policy", "p", "--socket", "s"), "either `--policy FILE` or `--socket PATH`"),
        (("--policy", "p", "--token-file", "s"), "`--token-file` belongs to `--socket`"),
        (("--socket", "s", "--log", "l"), "`--log` belongs to `--policy`"),
        (("--socket", "/nowhere/s"), "no session at `/nowhere/s`"),
        (("--policy", "/nowhere/p"), "/nowhere/p"),
        (("--policy", "{rules}", "--listen", "example.com:80"), "is not a loopback address"),
        (("--policy", "{rules}", "--listen", "example.com:80", "--expose"), "is not an address"),
        (("--policy", "{rules}", "--listen", "::1:80", "--expose"), "is not an address"),
        (("--policy", "{rules}", "--listen", "127.0.0.1:99999"), "is not a loopback address"),
        (("--policy", "{rules}", "--group", "root"), "`--group` belongs to `--listen unix:PATH`"),
    ],
)
def test_what_it_cannot_be_started_with(rules: Path, words: tuple[str, ...], said: str) -> None:
    found = policy("proxy", "--agent", "a", *(w.replace("{rules}", str(rules)) for w in words))
    assert found.code == 2 and said in found.err


def open_ticket(running: Running) -> str:
    late = time.monotonic() + 20
    while time.monotonic() < late:
        _, found = running.call("GET", "/v1/approvals", **bearer("m" * 40))
        if found["open"]:
            return str(found["open"][0]["id"])
        time.sleep(0.05)
    raise AssertionError("nobody was asked")


def with_service(running: Running, wait: str = "30") -> tuple[str, ...]:
    token = str(running.folder / "operator.token")
    return ("--agent", "codex", "--socket", running.socket, "--token-file", token, "--wait", wait)


@pytest.mark.parametrize(("verdict", "shown"), [("approve", b"HTTP/1.1 200 "), ("reject", b"HTTP/1.1 403 ")])
def test_a_connection_waits_for_people(origin: Server, verdict: str, shown: bytes) -> None:
    with (
        service(RULES.replace("{port}", str(origin.port)), *ARGUMENTS, prepare=configured) as running,
        started(*with_service(running)) as proxy,
    ):
        assert proxy.ask(get("localhost", origin.port)).endswith(b"ok")
        replies: list[bytes] = []
        waiting = threading.Thread(target=lambda: replies.append(proxy.ask(get("127.0.0.3", origin.port))))
        waiting.start()
        ticket = open_ticket(running)
        assert answer(running, "mia", ticket, verdict)[0] == 200
        waiting.join(30)
        assert replies[0].startswith(shown), replies
        if verdict == "reject":
            assert b"`review` was asked (ticket " + ticket.encode() in replies[0]
        assert running.call("GET", "/v1/approvals", **bearer("m" * 40))[1]["open"] == []
        assert proxy.end()[0] == 0
        assert running.call("GET", "/v1/state", **bearer("o" * 40))[1]["sessions"] == []


def test_nobody_answers_in_time(origin: Server) -> None:
    with (
        service(RULES.replace("{port}", str(origin.port)), *ARGUMENTS, prepare=configured) as running,
        started(*with_service(running, "1")) as proxy,
    ):
        reply = proxy.ask(get("127.0.0.3", origin.port))
        assert reply.startswith(b"HTTP/1.1 403 ") and b"nobody has approved it within 1 s" in reply


def test_a_session_that_has_ended_is_begun_anew(origin: Server) -> None:
    with (
        service(RULES.replace("{port}", str(origin.port)), *ARGUMENTS, prepare=configured) as running,
        started(*with_service(running)) as proxy,
    ):
        (session,) = running.call("GET", "/v1/state", **bearer("o" * 40))[1]["sessions"]
        assert not session.get("confined")
        ended = running.call("POST", "/v1/sessions/end", {"session": session["session"]}, **bearer("o" * 40))
        assert ended[0] == 200
        assert proxy.ask(get("localhost", origin.port)).endswith(b"ok")
        assert proxy.ask(get("127.0.0.4", origin.port)).startswith(b"HTTP/1.1 403 ")
        assert len(running.call("GET", "/v1/state", **bearer("o" * 40))[1]["sessions"]) == 1


def test_a_freeze_and_a_service_that_is_gone_deny(origin: Server) -> None:
    with (
        service(RULES.replace("{port}", str(origin.port)), *ARGUMENTS, prepare=configured) as running,
        started(*with_service(running)) as proxy,
    ):
        running.call("POST", "/v1/freeze", {"agent": "codex", "reason": "odd"}, **bearer("o" * 40))
        assert b"is frozen by" in proxy.ask(get("localhost", origin.port))
        running.call("POST", "/v1/lift", {"agent": "codex"}, **bearer("o" * 40))
        assert proxy.ask(get("localhost", origin.port)).endswith(b"ok")
        running.process.kill()
        running.process.wait(10)
        assert b"the service cannot be reached" in proxy.ask(get("localhost", origin.port))
        assert proxy.end()[0] == 0
