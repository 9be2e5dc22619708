"""The launcher's end of the channel: it answers hooks inside, whose requests are confined because they come by it.

It speaks the service's HTTP, so a hook asks it as it asks the service. Nothing that a request says of itself makes it
confined, or another principal's: the launcher says so, whose processes alone reach this socket.
"""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from ..audit.recorder import commit, watched
from ..domain import strict_json
from ..domain.actions import DENY
from ..domain.errors import RequestError
from ..domain.faults import PolicyLangError
from ..domain.limits import limit
from ..domain.record import replace
from ..domain.serialize import decision_json
from ..engine.nearest import advice

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    from ..audit.log import DecisionLog
    from ..domain.request import Request
    from .port import DecisionPort

    class Answers(Protocol):
        """What answers calls of hooks: a status and a body."""

        def answer(self, method: str, route: str, body: bytes) -> tuple[int, bytes]:
            """The answer to one call. Raises PolicyLangError for what is not to be answered."""


_MOST_BODY = limit("batch_bytes")
_MOST_CALLS = limit("walls_waiting")
_SECONDS = limit("call_seconds")
_BATCH = "/v1/decide/batch"
_LOOK = 0.02
"""Seconds between two looks at whether it is to stop, which the end of every command waits for."""


class PolicyAnswers:
    """Answers by the policy itself. Nobody can be asked: what asks says so; the client may have a prompt of its own."""

    def __init__(self, port: DecisionPort, log: DecisionLog | None) -> None:
        self._port = port
        self._log = log

    def answer(self, method: str, route: str, body: bytes) -> tuple[int, bytes]:
        """The answer to one batch of questions."""
        if (method, route) != ("POST", _BATCH):
            return 404, _fault("PLR105", "the launcher answers batches of questions alone")
        from ..wire.requests import json_object, request_of, validated
        from ..wire.service import BatchModel

        model = validated(BatchModel, json_object(body, _MOST_BODY))
        requests = [self._bound(request_of(value)) for value in model.requests]
        policy = self._port.policy
        requests = [policy.timed(r) for r in requests]
        found = [watched(policy.engine.decide, r, {"by": "walls"}) for r in requests]
        if self._log is not None:
            commit(self._log, found)
        decisions = [one.decision for one in found]
        out: list[dict[str, Any]] = [decision_json(d, r.id) for d, r in zip(decisions, requests, strict=True)]
        denied = next((place for place, d in enumerate(decisions) if d.effect == DENY), -1)
        if model.advise and denied >= 0:
            said = advice(policy.engine, requests, decisions)
            out[denied] |= {"advice": said} if said else {}
        return 200, strict_json.dump({"decisions": out})

    def _bound(self, request: Request) -> Request:
        """The request as one of this box's: its principal, its folders, and that it is confined are the launcher's."""
        like = self._port.like
        return replace(
            request, agent=like.agent, repo=like.repo, workspace=like.workspace, home=like.home, tmp=like.tmp,
            confined=True,
        )  # fmt: skip


def _fault(code: str, message: str) -> bytes:
    return strict_json.dump({"error": {"code": code, "message": message}})


class HookChannel:
    """Serves one listening socket inside until it is stopped."""

    def __init__(self, listener: socket.socket, answers: Answers) -> None:
        self._server = _Server(listener, answers)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(_LOOK,), name="channel", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, listener: socket.socket, answers: Answers) -> None:
        super().__init__(("", 0), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.answers = answers
        self._room = threading.Semaphore(_MOST_CALLS)

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ARG002 (the library's form)
        """Whether the supervisor has connected it, for a process inside: who connects by itself is outside."""
        pid, _, _ = struct.unpack("=3i", request.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        return bool(pid == os.getpid())

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread of its own, as long as there is room for one."""
        if self._room.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """One connection, and then there is room again."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that ended in the middle is the caller's own affair."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _SECONDS

    def do_POST(self) -> None:
        self._answered()

    def do_GET(self) -> None:
        self._answered()

    def _answered(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdecimal() or int(length) > _MOST_BODY:
            self.close_connection = True
            return self._send(413, _fault("PLR101", f"the body is not of a plain length up to {_MOST_BODY} bytes"))
        body = self.rfile.read(int(length))
        server = self.server
        assert isinstance(server, _Server)
        try:
            return self._send(*server.answers.answer(self.command, self.path, body))
        except RequestError as error:
            return self._send(400, _fault(error.code, error.message))
        except PolicyLangError as error:
            return self._send(503, _fault("PLI003", str(error)))

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the library's name)
        """Nothing: decisions are recorded where they are made."""


class ServiceAnswers:
    """Answers by a service, as the confined session that the launcher has started there; and asks its people.

    `token` is the session's; it stays with the launcher.
    """

    def __init__(self, path: str, token: str, wait: int) -> None:
        self._path = path
        self._token = token
        self._wait = wait

    def answer(self, method: str, route: str, body: bytes) -> tuple[int, bytes]:
        """The service's own answer. Raises ChannelError when it does not answer."""
        from ..pep.channel import exchange

        if not route.startswith(("/v1/decide", "/v1/approvals/")):
            return 404, _fault("PLR105", "no such route for who is behind walls")
        waits = time.monotonic() + self._wait + _SECONDS
        return exchange(self._path, method, route, body, waits, self._token)
