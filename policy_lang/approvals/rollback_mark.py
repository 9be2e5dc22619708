"""A counter of changes beside a store's data, by which an older copy in its place is noticed.

Whoever puts an older copy of the data in its place would bring approvals back that were used. So a counter of all
changes is kept in a file of the service as well; when the data is behind it, or the file is gone, everything that is
not over is revoked.
"""

from __future__ import annotations

import os

from ..domain.files import replace
from .store import StoreUnavailableError


class RollbackMark:
    """The counter's file. A store notes each count before its data has it: rather ahead of the data than behind it."""

    def __init__(self, path: str) -> None:
        self.path = path

    def noted(self) -> int | None:
        """The last count; None when there is no file. Raises StoreUnavailableError for one without a count, OSError."""
        try:
            handle = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            return None
        with os.fdopen(handle, "rb") as stream:
            digits = stream.read(32).removesuffix(b"\n")
        if not digits.isdigit() or len(digits) > 18:  # more than both databases hold
            raise StoreUnavailableError(
                f"`{self.path}` is damaged: what was redeemed is not known; remove it, and what is open is revoked"
            )
        return int(digits)

    def note(self, changes: int) -> None:
        """Put a count on the disk. Raises OSError."""
        replace(self.path, b"%d\n" % changes, mode=0o600, durable=True)
