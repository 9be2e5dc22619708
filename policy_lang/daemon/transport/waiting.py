"""Replies that wait: for their records to be on the disk, or for people."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable

from ...approvals.store import StoreUnavailableError
from ...domain.errors import RequestError
from ...domain.limits import limit
from ..api.http import Answered, LongPoll, refusal
from ..store_thread import StoreThread

LOOK_EVERY = 0.25
"""Seconds between looks for whoever waits, whether or not something has changed."""


class GroupCommit:
    """Writes the records of one turn of the loop at once; replies that hang on them go behind."""

    def __init__(self, commit: Callable[[], object]) -> None:
        self._write_records = commit
        self._loop: asyncio.AbstractEventLoop | None = None
        self._home = 0
        """The thread of the loop."""
        self._held: list[Callable[[], None]] = []
        self._scheduled = False

    def hold(self, write: Callable[[], None]) -> None:
        """Send a reply when its records are on the disk. All that arrived together are written together."""
        self._held.append(write)
        self.soon()

    def serve(self, loop: asyncio.AbstractEventLoop) -> None:
        """From now on records are written on this loop."""
        self._loop = loop
        self._home = threading.get_ident()

    def soon(self) -> None:
        """Write what waits when the loop comes round. From any thread."""
        if self._scheduled or self._loop is None:
            return
        if threading.get_ident() == self._home:
            self._scheduled = True
            self._loop.call_soon(self.now)
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.soon)

    def now(self) -> None:
        """Write what waits, then send the replies that were held for it."""
        self._scheduled = False
        held, self._held = self._held, []
        try:
            self._write_records()
        finally:
            for write in held:
                write()


class LongPolls:
    """Calls that wait for people. `stopping` says that whoever waits is answered now, whatever there is."""

    def __init__(self, stopping: Callable[[], bool], thread: StoreThread) -> None:
        """It is looked for in the store's `thread`."""
        self._stopping = stopping
        self._thread = thread
        self._waiters: dict[object, Callable[[], None]] = {}
        self._shares: Counter[tuple[bool, int | None]] = Counter()
        """How many wait, by whether they are people's and by user."""
        self._loop: asyncio.AbstractEventLoop | None = None

    def serve(self, loop: asyncio.AbstractEventLoop) -> None:
        """From now on changes are looked for on this loop."""
        self._loop = loop

    def wait(
        self, answer: LongPoll, write: Callable[[Answered], None], gone: Callable[[], bool], user: int | None = None
    ) -> bool:
        """Look for a reply again and again, until it is there or the time is over. False when too many wait.

        People's places are theirs: whatever agents wait for, and nobody takes all places of a kind.
        """
        share = answer.people, user
        most = limit("people_waiting" if answer.people else "approvals_waiting")
        if (
            sum(n for (people, _), n in self._shares.items() if people == answer.people) >= most
            or self._shares[share] >= limit("waiting_per_peer")
        ):  # fmt: skip
            return False
        self._shares[share] += 1
        loop = asyncio.get_running_loop()
        until = loop.time() + answer.seconds
        name = object()
        timer: asyncio.TimerHandle | None = None

        looking = again = False

        def look() -> None:
            nonlocal timer, looking, again
            if timer is not None:
                timer.cancel()
            if looking:
                again = True
                return
            last = loop.time() >= until or self._stopping()
            if gone():
                over()
                return
            looking = True
            work = self._thread.run(lambda: _looked(answer, last), answer.people)
            work.add_done_callback(lambda _: answered(work.result(), last))

        def answered(made: Answered | None, last: bool) -> None:
            nonlocal timer, looking, again
            looking = False
            if made is None and not last:
                timer = loop.call_later(0 if again else LOOK_EVERY, look)
                again = False
                return
            over()
            if made is not None and not gone():
                write(made)

        def over() -> None:
            del self._waiters[name]
            self._shares[share] -= 1
            if not self._shares[share]:
                del self._shares[share]

        self._waiters[name] = look
        timer = loop.call_later(LOOK_EVERY, look)
        return True

    def look_again(self) -> None:
        """Something has changed that somebody may wait for. From any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._look_all)

    def _look_all(self) -> None:
        for look in list(self._waiters.values()):
            look()


def _looked(answer: LongPoll, last: bool) -> Answered | None:
    """What there is by now."""
    try:
        return answer.look(last)
    except (RequestError, StoreUnavailableError) as error:
        return refusal("PLR237", str(error))
