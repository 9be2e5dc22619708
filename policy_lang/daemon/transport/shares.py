"""Each user's share of the processor, so that one who asks much does not take the others' turn."""

from __future__ import annotations

import asyncio
import time

from ...domain.limits import limit


class Shares:
    """The processor's time that each user's calls have taken since the loop last came round."""

    def __init__(self) -> None:
        self.last_call = time.monotonic()
        """When, by the monotonic clock, a call was answered last."""
        self._spent: dict[int | None, float] = {}

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
