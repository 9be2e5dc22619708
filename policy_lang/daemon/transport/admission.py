"""Admission of connections: listening sockets, the bounds on connections, and what is left when no descriptor is."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import time
from collections import Counter
from collections.abc import Callable, Mapping

from ...domain.limits import limit
from ..api.http import refusal
from ..identity.principals import Caller, Principals
from ..metrics import Metrics
from . import sockets
from .connection import REASONS, Connection
from .ports import Endpoint, PeerConnection

ConnectionFactory = Callable[[Endpoint, Caller], Connection]
"""Makes the connection of a peer to an endpoint."""
_REST = 0.1
"""Seconds without taking connections when no file descriptor is left, not even the one that was kept."""
_MOST_STRANGERS = limit("strangers")
_REFUSAL = refusal("PLR208", "the service takes no more connections of this caller")
REFUSED = b"HTTP/1.1 %d %s\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%s" % (
    _REFUSAL.status,
    REASONS[_REFUSAL.status],
    len(_REFUSAL.body),
    _REFUSAL.body,
)


class Admission:
    """Accepts the connections of some listeners, each with its endpoint, and knows those that are open."""

    def __init__(
        self,
        listeners: Mapping[socket.socket, Endpoint],
        principals: Principals,
        metrics: Metrics,
        connect: ConnectionFactory,
        record_event: Callable[..., None],
    ) -> None:
        self.connections: set[PeerConnection] = set()
        self._endpoints = dict(listeners)
        self._principals = principals
        self._metrics = metrics
        self._connect = connect
        self._record_event = record_event
        self._per_peer: Counter[int | None] = Counter()
        """By user; those over TCP of whom it is not known are counted together."""
        self._attaching: set[asyncio.Task[None]] = set()
        self._strangers: dict[int, float] = {}
        self._spare: int | None = None
        self._closed = False

    @property
    def places(self) -> list[str]:
        """Where the listeners are."""
        return [_place(listener) for listener in self._endpoints]

    def listen(self) -> None:
        """Take connections from now on."""
        self._spare = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        for listener in self._endpoints:
            asyncio.get_running_loop().add_reader(listener.fileno(), self._accept, listener)

    def close(self) -> None:
        """Take no more connections."""
        self._closed = True
        for listener in self._endpoints:
            asyncio.get_running_loop().remove_reader(listener.fileno())
            listener.close()

    def gone(self, connection: PeerConnection) -> None:
        """A connection has ended."""
        if connection in self.connections:
            self.connections.discard(connection)
            self._metrics.connected(len(self.connections))
            user = connection.peer.seen
            self._per_peer[user] -= 1
            if not self._per_peer[user]:
                del self._per_peer[user]

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(limit("accepted_at_once")):  # others are served between
            try:
                connection, _address = listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in {errno.EMFILE, errno.ENFILE}:
                    self._turn_away(listener)
                return
            connection.setblocking(False)
            self._begin(connection, listener)

    def _turn_away(self, listener: socket.socket) -> None:
        """No file descriptor is left: use the one kept for this to answer and close, so that nobody waits."""
        if self._spare is None:  # somebody took its place: rest a little rather than spin
            loop = asyncio.get_running_loop()
            loop.remove_reader(listener.fileno())
            loop.call_later(_REST, self._listen_again, listener)
            return
        os.close(self._spare)
        self._spare = None
        try:
            connection, _address = listener.accept()
            self._refuse(connection, "files")
        except OSError:
            pass
        finally:
            with contextlib.suppress(OSError):
                self._spare = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)

    def _listen_again(self, listener: socket.socket) -> None:
        if self._closed:
            return
        with contextlib.suppress(OSError):
            self._spare = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        asyncio.get_running_loop().add_reader(listener.fileno(), self._accept, listener)

    def _begin(self, connection: socket.socket, listener: socket.socket) -> None:
        if listener.family != socket.AF_UNIX:
            caller = Caller(user=sockets.tcp_user(connection))
        else:
            uid, gid, pid = sockets.peer(connection)
            if not self._principals.known(uid, gid):
                self._stranger(uid, gid=gid, pid=pid, program=sockets.peer_program(connection, pid))
                self._refuse(connection, "unknown-peer")
                return
            caller = Caller(uid, gid, groups=sockets.peer_groups(connection))
        if self._endpoints[listener].people and self._principals.barred(caller):
            self._refuse(connection, "barred")
            return
        if len(self.connections) >= limit("connections"):
            self._refuse(connection, "connections")
            return
        if self._per_peer[caller.seen] >= limit("connections_per_peer"):
            self._refuse(connection, "connections-of-peer")
            return
        made = self._connect(self._endpoints[listener], caller)
        self.connections.add(made)
        self._metrics.connected(len(self.connections))
        self._per_peer[caller.seen] += 1
        task = asyncio.get_running_loop().create_task(self._attach(connection, made))
        self._attaching.add(task)
        task.add_done_callback(self._attaching.discard)

    async def _attach(self, connection: socket.socket, made: Connection) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(lambda: made, connection)
        except OSError:
            connection.close()
            self.gone(made)

    def _stranger(self, uid: int, **fields: object) -> None:
        """Somebody connected who has no business here; told once a second for each user, or it would fill the log."""
        now = time.monotonic()
        if now - self._strangers.get(uid, -1.0) >= 1:
            if len(self._strangers) >= _MOST_STRANGERS:
                self._strangers.clear()
            self._strangers[uid] = now
            self._record_event("refused", why="no principal", uid=uid, **fields)

    def _refuse(self, connection: socket.socket, why: str) -> None:
        self._metrics.refused[why] += 1
        with contextlib.suppress(OSError), connection:
            connection.setblocking(False)
            connection.send(REFUSED)


def _place(listener: socket.socket) -> str:
    name = listener.getsockname()
    return name if isinstance(name, str) else f"{name[0]}:{name[1]}"
