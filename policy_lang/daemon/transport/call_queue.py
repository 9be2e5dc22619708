"""The calls of one connection, answered in order: one may wait for work elsewhere, or for its user's turn."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from ..api.http import Answered, DeferredReply, HttpCall, HttpReply, LongPoll, PendingReply, refusal
from .ports import Endpoint, ServerPort


class CallLine(Protocol):
    """The connection, as what answers its calls sees it."""

    @property
    def over(self) -> bool:
        """Whether nothing more is answered."""

    def busy(self, busy: bool) -> None:
        """A call has begun that takes its time: nothing is read until it is answered."""

    def deliver(self, answer: HttpReply | DeferredReply | LongPoll, call: HttpCall, keep: bool) -> None:
        """Answer a call; the connection is kept behind it, or not."""


class CallQueue:
    """Answers calls in order. While one waits, what is behind it does."""

    def __init__(self, server: ServerPort, endpoint: Endpoint, user: int | None, line: CallLine) -> None:
        self._server = server
        self._endpoint = endpoint
        self._user = user
        self._line = line
        self.busy = False
        """Whether a call is being answered that takes its time."""
        self._work: asyncio.Future[Any] | None = None
        self._behind: deque[Callable[[], None]] = deque()

    def called(self, call: HttpCall, keep: bool) -> None:
        """A whole call is there."""
        if self._line.over:
            return
        if self.busy:
            self.later(partial(self.called, call, keep))
        elif self._server.free:
            self._answer(partial(self._handled, call), call, keep, 0.0)
        else:
            self._begin()
            self._next_turn(partial(self._handled, call), call, keep, 0.0)

    def later(self, act: Callable[[], None]) -> None:
        """Do something behind the call that is being answered."""
        self._behind.append(act)

    def gone(self) -> None:
        """Nobody waits for answers any more."""
        self._behind.clear()
        if self._work is not None:
            self._work.cancel()

    def _handled(self, call: HttpCall) -> Answered:
        if self._server.stopping:
            self._server.metrics.refused["late"] += 1
            return refusal("PLR216", "the service is stopping")
        return self._endpoint.handle(call)

    def _answer(self, make: Callable[[], Answered], call: HttpCall, keep: bool, before: float) -> None:
        """Answer a call, on which so many seconds were spent already."""
        began, cpu = time.perf_counter(), time.process_time()
        answer = make()
        took = before + time.perf_counter() - began
        self._server.spent(self._user, time.process_time() - cpu)
        if isinstance(answer, PendingReply):
            self._pend(answer, call, keep, took)
        else:
            self._server.metrics.took(took)
            self._line.deliver(answer, call, keep)

    def _pend(self, answer: PendingReply, call: HttpCall, keep: bool, took: float) -> None:
        """Go on when the work is done, at the user's turn."""
        if not self.busy:
            self._begin()
        self._work = answer.work
        began = time.perf_counter()
        if answer.work is None:
            self._next_turn(answer.make, call, keep, took)
            return

        def done(_: asyncio.Future[Any]) -> None:
            self._work = None
            self._next_turn(answer.make, call, keep, took + time.perf_counter() - began)

        answer.work.add_done_callback(done)

    def _next_turn(self, make: Callable[[], Answered], call: HttpCall, keep: bool, took: float) -> None:
        """Go on with a call at the user's turn; then with those behind it."""
        began = time.perf_counter()

        def act() -> None:
            if self._line.over:
                return
            self.busy = False
            self._line.busy(False)
            self._answer(make, call, keep, took + time.perf_counter() - began)
            while self._behind and not self.busy and not self._line.over:
                self._behind.popleft()()

        self._server.turn(self._user, act)

    def _begin(self) -> None:
        self.busy = True
        self._line.busy(True)
