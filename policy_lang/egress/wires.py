"""Bytes between two sockets: bounded in memory and time, with half-closed connections kept as they are."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Coroutine
from typing import Any

from ..domain.faults import CallerError
from ..domain.limits import limit

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""`struct linger` of no seconds: the peer sees that the connection broke, and takes nothing for whole (socket(7))."""

_MALFORMED = 400


class EgressError(CallerError):
    """A connection that is refused or has failed, with the status of HTTP that says so.

    `last` are the last words for a client that speaks something else by now.
    """

    def __init__(self, status: int, reason: str, last: bytes = b"") -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.last = last


class Wire:
    """One connected socket, and what was read of it ahead of its use. Only the loop that serves it may use it."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        if sock.family in {socket.AF_INET, socket.AF_INET6}:
            with contextlib.suppress(OSError):  # the peer may have gone already
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.moved = asyncio.get_running_loop().time()
        """When, by the loop's clock, bytes went through last."""
        self.heard = False
        """Whether anything was received."""
        self.begun = False
        """Whether anything was sent, after which an error page would be taken for something else."""
        self._sock = sock
        self._ahead = b""

    async def receive(self) -> bytes:
        """The next bytes, at most `egress_buffer_bytes`; none when the peer sends no more. Raises OSError."""
        if self._ahead:
            data, self._ahead = self._ahead, b""
            return data
        loop = asyncio.get_running_loop()
        data = await loop.sock_recv(self._sock, limit("egress_buffer_bytes"))
        self.moved = loop.time()
        self.heard = self.heard or bool(data)
        return data

    async def take(self, count: int) -> bytes:
        """Exactly the next `count` bytes. Raises EgressError when the peer ends before; OSError."""
        data = b""
        while len(data) < count:
            part = await self.receive()
            if not part:
                raise EgressError(403, "the connection has ended before TLS began")
            data += part
        self.put_back(data[count:])
        return data[:count]

    def put_back(self, data: bytes) -> None:
        """Let `receive` return these bytes first."""
        self._ahead = data + self._ahead

    async def send(self, data: bytes) -> None:
        """Send all of it; returns when the system has taken it. Raises OSError, also when that takes too long."""
        loop = asyncio.get_running_loop()
        self.begun = True
        async with asyncio.timeout(limit("egress_idle_seconds")):
            await loop.sock_sendall(self._sock, data)
        self.moved = loop.time()

    def finish(self) -> None:
        """Send no more; what the peer sends is still received. Raises OSError."""
        self._sock.shutdown(socket.SHUT_WR)

    async def close_gently(self) -> None:
        """Close once the peer has taken what was sent: a system resets a connection whose bytes are left unread."""
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(limit("egress_linger_seconds")):
                self.finish()
                while await self.receive():
                    pass
        self.close()

    def close(self) -> None:
        """Close as if all had been said."""
        self._sock.close()

    def abort(self) -> None:
        """Close so that the peer sees that something is missing."""
        with contextlib.suppress(OSError):
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._sock.close()


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
        if not head[:1].isalpha():
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
    await together((one, other), copy(one, other), copy(other, one))


async def together(
    wires: tuple[Wire, Wire], first: Coroutine[Any, Any, None], second: Coroutine[Any, Any, None], *, until: int = 2
) -> None:
    """Do two things at once until both have ended, or the first `until` of them.

    What one of them raises ends both. Raises EgressError when nothing has moved for `egress_idle_seconds`.
    """
    tasks = [asyncio.create_task(job) for job in (first, second)]
    watcher = asyncio.create_task(_until_still(wires))
    awaited = set(tasks[:until])
    try:
        while awaited:
            done, _ = await asyncio.wait({*tasks, watcher}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            awaited -= done
            tasks = [task for task in tasks if task not in done]
    finally:
        for task in (*tasks, watcher):
            task.cancel()
        await asyncio.gather(*tasks, watcher, return_exceptions=True)


async def _until_still(wires: tuple[Wire, Wire]) -> None:
    loop = asyncio.get_running_loop()
    while True:
        left = max(w.moved for w in wires) + limit("egress_idle_seconds") - loop.time()
        if left <= 0:
            raise EgressError(504, "nothing has come or gone for too long")
        await asyncio.sleep(left)
