"""Metadata: modes, owners, times and attributes, changed by the supervisor like content."""

from __future__ import annotations

import errno
import os
import stat
import struct

from . import kernel
from .kernel import AT_FDCWD
from .system_call import DONE, folder_of, missing, signed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .accesses import Accesses
    from .resolving import Leaf
    from .system_call import Done, SystemCall


class Metadata:
    """Changes metadata for callers."""

    def __init__(self, accesses: Accesses) -> None:
        self._accesses = accesses

    def change(self, call: SystemCall, base: int, address: int, flags: int, change: Callable[[Leaf], None]) -> Done:
        """Change something of what a path names. Raises OSError, AskedError."""
        if flags & kernel.AT_EMPTY_PATH and not self._accesses.resolver.text(call.thread, address):
            return self.change_open(call, base, change)
        return self._changed(
            call, self._accesses.leaf(call, base, address, not flags & kernel.AT_SYMLINK_NOFOLLOW), change
        )

    def change_open(self, call: SystemCall, descriptor: int, change: Callable[[Leaf], None]) -> Done:
        """Change something of what a descriptor of the caller is open on. Raises OSError, AskedError."""
        return self._changed(call, self._accesses.resolver.of_descriptor(call.thread, descriptor), change)

    def _changed(self, call: SystemCall, leaf: Leaf, change: Callable[[Leaf], None]) -> Done:
        try:
            if not leaf.exists:
                missing()
            if leaf.path:
                self._accesses.may_change(call, leaf)
            change(leaf)
        finally:
            leaf.close()
        return DONE

    def utimensat(self, call: SystemCall) -> Done:
        """Set times, of a path or of what is open. Raises OSError, AskedError."""
        folder, address, times, flags = folder_of(call.a[0]), call.a[1], call.a[2], call.a[3]
        change = times_set(call.memory(times, 32))
        return self.change(call, folder, address, flags, change) if address else self.change_open(call, folder, change)

    def futimesat(self, call: SystemCall) -> Done:
        """Set times in microseconds, of a path or of what is open. Raises OSError, AskedError."""
        change = times_set(in_micros(call.memory(call.a[2], 32)))
        if call.a[1]:
            return self.change(call, folder_of(call.a[0]), call.a[1], 0, change)
        return self.change_open(call, folder_of(call.a[0]), change)

    def attribute(self, call: SystemCall, arguments: tuple[int, ...]) -> Callable[[Leaf], None]:
        """How an attribute is set, from its name, value, size and flags. Raises OSError."""
        name, value, size, flags = arguments
        if size > 65536:
            raise OSError(errno.E2BIG, "longer than any attribute")
        data = call.memory(value, size) or b""
        named = self._attribute_name(call, name)
        return lambda leaf: os.setxattr(leaf.held, named, data, flags)

    def no_attribute(self, call: SystemCall, name: int) -> Callable[[Leaf], None]:
        """How an attribute is removed. Raises OSError."""
        named = self._attribute_name(call, name)
        return lambda leaf: os.removexattr(leaf.held, named)

    def _attribute_name(self, call: SystemCall, address: int) -> bytes:
        name = self._accesses.resolver.text(call.thread, address)
        if name.startswith(b"system."):  # lists of who may what; `cp` does without where there are none
            raise OSError(errno.EOPNOTSUPP, "an attribute of the file system")
        if not name.startswith(b"user."):
            raise OSError(errno.EOPNOTSUPP, "an attribute of the system: programs go on without")
        return name


def mode_set(mode: int) -> Callable[[Leaf], None]:
    """How a mode is set. Raises OSError for one that lets a program run as somebody else."""
    if mode & (stat.S_ISUID | stat.S_ISGID):
        raise PermissionError(errno.EPERM, "a program that runs as somebody else")
    return lambda leaf: os.chmod(leaf.held, mode & 0o1777)


def owner_set(user: int, group: int) -> Callable[[Leaf], None]:
    """How an owner is set. Raises OSError for one that is not the caller."""
    owner, owners = signed(user, 32), signed(group, 32)
    if owner not in {-1, os.geteuid()} or owners not in {-1, os.getegid()}:
        raise PermissionError(errno.EPERM, "another owner")

    def change(leaf: Leaf) -> None:
        if stat.S_ISLNK(leaf.mode):
            os.chown(leaf.name, owner, owners, dir_fd=leaf.folder, follow_symlinks=False)
        else:
            os.chown(leaf.held, owner, owners)

    return change


def times_set(times: bytes | None) -> Callable[[Leaf], None]:
    """How times are set: two `struct timespec`s, or now."""

    def change(leaf: Leaf) -> None:
        if stat.S_ISLNK(leaf.mode):
            kernel.set_times(leaf.folder, leaf.name, times, kernel.AT_SYMLINK_NOFOLLOW)
        else:
            kernel.set_times(AT_FDCWD, leaf.held.encode(), times, 0)

    return change


def in_seconds(data: bytes | None) -> bytes | None:
    """The times of utime(2), in seconds, as `struct timespec`s."""
    return None if data is None else struct.pack("=4q", *(n for s in struct.unpack("=2q", data) for n in (s, 0)))


def in_micros(data: bytes | None) -> bytes | None:
    """The times of utimes(2), in microseconds, as `struct timespec`s."""
    if data is None:
        return None
    seconds, micros, later, more = struct.unpack("=4q", data)
    return struct.pack("=4q", seconds, micros * 1000, later, more * 1000)
