"""Ports by which connections and the server that accepted them know each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from ...domain.limits import limit
from ..api.http import Answered, HttpCall, HttpReply, LongPoll
from ..identity.principals import Caller
from ..metrics import Metrics

Headers = Mapping[bytes, bytes]
"""By their names in small letters."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What stands behind a listener.

    `handle` answers a call and never raises. `admit` looks at a call's method and headers, and at its peer: the refusal
    of one that would be refused whatever its body says, or None. `people` says that nobody else has business there:
    whoever is barred is turned away. A connection that asks nothing for `idle` seconds is closed.
    """

    handle: Callable[[HttpCall], Answered]
    admit: Callable[[bytes, Headers, Caller], HttpReply | None]
    people: bool = False
    idle: float = limit("idle_seconds")


class PeerConnection(Protocol):
    """A connection, as its server sees it."""

    @property
    def peer(self) -> Caller:
        """Who is on the other side, without a token."""

    @property
    def deadline(self) -> float:
        """When, by the monotonic clock, it is too slow or idle for too long."""

    def expire(self) -> None:
        """The deadline is over: refuse what has begun, and close."""

    def abort(self) -> None:
        """Close without waiting for anything."""

    def close_if_idle(self) -> None:
        """Close when no call has begun."""


class ServerPort(Protocol):
    """The server, as a connection sees it."""

    metrics: Metrics
    stopping: bool

    @property
    def free(self) -> bool:
        """Whether a call can be answered at once: nobody waits."""

    def turn(self, uid: int | None, act: Callable[[], None]) -> None:
        """Do something when it is the user's turn."""

    def spent(self, uid: int | None, seconds: float) -> None:
        """Note the processor's time that an answer took."""

    def hold(self, write: Callable[[], None]) -> None:
        """Call `write` once everything that waits to be recorded is on the disk."""

    def wait(
        self, answer: LongPoll, write: Callable[[Answered], None], gone: Callable[[], bool], user: int | None
    ) -> bool:
        """Look for a reply until it is there, then `write` it, unless `gone`. False when too many wait."""

    def gone(self, connection: PeerConnection) -> None:
        """A connection has ended."""
