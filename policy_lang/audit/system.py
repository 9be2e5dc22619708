"""The operating system as the log uses it: one place, so that tests can let each call fail."""

from __future__ import annotations

import fcntl
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from os import stat_result


class System:
    """Calls as in `os`; each raises OSError."""

    def open(self, path: str, flags: int, mode: int = 0o600) -> int:
        """A descriptor, closed on exec."""
        return os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NOCTTY, mode)

    def write(self, handle: int, data: bytes) -> int:
        """The number of bytes that were written."""
        return os.write(handle, data)

    def pread(self, handle: int, count: int, at: int) -> bytes:
        """Bytes from a place."""
        return os.pread(handle, count, at)

    def pwrite(self, handle: int, data: bytes, at: int) -> int:
        """The number of bytes that were written at a place."""
        return os.pwrite(handle, data, at)

    def flush(self, handle: int) -> None:
        """Wait until what was written is on the disk (fdatasync(2))."""
        os.fdatasync(handle)

    def cut(self, handle: int, size: int) -> None:
        """Shorten a file."""
        os.ftruncate(handle, size)

    def status(self, handle: int) -> stat_result:
        """What the file is."""
        return os.fstat(handle)

    def where(self, path: str) -> tuple[int, int, int]:
        """Device, number and size of what a path leads to now."""
        found = os.lstat(path)
        return found.st_dev, found.st_ino, found.st_size

    def exists(self, path: str) -> bool:
        """True when there is something of this name."""
        return os.path.lexists(path)

    def names(self, folder: str) -> list[str]:
        """The names in a folder."""
        return os.listdir(folder)

    def lock(self, handle: int) -> bool:
        """Take the lock, if nobody else has it."""
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def unlock(self, handle: int) -> None:
        """Give the lock back."""
        fcntl.flock(handle, fcntl.LOCK_UN)

    def close(self, handle: int) -> None:
        """Close a descriptor."""
        os.close(handle)


SYSTEM = System()
