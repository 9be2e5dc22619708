"""Replies that wait: for their records to be on the disk, or for people."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

from ...approvals.store import StoreUnavailableError
from ...domain.errors import RequestError
from ...domain.limits import limit
from ..api.http import Answered, LongPoll, refusal

LOOK_EVERY = 0.25
"""Seconds between looks for whoever waits, whether or not something has changed."""


class GroupCommit:
    """Writes the records of one turn of the loop at once; replies that hang on them go behind."""

    def __init__(self, commit: Callable[[], object]) -> None:
        self._write_records = commit
        self._held: list[Callable[[], None]] = []
        self._scheduled = False

    def hold(self, write: Callable[[], None]) -> None:
        """Send a reply when its records are on the disk. All that arrived together are written together."""
        self._held.append(write)
        self.soon()

    def soon(self) -> None:
        """Write what waits when the loop comes round."""
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self.now)

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

    def __init__(self, stopping: Callable[[], bool]) -> None:
        self._stopping = stopping
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

        def look() -> None:
            nonlocal timer
            if timer is not None:
                timer.cancel()
            last = loop.time() >= until or self._stopping()
            made: Answered | None
            try:
                made = None if gone() else answer.look(last)
            except (RequestError, StoreUnavailableError) as error:
                made = refusal("PLR237", str(error))
            if made is None and not gone() and not last:
                timer = loop.call_later(LOOK_EVERY, look)
                return
            del self._waiters[name]
            self._shares[share] -= 1
            if not self._shares[share]:
                del self._shares[share]
            if made is not None:
                write(made)

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
