"""The launcher's end of the channel: it hears hooks inside, and speaks the service's HTTP with them.

The supervisor connects them: who connects by itself is outside, and is not heard.
"""

from __future__ import annotations

import os
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from ..domain.errors import RequestError
from ..domain.faults import PolicyLangError
from ..domain.limits import limit
from .answers import fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .answers import Answers

_MOST_BODY = limit("batch_bytes")
_MOST_CALLS = limit("walls_waiting")
_SECONDS = limit("call_seconds")


class HookChannel:
    """Serves one listening socket inside until it is stopped."""

    def __init__(self, listener: socket.socket, answers: Answers) -> None:
        self._server = _Server(listener, answers)
        self._thread = threading.Thread(target=self._server.serve_forever, name="channel", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Answer no more."""
        threading.Thread(target=self._server.shutdown, daemon=True).start()  # it looks twice a second


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
            return self._send(413, fault("PLR101", f"the body is not of a plain length up to {_MOST_BODY} bytes"))
        body = self.rfile.read(int(length))
        server = self.server
        assert isinstance(server, _Server)
        try:
            return self._send(*server.answers.answer(self.command, self.path, body))
        except RequestError as error:
            return self._send(400, fault(error.code, error.message))
        except PolicyLangError as error:
            return self._send(503, fault("PLI001", str(error)))

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the library's name)
        """Nothing: decisions are recorded where they are made."""
