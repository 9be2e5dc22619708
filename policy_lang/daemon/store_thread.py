"""The thread in which the store of approvals is used: a slow disk or database holds up nobody's decisions."""

from __future__ import annotations

import asyncio
import itertools
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

Result = TypeVar("Result")
_PEOPLE, _AGENTS, _END = 0, 1, 2


class StoreThread:
    """Does one piece of work after the other, people's first. Whoever uses the store does so here, and nowhere else."""

    def __init__(self) -> None:
        self._waiting: queue.PriorityQueue[tuple[int, int, Callable[[], None]]] = queue.PriorityQueue()
        self._number = itertools.count()
        self._thread: threading.Thread | None = None

    def run(self, work: Callable[[], Result], people: bool = False) -> asyncio.Future[Result]:
        """Do a piece of work when those before it are done. What comes of it is known in the loop of whoever asks."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Result] = loop.create_future()

        def tell(result: Any, error: BaseException | None) -> None:
            if done.done():  # nobody waits any more
                return
            if error is None:
                done.set_result(result)
            else:
                done.set_exception(error)

        def act() -> None:
            result, error = None, None
            try:
                result = work()
            except BaseException as raised:  # noqa: BLE001 (it is raised again where the result is awaited)
                error = raised
            if not loop.is_closed():
                loop.call_soon_threadsafe(tell, result, error)

        self._put(_PEOPLE if people else _AGENTS, act)
        return done

    def close(self) -> None:
        """Do what waits, then no more."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._waiting.put((_END, next(self._number), _stop))
            thread.join()

    def _put(self, rank: int, act: Callable[[], None]) -> None:
        self._waiting.put((rank, next(self._number), act))
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="store", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while True:
            rank, _, act = self._waiting.get()
            if rank == _END:
                return
            act()


def _stop() -> None:
    """Nothing: its rank ends the thread."""
