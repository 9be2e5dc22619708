"""A run of a real client with a model that only reads from a script: what the client then does shows whether its hook holds.

The model answers on loopback, in the client's own protocol (its `RehearsalProtocol`, read from its traffic), with one tool
call after the other; no account is needed.
"""

from __future__ import annotations

import http.server
import json
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from ..domain.limits import limit
from .clients.base import HookClient, RehearsalProtocol
from .model_turns import Call

_REFUSAL = "denied by policy"


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """The result of a run: the exit code, what was printed, and what was sent to the model, one body a turn.

    `calls` says of each call that the model made how many turns there had been.
    """

    code: int
    printed: str
    turns: tuple[str, ...]
    calls: tuple[int, ...] = ()

    @property
    def answered(self) -> bool:
        """True when the model was told what became of its first call."""
        return bool(self.calls) and len(self.turns) > self.calls[0]

    @property
    def refused(self) -> bool:
        """True when it was told that the policy denied it; files that are part of every turn may say so as well."""
        if not self.answered:
            return False
        before = self.turns[self.calls[0] - 1].count(_REFUSAL)
        return any(turn.count(_REFUSAL) > before for turn in self.turns[self.calls[0] :])


def program(client: str) -> str | None:
    """The client's program, if it is installed."""
    return shutil.which(client)


def rehearse(
    client: HookClient,
    calls: Iterable[Call],
    folder: str,
    seconds: float = limit("rehearsal_seconds"),
    path: str | None = None,
    flags: Sequence[str] = (),
    **env: str,
) -> Rehearsal:
    """Run the client in a folder with a model that makes these calls, one after the other.

    `path` is its program, `flags` are given to it besides. Raises OSError when it cannot be started, ValueError for a
    client without a protocol.
    """
    protocol = client.rehearsal
    if protocol is None:
        raise ValueError(f"`{client.name}` does not run without an account")
    made: list[int] = []
    seen: list[str] = []

    def counted() -> Iterator[Call]:
        for call in calls:
            made.append(len(seen))
            yield call

    with scripted_model(protocol, counted(), seen) as (port, turns), _own_folder() as own:
        words, more = protocol.command(f"http://127.0.0.1:{port}")
        if protocol.defaults is not None:  # in a folder that nobody else can write to
            variable, text = protocol.defaults
            more[variable] = os.path.join(own, "defaults.json")
            with open(more[variable], "w", encoding="utf-8") as stream:
                stream.write(text)
        words[0] = path or program(client.name) or client.name
        words[-1:-1] = flags
        given = {**os.environ, "PWD": folder, **more, **env}  # as a shell says it; opencode believes it
        try:
            done = subprocess.run(
                words, cwd=folder, env=given, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=seconds,
            )  # fmt: skip
            code, printed = done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace")
        except subprocess.TimeoutExpired as error:
            code, printed = -1, f"no end within {seconds} seconds: {(error.stdout or b'')[-500:]!r}"
        return Rehearsal(code, printed, tuple(turns), tuple(made))


def _own_folder() -> tempfile.TemporaryDirectory[str]:
    home = os.path.expanduser("~")
    return tempfile.TemporaryDirectory(prefix=".policy-lang-", dir=home if os.access(home, os.W_OK) else None)


@contextmanager
def scripted_model(
    protocol: RehearsalProtocol, calls: Iterable[Call], seen: list[str] | None = None
) -> Iterator[tuple[int, list[str]]]:
    """A model on a port of loopback that makes these calls; the port, and what it is sent, one body a turn."""
    turns = [] if seen is None else seen
    left = iter(calls)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Nothing is logged."""

        def _send(self, body: bytes) -> None:
            self.send_response(200)
            kind = "text/event-stream" if body.startswith((b"event:", b"data:")) else "application/json"
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            """Lists of models and the like."""
            self._send(b'{"models":[],"data":[]}')

        def do_HEAD(self) -> None:
            """Only asked whether somebody is there."""
            self._send(b"")

        def do_POST(self) -> None:
            """One turn."""
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            try:
                value = json.loads(body)
            except ValueError:
                value = {}
            turns.append(body.decode("utf-8", "replace"))
            self._send(protocol.reply(self.path, value if isinstance(value, dict) else {}, left))

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1], turns
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
