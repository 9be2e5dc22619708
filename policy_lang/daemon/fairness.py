"""Whose turn it is: of those who wait, the user for whom least was done of late."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from ..domain.limits import limit

User = int | None
_HALF = 1.0
"""Seconds after which half of what was worked for somebody is forgotten."""
_ASIDE = float(limit("decision_aside_seconds"))
_MOST_USERS = limit("strangers")
Job = TypeVar("Job")


@dataclass(slots=True)
class Shares:
    """What was done for each user of late, and whose jobs have taken too long."""

    clock: Callable[[], float] = time.monotonic
    _worked: dict[User, tuple[float, float]] = field(default_factory=dict)
    _aside: dict[User, float] = field(default_factory=dict)

    def worked(self, user: User) -> float:
        """Seconds of late, of which half are forgotten in each second."""
        seconds, at = self._worked.get(user, (0.0, 0.0))
        return seconds * 0.5 ** ((self.clock() - at) / _HALF) if seconds else 0.0

    def add(self, user: User, seconds: float) -> None:
        """Something was done for somebody."""
        if len(self._worked) >= _MOST_USERS:
            self._worked.clear()
        self._worked[user] = (self.worked(user) + seconds, self.clock())

    def set_aside(self, user: User) -> None:
        """A job of somebody's took longer than it may at first."""
        if len(self._aside) >= _MOST_USERS:
            self._aside.clear()
        self._aside[user] = self.clock() + _ASIDE

    def is_aside(self, user: User) -> bool:
        """Whether somebody's jobs wait among the long ones, for a while."""
        until = self._aside.get(user)
        if until is not None and self.clock() >= until:
            del self._aside[user]
            return False
        return until is not None


@dataclass(slots=True)
class Lane(Generic[Job]):
    """Jobs that wait, by user: `most` of one user, of whose `each` are worked on at a time."""

    shares: Shares
    each: int
    most: int
    _waiting: dict[User, deque[Job]] = field(default_factory=dict)
    _running: dict[User, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether something waits."""
        return bool(self._waiting)

    def add(self, user: User, job: Job) -> bool:
        """Let a job wait. False when as many of the user's do already."""
        own = self._waiting.setdefault(user, deque())
        if len(own) >= self.most:
            return False
        own.append(job)
        return True

    def remove(self, user: User, job: Job) -> None:
        """A job need not be done any more."""
        own = self._waiting.get(user)
        if own is not None and job in own:
            own.remove(job)
            if not own:
                del self._waiting[user]

    def take(self) -> Job | None:
        """The next job to begin."""
        ready = [u for u in self._waiting if self._running.get(u, 0) < self.each]
        if not ready:
            return None
        user = min(ready, key=self.shares.worked)
        own = self._waiting[user]
        job = own.popleft()
        if not own:
            del self._waiting[user]
        self._running[user] = self._running.get(user, 0) + 1
        return job

    def ended(self, user: User) -> None:
        """A job that was begun is over."""
        self._running[user] -= 1
        if not self._running[user]:
            del self._running[user]
