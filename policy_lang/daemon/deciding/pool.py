"""The service's deciders: processes with the policy in force in memory, each job with its time, fair among users.

A job begins in the quick lane; one that takes longer than that lane gives is decided anew in the long one, where each
user has one decider at a time. Whose job that was begins in the long lane for a while: so nobody keeps the quick one
busy with what does not belong there.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass

from ...domain.faults import CallerError, InternalError
from ...domain.limits import limit
from ...domain.strict_json import Json
from ..fairness import Lane, Shares, User
from .budgets import DEFAULT, Budgets
from .decider import MAKE, NUMBER, READY

_START_SECONDS = limit("decider_start_seconds")
_WAIT = limit("decision_wait_milliseconds") / 1000
_MORE = 0.5
"""Seconds for the kernel to end a decider whose time is over; one that hangs in a call to the disk is left behind."""
_AGAIN = 1.0
"""Seconds until deciders that have all gone are started anew."""


class DecidersError(InternalError):
    """No decider can be started; the text says why."""


class OverBudgetError(CallerError):
    """A job was not done in its time; the text is the reason for whoever asked."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What a decider said: JSON, and the seconds of the processor that it took."""

    data: bytes
    seconds: float


class _Job:
    """One job: whose, what, and who waits for it."""

    __slots__ = ("done", "long", "timer", "user", "value")

    def __init__(self, user: User, value: Json, done: asyncio.Future[Answered], long: bool) -> None:
        self.user = user
        self.value = value
        self.done = done
        self.long = long
        self.timer: asyncio.TimerHandle | None = None


class _Decider(asyncio.Protocol):
    """One child, as the pool sees it."""

    def __init__(self, pool: DeciderPool, long: bool, generation: int) -> None:
        self.pool = pool
        self.long = long
        self.generation = generation
        self.job: _Job | None = None
        self.timer: asyncio.TimerHandle | None = None
        self.transport: asyncio.Transport | None = None
        self._data = bytearray()
        self._ready = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is being made."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """It is ready, or a part of an answer has come."""
        self._data += data
        if not self._ready:
            self._ready = True
            del self._data[: len(READY)]
            self.pool.free(self)
            return
        size = int.from_bytes(self._data[:NUMBER])
        if len(self._data) >= 2 * NUMBER + size:
            took, answer = int.from_bytes(self._data[NUMBER : 2 * NUMBER]) / 1e6, bytes(self._data[2 * NUMBER :])
            self._data.clear()
            self.pool.answered(self, answer, took)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """It has ended."""
        self.pool.lost(self)

    def begin(self, job: _Job, seconds: float) -> None:
        """Let it work on a job for so many seconds of the processor, and not much longer by the clock."""
        assert self.transport is not None
        self.job = job
        wall = min(5 * seconds, seconds + _MORE)
        data = json.dumps({**job.value, "cpu": seconds, "wall": wall}, separators=(",", ":")).encode("ascii")
        self.transport.write(len(data).to_bytes(NUMBER) + data)
        self.timer = asyncio.get_running_loop().call_later(wall + _MORE, self.close)

    def close(self) -> None:
        """Let it end, or leave it behind."""
        if self.transport is not None:
            self.transport.abort()


class DeciderPool:
    """Deciders of the policy in force. `renew` brings others; jobs that wait are theirs from then on."""

    def __init__(self, budgets: Budgets = DEFAULT, report: Callable[..., None] = lambda *_, **__: None) -> None:
        """`report` takes an event's name and fields."""
        self.budgets = budgets
        self.overrun = 0
        """Jobs that were not done in their time."""
        self._report = report
        self._shares = Shares()
        count = budgets.deciders
        self._lanes: dict[bool, Lane[_Job]] = {
            False: Lane(self._shares, count, limit("quick_decisions_waiting")),
            True: Lane(self._shares, 1, limit("long_decisions_waiting")),
        }
        self._idle: dict[bool, list[_Decider]] = {False: [], True: []}
        self._all: set[_Decider] = set()
        self._generation = 0
        self._source = b""
        self._parent: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._making: set[asyncio.Task[None]] = set()

    async def renew(self, compiled: bytes) -> Callable[[], None]:
        """Start deciders of another policy. What puts them in force, at once. Raises DecidersError."""
        process, control = await asyncio.get_running_loop().run_in_executor(None, _started, compiled)

        def swap() -> None:
            before = self._parent, self._control
            self._parent, self._control, self._source = process, control, compiled
            self._generation += 1
            for decider in [*self._idle[False], *self._idle[True]]:
                decider.close()
            self._idle = {False: [], True: []}
            for long in (False, True):
                for _ in range(self.budgets.deciders):
                    self._make(long)
            _end(*before)

        return swap

    def ask(self, user: User, value: Json) -> asyncio.Future[Answered]:
        """Begin a job. What comes of it, or OverBudgetError."""
        done: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        self._queue(_Job(user, value, done, self._shares.is_aside(user)))
        return done

    def close(self) -> None:
        """The service ends, and all deciders with it."""
        _end(self._parent, self._control)
        self._parent = self._control = None
        for decider in list(self._all):
            decider.close()

    def _queue(self, job: _Job) -> None:
        lane = self._lanes[job.long]
        if not lane.add(job.user, job):
            return self._failed(job, "as many commands of this user's are being decided as can be; ask again")
        if job.timer is None:
            job.timer = asyncio.get_running_loop().call_later(_WAIT, self._too_late, job)
        return self._go_on(job.long)

    def _go_on(self, long: bool) -> None:
        while self._idle[long] and (job := self._lanes[long].take()) is not None:
            if job.done.done():
                self._lanes[long].ended(job.user)
                continue
            self._idle[long].pop().begin(job, self.budgets.long if long else self.budgets.quick)

    def _too_late(self, job: _Job) -> None:
        """It has waited too long for its turn; one that is being worked on has its own time."""
        if not any(d.job is job for d in self._all):
            self._lanes[job.long].remove(job.user, job)
            self._failed(job, "other commands were decided meanwhile; ask again")

    def _failed(self, job: _Job, why: str) -> None:
        if job.timer is not None:
            job.timer.cancel()
        if not job.done.done():
            self.overrun += 1
            job.done.set_exception(OverBudgetError(why))

    # what deciders say

    def free(self, decider: _Decider) -> None:
        """One is ready for its next job."""
        if decider.generation != self._generation:
            decider.close()
            return
        self._idle[decider.long].append(decider)
        self._go_on(decider.long)

    def answered(self, decider: _Decider, data: bytes, took: float) -> None:
        """One has done its job, in so many seconds of the processor."""
        job = self._over(decider)
        if job is not None:
            self._shares.add(job.user, took)
            if not data:
                self._failed(job, "it has more effects than can be told; name fewer things, or ask in parts")
            if job.timer is not None:
                job.timer.cancel()
            if not job.done.done():
                job.done.set_result(Answered(data, took))
        self.free(decider)

    def lost(self, decider: _Decider) -> None:
        """One has ended: its job took too long, or it was replaced."""
        job = self._over(decider)
        self._all.discard(decider)
        if decider in self._idle[decider.long]:
            self._idle[decider.long].remove(decider)
        if decider.generation == self._generation and self._control is not None:
            self._make(decider.long)
        if job is None:
            return
        self._shares.add(job.user, self.budgets.long if decider.long else self.budgets.quick)
        self._shares.set_aside(job.user)
        if decider.long:
            took = f"{self.budgets.long * 1000:g} ms"
            self._failed(job, f"deciding it takes more than {took}; name fewer things, or ask in parts")
        else:
            job.long = True
            self._queue(job)

    def _over(self, decider: _Decider) -> _Job | None:
        job, decider.job = decider.job, None
        if decider.timer is not None:
            decider.timer.cancel()
            decider.timer = None
        if job is not None:
            self._lanes[decider.long].ended(job.user)
        return job

    # making them

    def _make(self, long: bool) -> None:
        task = asyncio.get_running_loop().create_task(self._made(long, self._generation))
        self._making.add(task)
        task.add_done_callback(self._making.discard)

    async def _made(self, long: bool, generation: int) -> None:
        ours, theirs = socket.socketpair()
        try:
            if self._control is None or generation != self._generation:
                ours.close()
                return
            socket.send_fds(self._control, [MAKE], [theirs.fileno()])
        except OSError:
            ours.close()
            await self._start_again(generation)
            return
        finally:
            theirs.close()
        ours.setblocking(False)
        decider = _Decider(self, long, generation)
        self._all.add(decider)
        await asyncio.get_running_loop().create_connection(lambda: decider, sock=ours)

    async def _start_again(self, generation: int) -> None:
        """The process that makes them has ended, which nobody but the machine does to it."""
        if generation != self._generation:
            return
        self._generation += 1
        self._report("deciders-lost")
        while self._control is not None:
            with contextlib.suppress(DecidersError):
                (await self.renew(self._source))()
                return
            await asyncio.sleep(_AGAIN)


def _started(compiled: bytes) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """A process that makes deciders of a compiled policy, and the socket to it. Raises DecidersError."""
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-I", "-m", "policy_lang.daemon.deciding.decider"]
    with theirs:
        process = subprocess.Popen(  # noqa: S603 (our own program, fixed words)
            command, stdin=theirs.fileno(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    ours.settimeout(_START_SECONDS)
    try:
        ours.sendall(len(compiled).to_bytes(NUMBER) + compiled)
        if ours.recv(len(READY)) != READY:
            raise ConnectionError(f"it ended with {process.wait(_START_SECONDS)}")
    except (OSError, subprocess.TimeoutExpired) as error:
        _end(process, ours)
        raise DecidersError(f"no decider could be started: {error}") from None
    ours.settimeout(0)
    return process, ours


def _end(process: subprocess.Popen[bytes] | None, control: socket.socket | None) -> None:
    """Let the process that makes deciders end, without waiting for it."""
    if control is not None:
        control.close()
    if process is not None:
        process.kill()
        threading.Thread(target=process.wait, daemon=True).start()
