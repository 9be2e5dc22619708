"""A listening socket that is served by a loop in a thread of its own, and calls that may block beside it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from queue import SimpleQueue
from typing import ParamSpec, TypeVar

from ..domain.limits import limit
from .wires import Wire

_P = ParamSpec("_P")
_T = TypeVar("_T")
_REST = 0.1
"""Seconds without taking connections when no file descriptor is left."""


class Serving:
    """Takes the connections of one listener and hands each to `serve`, at most `egress_connections` at once.

    The listener was made by somebody else, perhaps in another network; it belongs to this object from now on.
    """

    def __init__(self, listener: socket.socket, serve: Callable[[Wire], Awaitable[None]], name: str) -> None:
        listener.setblocking(False)
        self._listener = listener
        self._serve = serve
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._stopping = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._most = limit("egress_connections")

    def start(self) -> None:
        """Serve from now on. Once only."""
        self._thread.start()

    def stop(self) -> None:
        """Break all connections, close the listener and wait for the thread's end. May be called again."""
        if self._thread.is_alive():
            with contextlib.suppress(RuntimeError):  # it has just ended
                self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()
        elif not self._loop.is_closed():  # never started
            self._loop.close()
            self._listener.close()

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._accept_all())
        finally:
            self._listener.close()
            self._loop.close()

    async def _accept_all(self) -> None:
        self._accept()
        await self._stopping.wait()
        self._pause()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self) -> None:
        """Take what waits, as far as there is room for it; further ones wait in the system's queue."""
        while len(self._tasks) < self._most:
            try:
                sock = self._listener.accept()[0]
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                self._loop.add_reader(self._listener.fileno(), self._accept)
                return
            except OSError:  # no descriptor is left
                self._pause()
                self._loop.call_later(_REST, self._accept)
                return
            wire = Wire(sock)
            task = self._loop.create_task(self._handle(wire))
            self._tasks.add(task)
            task.add_done_callback(partial(self._ended, wire))
        self._pause()

    def _pause(self) -> None:
        self._loop.remove_reader(self._listener.fileno())

    def _ended(self, wire: Wire, task: asyncio.Task[None]) -> None:
        wire.abort()  # what was not closed before
        full = len(self._tasks) >= self._most
        self._tasks.discard(task)
        if full and not self._stopping.is_set():
            self._accept()

    async def _handle(self, wire: Wire) -> None:
        with contextlib.suppress(Exception):  # fail closed: nothing is handed on, and the others are served
            await self._serve(wire)


class Blocking:
    """Calls that may block, in threads of their own, at most so many at once; nobody waits for them at the end.

    What is waited for no longer goes on until it returns, and keeps its place until then. Threads are kept for further
    calls (to start one takes 0.2 ms) until `close`.
    """

    def __init__(self, most: int) -> None:
        self._room = asyncio.Semaphore(most)
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads = self._idle = 0

    async def run(self, call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """What the call returns, or raises. RuntimeError when no thread is left, or for what is not an Exception."""
        await self._room.acquire()
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        found: list[_T] = []
        raised: list[BaseException] = []

        def done() -> None:
            self._idle += 1
            self._room.release()
            ended.set()

        def work() -> None:
            try:
                found.append(call(*args, **kwargs))
            except BaseException as error:  # noqa: BLE001 (it is raised again where it is waited for)
                raised.append(error)
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(done)

        try:
            self._start_thread()
        except RuntimeError:
            self._room.release()
            raise
        self._calls.put(work)
        await ended.wait()
        if raised:
            if isinstance(raised[0], Exception):
                raise raised[0]
            raise RuntimeError("the call ended its thread") from raised[0]  # it shall not end the loop as well
        return found[0]

    def close(self) -> None:
        """End the threads, each when its call returns. Afterwards nothing is run."""
        for _ in range(self._threads):
            self._calls.put(None)

    def _start_thread(self) -> None:
        if self._idle:
            self._idle -= 1
            return
        threading.Thread(target=self._work, daemon=True).start()
        self._threads += 1

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            call()
