"""Turns on the loop: calls are answered one at a time, of the user for whom least was done of late.

Between two calls the loop looks for others, so nobody waits longer than for the call that is being answered.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial

from ...domain.limits import limit
from ..fairness import Lane, Shares, User

_LOOK = limit("turn_milliseconds") / 1000


class Turns:
    """What waits for its turn."""

    def __init__(self) -> None:
        self.last_call = time.monotonic()
        """When, by the monotonic clock, something was done last."""
        self._shares = Shares()
        self._lane: Lane[Callable[[], None]] = Lane(self._shares, 1, limit("connections"))
        self._spent = 0.0
        """Seconds since the loop last came round."""
        self._going = False

    @property
    def free(self) -> bool:
        """Whether nobody waits, and there is time left before the loop should look for others."""
        return not self._lane and self._spent < _LOOK

    def spent(self, user: User, seconds: float) -> None:
        """Note the processor's time that an answer took."""
        if not self._spent:
            asyncio.get_running_loop().call_soon(self._round)
        self._spent += seconds or 1e-9
        self._shares.add(user, seconds)
        self.last_call = time.monotonic()

    def wait(self, user: User, act: Callable[[], None]) -> None:
        """Do something when it is the user's turn."""
        self._lane.add(user, partial(self._done, user, act))
        if not self._going:
            self._going = True
            asyncio.get_running_loop().call_soon(self._go)

    def _done(self, user: User, act: Callable[[], None]) -> None:
        try:
            act()
        finally:
            self._lane.ended(user)

    def _go(self) -> None:
        while self._spent < _LOOK and (act := self._lane.take()) is not None:
            act()
        self._going = bool(self._lane)
        if self._going:
            asyncio.get_running_loop().call_soon(self._go)

    def _round(self) -> None:
        self._spent = 0.0
