"""Bytes between two sockets: bounded in memory and time, with half-closed connections kept as they are."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, TypeVar

from ..domain.faults import CallerError
from ..domain.limits import limit

_T = TypeVar("_T")
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""`struct linger` of no seconds: the peer sees that the connection broke, and takes nothing for whole (socket(7))."""

_MALFORMED = 400


class EgressError(CallerError):
    """A connection that is refused or has failed, with the status of HTTP that says so.

    `error` is its type by RFC 9209, by default what the status says; `parameters` are further ones of that header.
    `last` are the last words for a client that speaks something else than HTTP by now.
    """

    def __init__(self, status: int, reason: str, last: bytes = b"", error: str = "", parameters: str = "") -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.last = last
        self.parameters = parameters
        self.error = error or _ERRORS.get(status, "http_request_error")


_ERRORS = {403: "http_request_denied", 502: "destination_unavailable", 504: "connection_timeout"}


class Wire:
    """One connected socket, and what was read of it ahead of its use. Only the loop that serves it may use it.

    `address` is the peer's, where it was chosen from several.
    """

    def __init__(self, sock: socket.socket, address: str = "") -> None:
        sock.setblocking(False)
        if sock.family in {socket.AF_INET, socket.AF_INET6}:
            with contextlib.suppress(OSError):  # the peer may have gone already
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._loop = asyncio.get_running_loop()
        self.address = address
        self.moved = self._loop.time()
        """When, by the loop's clock, bytes went through last."""
        self.heard = False
        """Whether anything was received."""
        self.until: float | None = None
        """By when, by the loop's clock, what is received must have come; TimeoutError is raised then."""
        self.begun = False
        """Whether anything was sent, after which an error page would be taken for something else."""
        self._sock = sock
        self._descriptor = sock.fileno()  # a loop asks for it of a socket at some cost
        self._ahead = b""
        self._most = limit("egress_buffer_bytes")

    def begin(self) -> None:
        """Forget what was received and sent: another request begins here."""
        self.heard = bool(self._ahead)
        self.begun = False

    async def receive(self) -> bytes:
        """The next bytes, at most `egress_buffer_bytes`; none when the peer sends no more. Raises OSError."""
        if self._ahead:
            return self.ahead()
        while True:
            try:
                data = self._sock.recv(self._most)
            except (BlockingIOError, InterruptedError):
                await self.readable()
            else:
                break
        self.moved = self._loop.time()
        self.heard = self.heard or bool(data)
        return data

    async def readable(self) -> None:
        """Returns when there is something to receive, or the peer has ended or broken off; takes nothing."""
        if self._ahead:
            return
        waiting = self._loop.create_future()
        self._loop.add_reader(self._descriptor, _settle, waiting)
        timer = None if self.until is None else self._loop.call_at(self.until, _expire, waiting)
        try:
            await waiting
        finally:
            if timer is not None:
                timer.cancel()
            self._loop.remove_reader(self._descriptor)

    def due(self, seconds: float) -> None:
        """Have what is received from now on come within so many seconds."""
        self.until = self._loop.time() + seconds

    async def first(self) -> bytes:
        """The next byte, which stays to be received; none when the peer sends no more. Raises OSError."""
        data = await self.receive()
        self.put_back(data)
        return data[:1]

    def ahead(self) -> bytes:
        """What was received and not used yet."""
        data, self._ahead = self._ahead, b""
        return data

    async def take(self, count: int) -> bytes:
        """Exactly the next `count` bytes. Raises EgressError when the peer ends before; OSError."""
        data = b""
        while len(data) < count:
            part = await self.receive()
            if not part:
                raise EgressError(403, "the connection has ended before its first words were whole")
            data += part
        self.put_back(data[count:])
        return data[:count]

    def put_back(self, data: bytes) -> None:
        """Let `receive` return these bytes first."""
        self._ahead = data + self._ahead

    async def send(self, data: bytes) -> None:
        """Send all of it; returns when the system has taken it. Raises OSError, also when that takes too long."""
        self.begun = True
        try:
            sent = self._sock.send(data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        if sent < len(data):
            async with asyncio.timeout(limit("egress_idle_seconds")):
                await self._loop.sock_sendall(self._sock, memoryview(data)[sent:])
        self.moved = self._loop.time()

    def check(self) -> bool:
        """Whether there is something to receive, or the peer sends no more; takes nothing. Raises OSError."""
        try:
            self._sock.recv(1, socket.MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            return bool(self._ahead)
        return True

    @contextlib.contextmanager
    def watched(self, broken: Callable[[], object]) -> Iterator[None]:
        """Have `broken` called if the peer breaks the connection meanwhile. That it sends, or no more, is no break."""

        def look() -> None:
            self._loop.remove_reader(self._descriptor)
            try:
                self.check()
            except OSError:
                broken()

        self._loop.add_reader(self._descriptor, look)
        try:
            yield
        finally:
            self._loop.remove_reader(self._descriptor)

    def finish(self) -> None:
        """Send no more; what the peer sends is still received. Raises OSError."""
        self._sock.shutdown(socket.SHUT_WR)

    async def close_gently(self) -> None:
        """Close once the peer has taken what was sent: a system resets a connection whose bytes are left unread."""
        self.due(limit("egress_linger_seconds"))
        with contextlib.suppress(OSError):
            self.finish()
            while await self.receive():
                pass
        self.close()

    def close(self) -> None:
        """Close as if all had been said."""
        self._sock.close()

    def abort(self) -> None:
        """Close so that the peer sees that something is missing."""
        if self._sock.fileno() >= 0:
            with contextlib.suppress(OSError):
                self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            self._sock.close()


async def writable(sock: socket.socket, until: float) -> None:
    """Returns when a socket takes bytes, or has failed. Raises TimeoutError behind `until`, by the loop's clock."""
    loop = asyncio.get_running_loop()
    descriptor = sock.fileno()
    waiting = loop.create_future()
    loop.add_writer(descriptor, _settle, waiting)
    timer = loop.call_at(until, _expire, waiting)
    try:
        await waiting
    finally:
        timer.cancel()
        loop.remove_writer(descriptor)


def _settle(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)


def _expire(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_exception(TimeoutError())


async def read_head(wire: Wire, most: int, status: int) -> bytes:
    r"""Everything up to an empty line, which must end with `\r\n` as every other; what follows is put back.

    Empty when the peer closed before it sent anything. Raises EgressError with `status` for a head that is cut short,
    has a line that ends in another way, or more than `most` bytes; OSError.
    """
    head = b""
    while True:
        data = await wire.receive()
        if not data:
            if head:
                raise EgressError(status, "the head is cut short")
            return b""
        before = len(head)
        head += data
        first, line_end, _ = head.partition(b"\r\n")
        if not head[:1].isalpha() or (line_end and b"HTTP/" not in first):
            raise EgressError(status, "this is not HTTP")
        found = head.find(b"\r\n\r\n", max(0, before - 3))
        end = found + 4 if found >= 0 else len(head)
        new = head[before - 1 if before else 0 : end]
        if new.count(b"\n", 1) != new.count(b"\r\n"):
            raise EgressError(status, "a line of the head does not end with CR and LF")
        if end > most:
            raise EgressError(431 if status == _MALFORMED else status, f"the head is longer than {most} bytes")
        if found >= 0:
            wire.put_back(head[end:])
            return head[:end]


async def copy(source: Wire, sink: Wire) -> None:
    """Hand on what comes, and its end. Raises OSError."""
    while data := await source.receive():
        await sink.send(data)
    sink.finish()


async def relay(one: Wire, other: Wire) -> None:
    """Copy both ways until both have ended. Raises OSError, and EgressError when nothing moves any more."""
    async with moving(one, other):
        await together(copy(one, other), copy(other, one))


async def together(first: Coroutine[Any, Any, _T], second: Coroutine[Any, Any, object], *, both: bool = True) -> _T:
    """What the first gives, once both have ended, or the first alone. What one of them raises ends both."""
    tasks = asyncio.create_task(first), asyncio.create_task(second)
    awaited: set[asyncio.Task[Any]] = set(tasks)
    try:
        while tasks[0] in awaited or (both and awaited):
            done, awaited = await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        return tasks[0].result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def moving(*wires: Wire) -> AsyncIterator[None]:
    """Raises EgressError in what is done meanwhile when nothing has moved for `egress_idle_seconds`."""
    loop = asyncio.get_running_loop()
    seconds = limit("egress_idle_seconds")
    try:
        async with asyncio.timeout(None) as timeout:

            def look() -> None:
                last = max(wire.moved for wire in wires)
                if last + seconds <= loop.time():
                    timeout.reschedule(loop.time())
                else:
                    timers[:] = [loop.call_at(last + seconds, look)]

            timers = [loop.call_later(seconds, look)]
            try:
                yield
            finally:
                timers[0].cancel()
    except TimeoutError:
        raise EgressError(504, "nothing has come or gone for too long", error="http_response_timeout") from None
