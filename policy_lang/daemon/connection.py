"""One connection: HTTP/1.1 by httptools (Node's llhttp, strict), everything bounded, one answer for one call.

Only what a client of ours needs is taken: a length for every body, no other transfer coding, no upgrade. What a browser
would send (`Origin`, a foreign `Host`) is refused, so that no web page can ask.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import httptools

from ..domain.limits import limit
from .principals import Caller
from .routes import handle
from .service import Answered, Call, Held, Later, Reply, Service, refusal

if TYPE_CHECKING:
    from .server import Server

_MOST_HEAD = limit("http_head_bytes")
_MOST_HEADERS = limit("http_headers")
_MOST_BODY = limit("batch_bytes")
_REQUEST_SECONDS = limit("request_seconds")
_IDLE_SECONDS = limit("idle_seconds")
_REASONS = {
    200: b"OK", 201: b"Created", 202: b"Accepted", 303: b"See Other", 400: b"Bad Request", 403: b"Forbidden",
    404: b"Not Found",
    405: b"Method Not Allowed", 408: b"Request Timeout", 409: b"Conflict", 411: b"Length Required",
    413: b"Content Too Large",
    429: b"Too Many Requests", 431: b"Request Header Fields Too Large", 500: b"Internal Server Error",
    503: b"Service Unavailable",
}  # fmt: skip

_LONG = refusal("PLR101", f"the head of the call is longer than {_MOST_HEAD} bytes", 431)


class Connection(asyncio.Protocol):
    """Reads calls from one peer and writes their replies, in order."""

    def __init__(self, server: Server, uid: int | None, gid: int | None, user: int | None = None) -> None:
        self.server = server
        self.uid = uid
        self.gid = gid
        self.user = user
        self.task: asyncio.Task[None] | None = None
        self.deadline = time.monotonic() + _REQUEST_SECONDS
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._closing = False
        self._held = 0
        """Replies that wait for their records."""
        self._reset()

    def _reset(self) -> None:
        self._received = 0
        self._url = b""
        self._headers: dict[bytes, bytes] = {}
        self._count = 0
        self._head = 0
        self._body: list[bytes] = []
        self._in_body = False
        self._begun = False
        self._fault: Reply | None = None
        self._waiting = 0.0

    def handle(self, service: Service, call: Call) -> Answered:
        """What the service answers."""
        return handle(service, call)

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is ours."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.deadline = time.monotonic() + _IDLE_SECONDS
        transport.set_write_buffer_limits(high=1 << 18)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """The peer or we have closed it."""
        self._closing = True
        self.server.gone(self)

    def pause_writing(self) -> None:
        """The peer does not read its answers: take no more calls, and cut it when that lasts."""
        if self._transport is not None:
            self._transport.pause_reading()
            self.deadline = time.monotonic() + _REQUEST_SECONDS

    def resume_writing(self) -> None:
        """It reads again."""
        if self._transport is not None:
            self._transport.resume_reading()
            self.deadline = time.monotonic() + _IDLE_SECONDS

    def data_received(self, data: bytes) -> None:
        """Bytes of calls, in whatever pieces."""
        if self._closing:
            return
        if not self._begun:
            self._begun = True
            self.deadline = time.monotonic() + _REQUEST_SECONDS
        self._received += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._end(refusal("PLR213", "the connection cannot be upgraded"))
        except httptools.HttpParserError:
            self._end(self._fault or refusal("PLR213", "this is not HTTP/1.1 as the service takes it"))
        else:
            if self._begun:  # another call may have begun behind one that is answered
                self.deadline = min(self.deadline, time.monotonic() + _REQUEST_SECONDS)
            if not self._in_body and self._begun and self._received > _MOST_HEAD and not self._closing:
                self._end(_LONG)

    def expire(self) -> None:
        """Too slow, or idle for too long."""
        if self._begun and not self._closing:
            self.server.service.metrics.refused["slow"] += 1
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
        if not self._begun and not self._held and self._transport is not None and not self._closing:
            self._closing = True
            self._transport.close()

    # the parser's side

    def on_message_begin(self) -> None:
        """A call begins; several may come in one piece."""
        if self._begun and self._url:
            self._reset()
        self._begun = True

    def on_url(self, url: bytes) -> None:
        """A part of the path."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        key = name.lower()
        self._count += 1
        self._head += len(name) + len(value) + 4
        if self._count > _MOST_HEADERS:
            self._stop(refusal("PLR101", f"more than {_MOST_HEADERS} headers", 431))
        if key in self._headers and key in {b"host", b"authorization", b"content-length", b"content-type"}:
            self._stop(refusal("PLR213", f"the header `{key.decode('ascii', 'replace')}` is given twice"))
        self._headers[key] = value

    def on_headers_complete(self) -> None:
        """The head is there: refuse now what would be refused anyway."""
        headers = self._headers
        if self._head + len(self._url) + len(self._parser.get_method()) + 14 > _MOST_HEAD:
            self._stop(_LONG)
        if b"upgrade" in headers:
            self._stop(refusal("PLR213", "the connection cannot be upgraded"))
        if b"transfer-encoding" in headers:
            self._stop(refusal("PLR213", "a body comes with its length, in no other coding", 411))
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or len(length) > 12 or int(length) > _MOST_BODY:
            self._stop(refusal("PLR101", f"the body is longer than {_MOST_BODY} bytes"))
        self._check(headers)
        if self._parser.get_http_version() != "1.1":
            self._stop(refusal("PLR213", "this is not HTTP/1.1"))
        self._in_body = True
        if headers.get(b"expect", b"").lower() == b"100-continue" and self._transport is not None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _check(self, headers: dict[bytes, bytes]) -> None:
        """Who may call at all."""
        if b"origin" in headers:
            self._stop(refusal("PLR215", "web pages may not ask"))
        if self.uid is None and not _loopback(headers.get(b"host", b"")):
            self._stop(refusal("PLR215", "the `Host` is not a loopback address"))

    def on_body(self, body: bytes) -> None:
        """A part of the body; the parser gives no more than its length."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """The whole call is there."""
        if self._waiting:
            return  # a call behind one that waits is not answered: the connection closes behind that
        began, cpu = time.perf_counter(), time.process_time()
        service = self.server.service
        if self.server.stopping or self.server.late(self.uid):
            service.metrics.refused["late"] += 1
            answer: Answered = refusal("PLR216", "the service is stopping or overloaded")
        else:
            token = self._headers.get(b"authorization", b"")
            caller = Caller(self.uid, self.gid, _token(token), self.user)
            path, _, query = self._url.decode("ascii", "replace").partition("?")
            body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
            method = self._parser.get_method().decode("ascii", "replace")
            answer = self.handle(service, Call(method, path, body, caller, query, self._headers))
        service.metrics.took(time.perf_counter() - began)
        self.server.spent(self.uid, time.process_time() - cpu)
        keep = self._parser.should_keep_alive() and not self.server.stopping
        if isinstance(answer, Later):
            self._wait(answer)
        elif isinstance(answer, Held) or self._held:
            self._hold(answer, keep)
        else:
            self._write(answer, keep)
        self._reset()
        self.deadline = time.monotonic() + (self._waiting or _IDLE_SECONDS)

    def _wait(self, answer: Later) -> None:
        """Answer when there is something to say, or when the time is over; the connection closes behind it."""
        self._held += 1
        self._waiting = answer.seconds + _IDLE_SECONDS
        identity = self._headers.get(b"x-request-id", b"")

        def write(made: Answered) -> None:
            self._held -= 1
            assert not isinstance(made, Later)
            self._write(made.make() if isinstance(made, Held) else made, False, identity)

        if not self.server.wait(answer, write, lambda: self._closing):
            write(refusal("PLR216", "too many calls wait for people already"))

    def _hold(self, answer: Reply | Held, keep: bool) -> None:
        """Answer behind the records of this call and of those before it."""
        identity = self._headers.get(b"x-request-id", b"")
        self._held += 1

        def write() -> None:
            self._held -= 1
            self._write(answer.make() if isinstance(answer, Held) else answer, keep, identity)

        self.server.hold(write)

    # answering

    def _stop(self, answer: Reply) -> None:
        """Refuse from inside the parser: it stops at the exception."""
        self._fault = answer
        raise ValueError("refused")

    def _end(self, answer: Reply) -> None:
        if self._held:
            self._hold(answer, keep=False)
        else:
            self._write(answer, keep=False)

    def _write(self, answer: Reply, keep: bool, identity: bytes | None = None) -> None:
        if self._transport is None or self._closing:
            return
        self.server.service.metrics.replies[answer.status] += 1
        if identity is None:
            identity = self._headers.get(b"x-request-id", b"")
        plain = identity.isascii() and identity.decode("ascii").isprintable() and len(identity) <= 200
        more = b"".join(b"%s: %s\r\n" % (k.encode("ascii"), v.encode("ascii")) for k, v in answer.headers)
        echoed = b"x-request-id: %s\r\n" % identity if identity and plain else b""
        self._transport.write(
            b"HTTP/1.1 %d %s\r\ncontent-type: %s\r\ncontent-length: %d\r\ncache-control: no-store\r\n%s%s\r\n%s"
            % (
                answer.status, _REASONS[answer.status], answer.kind.encode("ascii"), len(answer.body), more + echoed,
                b"" if keep else b"connection: close\r\n", answer.body,
            )
        )  # fmt: skip
        if not keep:
            self._closing = True
            self._transport.close()


def _token(header: bytes) -> str:
    kind, _, value = header.partition(b" ")
    if not header:
        return ""
    # another scheme is not a token of ours, and must not count as none
    return value.strip().decode("ascii", "replace") if kind.lower() == b"bearer" and value.strip() else "-"


def _loopback(host: bytes) -> bool:
    name = host.rpartition(b":")[0] if not host.endswith(b"]") and b":" in host else host
    return name in {b"127.0.0.1", b"localhost", b"[::1]"}
