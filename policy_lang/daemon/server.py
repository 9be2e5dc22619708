"""The service's loop: connections, their limits, the policy's changes, an orderly end."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import json
import os
import signal
import socket
import stat
import time
from collections import Counter
from collections.abc import Callable

from ..approvals.store import StoreUnavailableError
from ..domain.errors import RequestError
from ..domain.limits import limit
from . import sockets
from .connection import Connection
from .service import Answered, Later, Service, refusal

_LOOK = 0.25
"""Seconds between looks at the policy's files and at the connections' deadlines."""
_LOG = 2
_MOST_LINE = 4000
"""Bytes: below PIPE_BUF (pipe(7)), so that a line is written whole or not at all."""
_QUIET, _SELDOM, _LATEST = 2.0, 60.0, 900.0
"""Seconds: a full collection of garbage waits for so long a pause between calls, comes no more often, and no later."""
_REST = 0.1
"""Seconds without taking connections when no file descriptor is left, not even the one that was kept."""
_MOST_STRANGERS = 1024
_CHECKPOINT = 60.0
"""Seconds after which the decision log is signed, when something was added."""
_SESSIONS = 60
"""Seconds between looks for idle sessions."""


def log(event: str, **fields: object) -> None:
    """One line of JSON on standard error: the service's own log. ASCII, so that nothing forges a line.

    A line that cannot be written now is dropped: whoever reads the log, or has stopped to, never holds up an answer.
    """
    line = json.dumps({"time": round(time.time(), 3), "event": event, **fields}, default=str)
    with contextlib.suppress(OSError):
        os.write(_LOG, line.encode("ascii")[:_MOST_LINE] + b"\n")


def unblock_log() -> None:
    """A pipe or socket behind the log is not waited for. A terminal is left alone: others share its mode."""
    with contextlib.suppress(OSError):
        mode = os.fstat(_LOG).st_mode
        if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
            os.set_blocking(_LOG, False)


def notify() -> None:
    """Tell systemd that answers are given (sd_notify(3)), when it asks to be told."""
    place = os.environ.get("NOTIFY_SOCKET", "")
    if place.startswith(("/", "@")):
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.sendto(b"READY=1", "\0" + place[1:] if place.startswith("@") else place)


Face = Callable[["Server", int | None], Connection]
"""Makes a connection of another kind: the console's."""


class Server:
    """Serves one policy on one or more listening sockets until it is told to stop.

    `faces` says which listeners take connections of another kind.
    """

    def __init__(
        self, service: Service, listeners: list[socket.socket], faces: dict[socket.socket, Face] | None = None
    ) -> None:
        self.service = service
        self.listeners = listeners
        self._faces = faces or {}
        self.connections: set[Connection] = set()
        self.per_peer: Counter[int | None] = Counter()
        self.last_call = self._collected = time.monotonic()
        self._signed = time.monotonic()
        self._strangers: dict[int, float] = {}
        self._spent: dict[int | None, float] = {}
        self.stopping = False
        self._stop = asyncio.Event()
        self._wanted = asyncio.Event()
        self._spare: int | None = None
        self._held: list[Callable[[], None]] = []
        self._committing = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiters: dict[object, Callable[[], None]] = {}
        service.gauges = lambda: {"connections": len(self.connections)}
        service.waiting = self._commit_soon
        service.reload = self._wanted.set
        service.look_again = self._look_again
        if service.approvals is not None:
            service.approvals.changed = self._look_again

    async def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Serve until SIGTERM or SIGINT. SIGHUP reads the policy again. `ready` is called when answers are given."""
        unblock_log()
        gc.disable()  # a full collection takes 0.2 s once the caches are warm: it waits for a pause (`_collect`)
        loop = self._loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._wanted.set)
        await self._load()
        self._spare = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        for listener in self.listeners:
            loop.add_reader(listener.fileno(), self._accept, listener)
        tasks = [asyncio.create_task(t) for t in (self._watch(), self._sweep(), self._end_idle_sessions())]
        self.service.tell(
            "serving", policy=self.service.active.path, on=[_place(s) for s in self.listeners], pid=os.getpid()
        )
        ready()
        await self._stop.wait()
        await self._shut(loop)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.service.tell("stopped")
        self._commit()
        self.service.close()

    async def _shut(self, loop: asyncio.AbstractEventLoop) -> None:
        """Take no more calls; answer what has begun, within the limit."""
        self.stopping = True
        for listener in self.listeners:
            loop.remove_reader(listener.fileno())
            listener.close()
        deadline = time.monotonic() + limit("drain_seconds")
        while self.connections and time.monotonic() < deadline:
            for connection in list(self.connections):
                connection.close_if_idle()
            await asyncio.sleep(0.01)
        for connection in list(self.connections):
            connection.abort()

    # the policy

    async def _load(self) -> None:
        active = self.service.active
        before = active.current
        if await active.load():
            assert active.current is not None
            if before is None or before.policy.digest != active.current.policy.digest:
                self.service.tell("policy-loaded", digest=active.current.policy.digest)
        else:
            in_force = None if before is None else before.policy.digest
            self.service.tell("policy-refused", error=active.error, in_force=in_force)

    async def _watch(self) -> None:
        """Read the policy again when its files change or somebody asks."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK):
                    await self._wanted.wait()
            if self._wanted.is_set() or self.service.active.changed:
                self._wanted.clear()
                await self._load()

    async def _end_idle_sessions(self) -> None:
        while True:
            await asyncio.sleep(_SESSIONS)
            for session in self.service.state.idle(time.time()):
                self.service.forget(session.token)
                self.service.tell("session-ended", session=session.id, why="idle")

    # records

    def wait(self, answer: Later, write: Callable[[Answered], None], gone: Callable[[], bool]) -> bool:
        """Look for a reply again and again, until it is there or the time is over. False when too many wait."""
        if len(self._waiters) >= limit("approvals_waiting"):
            return False
        loop = asyncio.get_running_loop()
        until = loop.time() + answer.seconds
        name = object()
        timer: asyncio.TimerHandle | None = None

        def look() -> None:
            nonlocal timer
            if timer is not None:
                timer.cancel()
            last = loop.time() >= until or self.stopping
            try:
                made = None if gone() else answer.look(last)
            except (RequestError, StoreUnavailableError) as error:
                made = refusal("PLR237", str(error))
            if made is None and not gone() and not last:
                timer = loop.call_later(_LOOK, look)
                return
            del self._waiters[name]
            if made is not None:
                write(made)

        self._waiters[name] = look
        timer = loop.call_later(_LOOK, look)
        return True

    def _look_again(self) -> None:
        """Something has changed that somebody may wait for. From any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._look_all)

    def _look_all(self) -> None:
        for look in list(self._waiters.values()):
            look()

    def hold(self, write: Callable[[], None]) -> None:
        """Send a reply when its records are on the disk. All that arrived together are written together."""
        self._held.append(write)
        self._commit_soon()

    def _commit_soon(self) -> None:
        if not self._committing:
            self._committing = True
            asyncio.get_running_loop().call_soon(self._commit)

    def _commit(self) -> None:
        self._committing = False
        held, self._held = self._held, []
        try:
            self.service.commit()
        finally:
            for write in held:
                write()

    # connections

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(16):  # others are served between
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
        if self.stopping:
            return
        with contextlib.suppress(OSError):
            self._spare = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        asyncio.get_running_loop().add_reader(listener.fileno(), self._accept, listener)

    def _begin(self, connection: socket.socket, listener: socket.socket) -> None:
        uid = gid = user = None
        if listener.family != socket.AF_UNIX:
            user = sockets.tcp_user(connection)
        else:
            uid, gid, pid = sockets.peer(connection)
            if not self.service.principals.known(uid, gid):
                self._stranger(uid, gid=gid, pid=pid, program=sockets.peer_program(connection, pid))
                self._refuse(connection, "unknown-peer")
                return
        if len(self.connections) >= limit("connections"):
            self._refuse(connection, "connections")
            return
        if self.per_peer[uid] >= limit("connections_per_peer"):
            self._refuse(connection, "connections-of-peer")
            return
        face = self._faces.get(listener)
        made = Connection(self, uid, gid, user) if face is None else face(self, user)
        self.connections.add(made)
        self.per_peer[uid] += 1
        task = asyncio.get_running_loop().create_task(self._attach(connection, made))
        made.task = task

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
            if len(self._strangers) > _MOST_STRANGERS:
                self._strangers.clear()
            self._strangers[uid] = now
            self.service.tell("refused", why="no principal", uid=uid, **fields)

    def _refuse(self, connection: socket.socket, why: str) -> None:
        self.service.metrics.refused[why] += 1
        with contextlib.suppress(OSError), connection:
            connection.setblocking(False)
            connection.send(REFUSED)

    def gone(self, connection: Connection) -> None:
        """A connection has ended."""
        if connection in self.connections:
            self.connections.discard(connection)
            self.per_peer[connection.uid] -= 1
            if not self.per_peer[connection.uid]:
                del self.per_peer[connection.uid]

    async def _sweep(self) -> None:
        """Cut what is too slow."""
        while True:
            await asyncio.sleep(_LOOK)
            now = time.monotonic()
            for connection in list(self.connections):
                if now >= connection.deadline:
                    connection.expire()
            self._collect(now)
            if now - self._signed > _CHECKPOINT:
                self._signed = now
                self.service.checkpoint()

    def _collect(self, now: float) -> None:
        """Collect young garbage now, and all of it when nobody asks."""
        gc.collect(1)
        since = now - self._collected
        if since > _LATEST or (since > _SELDOM and now - self.last_call > _QUIET):
            gc.collect()
            self._collected = time.monotonic()

    def late(self, uid: int | None) -> bool:
        """True when a user's calls that arrived together have been worked on for too long: its others are refused.

        Users are counted apart, so one that asks much makes the others wait a little and never takes their turn.
        """
        return self._spent.get(uid, 0.0) * 1000 > limit("wait_milliseconds")

    def spent(self, uid: int | None, seconds: float) -> None:
        """Note the processor's time that an answer took, until the loop comes round."""
        if not self._spent:
            asyncio.get_running_loop().call_soon(self._spent.clear)
        self._spent[uid] = self._spent.get(uid, 0.0) + seconds
        self.last_call = time.monotonic()


_BODY = b'{"error":{"code":"PLR208","message":"the service takes no more connections of this caller"},"effect":"deny"}'
REFUSED = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nconnection: close\r\n"
    b"content-length: %d\r\n\r\n%s" % (len(_BODY), _BODY)
)


def _place(listener: socket.socket) -> str:
    name = listener.getsockname()
    return name if isinstance(name, str) else f"{name[0]}:{name[1]}"
