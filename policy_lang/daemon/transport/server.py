"""The service's loop: from the first load of the policy to an orderly end."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import socket
import time
from collections.abc import Callable, Mapping

from ...domain.limits import limit
from ..api.http import Answered, LongPoll
from ..api.sessions import end_idle
from ..identity.principals import Caller
from ..service import PolicyService
from ..store_thread import StoreThread
from .admission import Admission
from .connection import Connection
from .diary import log_fault, unblock_log
from .ports import Endpoint, PeerConnection
from .turns import Turns
from .waiting import GroupCommit, LongPolls

_LOOK = 0.25
"""Seconds between looks at the policy's source and at the connections' deadlines."""
_QUIET, _SELDOM, _LATEST = 2.0, 60.0, float(limit("collect_seconds"))
"""Seconds: a full collection of garbage waits for so long a pause between calls, comes no more often, and no later."""
_CHECKPOINT = float(limit("checkpoint_seconds"))
"""Seconds after which the decision log is signed, when something was added."""
_SESSIONS = 60
"""Seconds between looks for idle sessions."""


class Server:
    """Serves one policy on one or more listening sockets, each with its endpoint, until it is told to stop."""

    def __init__(self, service: PolicyService, listeners: Mapping[socket.socket, Endpoint]) -> None:
        self.service = service
        self.metrics = service.metrics
        self.stopping = False
        self._admission = Admission(
            listeners, service.principals, service.metrics, self._connection, service.recorder.record_event
        )
        self._turns = Turns()
        self._commits = GroupCommit(service.recorder.commit)
        self._thread = service.store_thread or StoreThread()
        self._polls = LongPolls(lambda: self.stopping, self._thread)
        self._collected = self._signed = time.monotonic()
        self._stop = asyncio.Event()
        self._reload = asyncio.Event()
        service.signals.records_pending.listen(self._commits.soon)
        service.signals.reload_wanted.listen(self._reload.set)
        service.signals.tickets_changed.listen(self._polls.look_again)

    def _connection(self, endpoint: Endpoint, peer: Caller) -> Connection:
        return Connection(self, endpoint, peer)

    async def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Serve until SIGTERM or SIGINT. SIGHUP reads the policy again. `ready` is called when answers are given."""
        unblock_log()
        gc.disable()  # a full collection takes 0.2 s once the caches are warm: it waits for a pause (`_collect`)
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(log_fault)
        self._polls.serve(loop)
        self._commits.serve(loop)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload.set)
        await self._load()
        self._admission.listen()
        tasks = [asyncio.create_task(t) for t in (self._watch(), self._sweep(), self._end_idle_sessions())]
        recorder = self.service.recorder
        active = self.service.active
        about = {
            "policy": active.source.describe(),
            "on": self._admission.places,
            "observing": active.observing or None,
            "unsigned": recorder.unsigned or None,
        }
        recorder.record_event("serving", **about, pid=os.getpid())
        ready()
        await self._stop.wait()
        await self._shut()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._thread.close()
        recorder.tell_anchors()
        recorder.record_event("stopped")
        self._commits.now()
        recorder.close()
        if self.service.pool is not None:
            self.service.pool.close()

    async def _shut(self) -> None:
        """Take no more calls; answer what has begun, within the limit."""
        self.stopping = True
        self._admission.close()
        connections = self._admission.connections
        deadline = time.monotonic() + limit("drain_seconds")
        while connections and time.monotonic() < deadline:
            for connection in list(connections):
                connection.close_if_idle()
            await asyncio.sleep(0.01)
        for connection in list(connections):
            connection.abort()

    # what connections need

    @property
    def free(self) -> bool:
        """See `ServerPort`."""
        return self._turns.free

    def turn(self, uid: int | None, act: Callable[[], None]) -> None:
        """See `ServerPort`."""
        self._turns.wait(uid, act)

    def spent(self, uid: int | None, seconds: float) -> None:
        """See `ServerPort`."""
        self._turns.spent(uid, seconds)

    def hold(self, write: Callable[[], None]) -> None:
        """See `ServerPort`."""
        self._commits.hold(write)

    def wait(
        self, answer: LongPoll, write: Callable[[Answered], None], gone: Callable[[], bool], user: int | None
    ) -> bool:
        """See `ServerPort`."""
        return self._polls.wait(answer, write, gone, user)

    def gone(self, connection: PeerConnection) -> None:
        """See `ServerPort`."""
        self._admission.gone(connection)

    # what is done again and again

    async def _load(self, asked: bool = True) -> None:
        active, record_event = self.service.active, self.service.recorder.record_event
        before = None if active.current is None else active.current.policy.digest
        if not await active.load(asked):
            record_event("policy-refused", error=active.error, in_force=before)
        elif active.held:
            record_event("policy-held", why=active.held, in_force=before)
        elif (digest := active.loaded().policy.digest) != before:
            record_event("policy-loaded", digest=digest)

    async def _watch(self) -> None:
        """Read the policy again when its source changes or somebody asks."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK):
                    await self._reload.wait()
            asked = self._reload.is_set()
            if asked or self.service.active.source.changed():
                self._reload.clear()
                await self._load(asked)

    async def _end_idle_sessions(self) -> None:
        while True:
            await asyncio.sleep(_SESSIONS)
            end_idle(self.service, time.time())

    async def _sweep(self) -> None:
        """Cut what is too slow."""
        while True:
            await asyncio.sleep(_LOOK)
            now = time.monotonic()
            for connection in list(self._admission.connections):
                if now >= connection.deadline:
                    connection.expire()
            if self.service.approvals is not None:
                self._thread.run(self.service.approvals.tell_rollbacks)
            self.service.recorder.tell_anchors()
            self._collect(now)
            if now - self._signed > _CHECKPOINT:
                self._signed = now
                self.service.recorder.checkpoint()

    def _collect(self, now: float) -> None:
        """Collect young garbage now, and all of it when nobody asks."""
        gc.collect(1)
        since = now - self._collected
        if since > _LATEST or (since > _SELDOM and now - self._turns.last_call > _QUIET):
            gc.collect()
            self._collected = time.monotonic()
