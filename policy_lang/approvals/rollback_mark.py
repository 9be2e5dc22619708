"""A counter of changes beside a store's data, by which an older copy in its place is noticed.

Whoever puts an older copy of the data in its place would bring approvals back that were used. So a counter of all
changes is kept in a file of the service as well; when the data is behind it, everything that is not over is revoked.
"""

from __future__ import annotations

from ..domain.files import replace
from .store import StoreUnavailableError


class RollbackMark:
    """The counter's file. A store notes each count before its data has it: rather ahead of the data than behind it."""

    def __init__(self, path: str) -> None:
        self._path = path

    def noted(self) -> int:
        """The last count; 0 when none was noted yet. Raises StoreUnavailableError for a file that holds no count."""
        try:
            with open(self._path, encoding="ascii") as stream:
                return int(stream.read(32))
        except FileNotFoundError:
            return 0
        except ValueError:
            raise StoreUnavailableError(f"`{self._path}` is damaged: what was redeemed is not known") from None

    def note(self, changes: int) -> None:
        """Put a count on the disk. Raises OSError."""
        replace(self._path, b"%d\n" % changes, mode=0o600, durable=True)
