"""One connection: calls are read, answered and written in order, one answer for one call, everything in its time."""

from __future__ import annotations

import asyncio
import time
from functools import partial

from ...domain.limits import limit
from ..api.http import Answered, DeferredReply, HttpCall, HttpReply, LongPoll, refusal
from ..identity.principals import Caller
from . import sockets
from .call_queue import CallQueue
from .call_reader import CallReader
from .ports import Endpoint, Headers, ServerPort

_REQUEST_SECONDS = limit("request_seconds")
REASONS = {
    200: b"OK", 201: b"Created", 202: b"Accepted", 303: b"See Other", 400: b"Bad Request", 403: b"Forbidden",
    404: b"Not Found",
    405: b"Method Not Allowed", 408: b"Request Timeout", 409: b"Conflict", 411: b"Length Required",
    413: b"Content Too Large",
    429: b"Too Many Requests", 431: b"Request Header Fields Too Large", 500: b"Internal Server Error",
    503: b"Service Unavailable",
}  # fmt: skip


class Connection(asyncio.Protocol):
    """Reads calls from one peer and writes their replies, in order."""

    def __init__(self, server: ServerPort, endpoint: Endpoint, peer: Caller) -> None:
        self.server = server
        self.peer = peer
        self.deadline = time.monotonic() + _REQUEST_SECONDS
        self._endpoint = endpoint
        self._queue = CallQueue(server, endpoint, peer.seen, self)
        self._reader = CallReader(peer, self._peer_now, endpoint.admit, self._queue.called, self._continue)
        self._transport: asyncio.Transport | None = None
        self._closing = False
        self._held = 0
        """Replies that wait for their records, or for people."""
        self._waiting = False
        """Whether a call waits for people. What comes behind it is not answered: the connection closes behind it."""
        self._full = False
        """Whether the peer does not read its answers."""

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is ours."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.deadline = time.monotonic() + self._endpoint.idle
        transport.set_write_buffer_limits(high=1 << 18)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """The peer or we have closed it."""
        self._closing = True
        self._queue.gone()
        self.server.gone(self)

    def pause_writing(self) -> None:
        """The peer does not read its answers: take no more calls, and cut it when that lasts."""
        self._full = True
        if self._transport is not None:
            self._transport.pause_reading()
            self.deadline = time.monotonic() + _REQUEST_SECONDS

    def resume_writing(self) -> None:
        """It reads again."""
        self._full = False
        self._read_on()
        self.deadline = time.monotonic() + self._endpoint.idle

    def _read_on(self) -> None:
        if self._transport is not None and not self._queue.busy and not self._full:
            self._transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        """Bytes of calls, in whatever pieces."""
        if self._closing or self._waiting:
            return
        if not self._reader.begun:
            self.deadline = time.monotonic() + _REQUEST_SECONDS
        refused = self._reader.feed(data)
        if self._waiting:
            return
        if refused is not None:
            self._end(refused)
        elif self._reader.begun:  # another call may have begun behind one that is answered
            self.deadline = min(self.deadline, time.monotonic() + _REQUEST_SECONDS)

    def expire(self) -> None:
        """Too slow, or idle for too long."""
        if self._reader.begun and not self._closing:
            self.server.metrics.refused["slow"] += 1
            self._end(refusal("PLR214", "the call did not arrive in time"))
        self.abort()

    def abort(self) -> None:
        """Close without waiting for anything."""
        if self._transport is not None:
            self._transport.abort()
        else:
            self.deadline = float("inf")

    def close_if_idle(self) -> None:
        """Close when no call has begun."""
        if not self._reader.begun and not self._held and self._transport is not None and not self._closing:
            self._closing = True
            self._transport.close()

    # the reader's side

    def _peer_now(self) -> Caller:
        """The peer. Over TCP it is known only while it is there: looked up again, and the same as at first."""
        if self.peer.uid is not None or self._transport is None:
            return self.peer
        connection = self._transport.get_extra_info("socket")
        user = None if connection is None else sockets.tcp_user(connection)
        return self.peer if user == self.peer.user else Caller()

    def _continue(self) -> None:
        if self._transport is not None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    # what answers the calls

    @property
    def over(self) -> bool:
        """See `CallLine`."""
        return self._waiting or self._closing

    def busy(self, busy: bool) -> None:
        """See `CallLine`."""
        self._held += 1 if busy else -1
        if not busy:
            self._read_on()
            self.deadline = time.monotonic() + (_REQUEST_SECONDS if self._reader.begun else self._endpoint.idle)
            return
        self.deadline = float("inf")  # the work has its time
        if self._transport is not None:
            self._transport.pause_reading()

    def deliver(self, answer: HttpReply | DeferredReply | LongPoll, call: HttpCall, keep: bool) -> None:
        """See `CallLine`."""
        keep = keep and not self.server.stopping
        self.deadline = time.monotonic() + self._endpoint.idle
        identity = call.headers.get(b"x-request-id", b"")
        if isinstance(answer, LongPoll):
            self._wait(answer, identity)
        elif isinstance(answer, DeferredReply) or self._held:
            self._hold(answer, keep, identity)
        else:
            self._write(answer, keep, identity)

    def _wait(self, answer: LongPoll, identity: bytes) -> None:
        """Answer when there is something to say, or when the time is over; the connection closes behind it."""
        self._held += 1
        self._waiting = True
        self.deadline += answer.seconds

        def write(made: Answered) -> None:
            self._held -= 1
            assert isinstance(made, HttpReply | DeferredReply)
            self._write(made.make() if isinstance(made, DeferredReply) else made, False, identity)

        if not self.server.wait(answer, write, lambda: self._closing, self.peer.seen):
            write(refusal("PLR216", "too many calls wait for people already"))

    def _hold(self, answer: HttpReply | DeferredReply, keep: bool, identity: bytes) -> None:
        """Answer behind the records of this call and of those before it."""
        self._held += 1

        def write() -> None:
            self._held -= 1
            self._write(answer.make() if isinstance(answer, DeferredReply) else answer, keep, identity)

        self.server.hold(write)

    # answering

    def _end(self, answer: HttpReply) -> None:
        if self._closing:
            return
        if self._queue.busy:
            self._queue.later(partial(self._end, answer))
        elif self._held:
            self._hold(answer, False, self._reader.identity)
        else:
            self._write(answer, False, self._reader.identity)

    def _write(self, answer: HttpReply, keep: bool, identity: bytes) -> None:
        if self._transport is None or self._closing:
            return
        self.server.metrics.replies[answer.status] += 1
        plain = (
            identity.isascii() and identity.decode("ascii").isprintable() and len(identity) <= limit("request_id_bytes")
        )
        more = b"".join(b"%s: %s\r\n" % (k.encode("ascii"), v.encode("ascii")) for k, v in answer.headers)
        echoed = b"x-request-id: %s\r\n" % identity if identity and plain else b""
        self._transport.write(
            b"HTTP/1.1 %d %s\r\ncontent-type: %s\r\ncontent-length: %d\r\ncache-control: no-store\r\n%s%s\r\n%s"
            % (
                answer.status, REASONS[answer.status], answer.kind.encode("ascii"), len(answer.body), more + echoed,
                b"" if keep else b"connection: close\r\n", answer.body,
            )
        )  # fmt: skip
        if not keep:
            self._closing = True
            self._transport.close()


def admit(method: bytes, headers: Headers, peer: Caller) -> HttpReply | None:  # noqa: ARG001
    """Who may call the interface at all: what a browser would send is refused, so that no web page can ask."""
    if b"origin" in headers:
        return refusal("PLR215", "web pages may not ask")
    if peer.uid is None and not _loopback(headers.get(b"host", b"")):
        return refusal("PLR215", "the `Host` is not a loopback address")
    return None


def _loopback(host: bytes) -> bool:
    name = host.rpartition(b":")[0] if not host.endswith(b"]") and b":" in host else host
    return name in {b"127.0.0.1", b"localhost", b"[::1]"}
