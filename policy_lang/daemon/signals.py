"""Signals between the parts of the service: whoever raises one does not know who listens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


class Signal:
    """Something that happens, without details. To raise it, call it; when nobody listens, nothing follows."""

    __slots__ = ("_listeners",)

    def __init__(self) -> None:
        self._listeners: list[Callable[[], None]] = []

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` in the raiser's thread each time the signal is raised."""
        self._listeners.append(listener)

    def __call__(self) -> None:
        """Raise it."""
        for listener in self._listeners:
            listener()


@dataclass(frozen=True, slots=True)
class Signals:
    """What the parts of one service tell each other."""

    records_pending: Signal = field(default_factory=Signal)
    """Something waits to be written to the decision log."""
    reload_wanted: Signal = field(default_factory=Signal)
    """An operator asks for the policy to be read again."""
    tickets_changed: Signal = field(default_factory=Signal)
    """Calls that wait for people may be answered. Raised from any thread."""
