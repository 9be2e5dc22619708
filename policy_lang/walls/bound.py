"""Sockets that were bound inside, so that none of another program's is taken for one of them."""

from __future__ import annotations

import os
import threading

from ..domain.limits import limit

_MOST = limit("walls_sockets")


class BoundSockets:
    """Remembers sockets by what they are, not by name. Each is held open: no other file gets its number meanwhile.

    When there is no more room, those whose name is gone are let go, and then the oldest.
    """

    def __init__(self) -> None:
        self._held: dict[tuple[int, int], int] = {}
        self._lock = threading.Lock()

    def add(self, place: int) -> None:
        """Remember what a descriptor is open on; it belongs to this object from now on."""
        seen = os.fstat(place)
        with self._lock:
            if len(self._held) >= _MOST:
                self._make_room()
            known = self._held.setdefault((seen.st_dev, seen.st_ino), place)
        if known != place:
            os.close(place)

    def has(self, place: int) -> bool:
        """Whether what a descriptor is open on was bound inside."""
        seen = os.fstat(place)
        with self._lock:
            return (seen.st_dev, seen.st_ino) in self._held

    def close(self) -> None:
        """Let all go."""
        with self._lock:
            for held in self._held.values():
                os.close(held)
            self._held.clear()

    def _make_room(self) -> None:
        gone = [key for key, held in self._held.items() if os.fstat(held).st_nlink == 0]
        for key in gone or [next(iter(self._held))]:
            os.close(self._held.pop(key))
