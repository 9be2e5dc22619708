"""A watch on the session at the service by which something is behind walls."""

from __future__ import annotations

import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .port import DecisionPort

_LOOK = 1.0
"""Seconds between two looks."""


class Watch:
    """Looks once a second whether a session at the service still stands; when not, nothing is allowed any more."""

    def __init__(self, port: DecisionPort, why_ended: Callable[[], str]) -> None:
        self._port = port
        self._why_ended = why_ended
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.wait(_LOOK):
            self._port.ended = self._why_ended()
