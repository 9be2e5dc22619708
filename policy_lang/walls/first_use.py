"""Servers that begin with the first connection: most commands never ask, and what serves them takes time to load."""

from __future__ import annotations

import os
import select
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from typing import Protocol

    class Serves(Protocol):
        """Something that serves a listening socket."""

        def start(self) -> None:
            """Begin."""

        def stop(self) -> None:
            """Serve no more."""


class OnFirstUse:
    """Waits for the first connection at a listening socket, and has it served from then on by what `make` makes."""

    def __init__(self, listener: socket.socket, make: Callable[[socket.socket], Serves]) -> None:
        self._listener = listener
        self._make = make
        self._ending, self._end = os.pipe()
        self._server: Serves | None = None
        self._thread = threading.Thread(target=self._wait, name="first use", daemon=True)

    def start(self) -> None:
        """Begin to wait."""
        self._thread.start()

    def stop(self) -> None:
        """Serve no more."""
        os.close(self._end)
        self._thread.join()
        os.close(self._ending)
        if self._server is not None:
            self._server.stop()

    def _wait(self) -> None:
        ready, _, _ = select.select([self._listener.fileno(), self._ending], [], [])
        if self._ending not in ready:
            self._server = self._make(self._listener)
            self._server.start()
