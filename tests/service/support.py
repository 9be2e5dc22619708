"""A real service in a process of its own, on a socket in a folder of its own."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.console.support import ROOT, warm_process
from tests.needs import require

POLICY = """policy "p"
tier review { approvers "@team" }
allow read "src/**" except "src/secret"
ask review write "src/**"
allow run "git status"
allow do "todo.can_read.**"
"""


class UnixConnection(http.client.HTTPConnection):
    """The standard library's client: a judge that shares no code with ours."""

    def __init__(self, path: str, timeout: float = 5) -> None:
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        try:
            self.sock.connect(self.path)
        except OSError:
            self.sock.close()
            raise


class Forked:
    """A call of the command line that the warm process has forked, as `subprocess.Popen` shows one that it has started."""

    def __init__(self, words: list[str], cwd: Path | None = None) -> None:
        self.args = [sys.executable, "-m", "policy_lang", *words]
        self.returncode: int | None = None
        err, stderr = os.pipe()
        self._told, end = os.pipe()
        nothing = os.open(os.devnull, os.O_RDWR)
        try:
            warm_process().start(words, [nothing, nothing, stderr, end], cwd, {**os.environ, "PYTHONPATH": str(ROOT)})
        finally:
            for handle in (nothing, stderr, end):
                os.close(handle)
        self.stderr = open(err)  # noqa: SIM115 (as Popen has it)
        self.pid = self._number()

    def _number(self) -> int:
        text = b""
        while not text.endswith(b" "):
            text += os.read(self._told, 1)
        return int(text)

    def wait(self, seconds: float | None = None) -> int:
        """Its exit code, when it has ended. Raises TimeoutExpired."""
        if self.returncode is None:
            ended = select.poll()  # takes descriptors of any number
            ended.register(self._told, select.POLLIN)
            if not ended.poll(None if seconds is None else seconds * 1000):
                raise subprocess.TimeoutExpired(self.args, seconds or 0)
            self.returncode = self._number()
            os.close(self._told)
        return self.returncode

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # it has just ended, and nobody has said so yet
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


@dataclass
class Running:
    """A service that answers."""

    process: Forked | subprocess.Popen[str]
    socket: str
    folder: Path
    policy: Path
    events: list[dict[str, Any]] = field(default_factory=list)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        connection = UnixConnection(self.socket)
        data = None if body is None else body if isinstance(body, (bytes, str)) else json.dumps(body)
        with contextlib.closing(connection):
            connection.request(method, path, data, {k.replace("_", "-"): v for k, v in headers.items()})
            reply = connection.getresponse()
            raw = reply.read()
        return reply.status, json.loads(raw) if raw[:1] in {b"{", b"["} else raw.decode()

    def decide(self, **request: Any) -> str:
        status, reply = self.call("POST", "/v1/decide", request)
        assert status == 200, reply
        return str(reply["effect"])

    def raw(self, data: bytes, wait: float = 2) -> bytes:
        """Send bytes as they are, and read until the service closes or the time is over."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(wait)
            connection.connect(self.socket)
            out = b""
            with contextlib.suppress(OSError):
                connection.sendall(data)
            with contextlib.suppress(TimeoutError, ConnectionResetError):
                while chunk := connection.recv(1 << 16):
                    out += chunk
            return out

    def wait_for(self, digest_is_not: str = "", seconds: float = 60, **expected: Any) -> dict[str, Any]:
        """The state of the policy, once it is as expected."""
        end = time.monotonic() + seconds
        while True:
            _, state = self.call("GET", "/v1/policy")
            if state.get("digest") != digest_is_not and all(state.get(k) == v for k, v in expected.items()):
                return dict(state)
            assert time.monotonic() < end, state
            time.sleep(0.05)

    def change(self, text: str) -> None:
        """Change the policy as a person does: agents run as this user, so the file alone changes nothing."""
        self.policy.write_text(text)
        self.process.send_signal(signal.SIGHUP)

    def memory(self) -> int:
        """Bytes that the process holds (VmRSS)."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(text.partition("VmRSS:")[2].split()[0]) * 1024

    def files(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(10)

    def log(self) -> list[dict[str, Any]]:
        """What it has logged; only once it has stopped."""
        assert self.process.stderr is not None
        return [json.loads(line) for line in self.process.stderr.read().splitlines()]


@contextlib.contextmanager
def service(policy: str | None = POLICY, *arguments: str, prepare: Any = None, limits: Any = None) -> Iterator[Running]:
    """Start one, and stop it in any case. `limits` runs in the process before it begins."""
    require("httptools", *(["jinja2"] if "--console" in arguments else []))
    with tempfile.TemporaryDirectory(prefix="pl") as name:
        folder = Path(name)
        file = folder / "p.policy"
        if policy is not None:
            file.write_text(policy)
        place = str(folder / "s")
        given = [a.replace("{folder}", name) for a in arguments] or ["--agent", "a"]
        if prepare is not None:
            prepare(folder)
        words = ["serve", "--policy", str(file), "--socket", place, *given]
        process: Forked | subprocess.Popen[str] = Forked(words) if limits is None else subprocess.Popen(
            [sys.executable, "-m", "policy_lang", *words], stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
            preexec_fn=limits,  # noqa: PLW1509 (no threads here)
        )  # fmt: skip
        running = Running(process, place, folder, file)
        try:
            end = time.monotonic() + 60
            while True:
                with contextlib.suppress(OSError):
                    running.call("GET", "/healthz")
                    break
                assert process.poll() is None, process.stderr.read() if process.stderr else ""
                assert time.monotonic() < end
                time.sleep(0.02)
            yield running
        finally:
            if process.poll() is None:
                process.kill()
            process.wait(10)
            if process.stderr is not None:
                process.stderr.close()
