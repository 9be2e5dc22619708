"""One way to write a file, as a whole or not at all, and one to open what others may have put there."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from typing import BinaryIO

from .limits import limit


def replace(path: str, data: bytes, *, mode: int | None, durable: bool) -> None:
    """Make `data` the content of the file at `path`: readers see the old or the new content, never a part.

    `mode` None is for a person's own file: it keeps its mode (a new one gets what the umask leaves of 0o666), and a
    symbolic link stays and what it names is replaced. A character device, a FIFO and an open descriptor
    (`/dev/stdout`, `/dev/fd/N`) are written to where they are. With a mode the file is this program's: it has exactly
    that mode whatever stood there before, and a symbolic link is itself replaced. The file belongs to this user.

    `durable`: it is on the disk when this returns. Raises OSError, also for any other kind of file than these; then
    nothing of ours is left behind, and the old content stands, unless only the folder could not be synchronised. A
    process that is killed may leave a file `.policy-*.part`.
    """
    with _replacing(path, mode, durable) as handle:
        left = memoryview(data)
        while left:
            left = left[os.write(handle, left) :]


@contextlib.contextmanager
def writer(path: str, *, mode: int | None, durable: bool) -> Iterator[BinaryIO]:
    """A stream whose content becomes that of the file at `path` when the block ends without an exception.

    For what is too large to be held; the rules and the errors are those of `replace`. A device, a FIFO and a
    descriptor get the content as it comes, so of a block that fails they have a part.
    """
    with _replacing(path, mode, durable) as handle, open(handle, "wb", closefd=False) as stream:
        yield stream


def create(path: str, data: bytes) -> None:
    """Write a new file, with what the umask leaves of 0o644. Raises FileExistsError, OSError; nothing is left then."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
    except BaseException:
        _drop(path)
        raise


def open_for_reading(path: str) -> int:
    """A descriptor of what lies at `path`, whatever it is: no FIFO makes this wait, no terminal becomes ours.

    Raises OSError, and ValueError for what is not a file name. The caller looks at its kind and size.
    """
    return os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)


@contextlib.contextmanager
def _replacing(path: str, mode: int | None, durable: bool) -> Iterator[int]:
    """A descriptor to write to; what was written takes the place of `path` when the block ends well."""
    if mode is None:
        there = _in_place(path)
        if there is not None:
            try:
                yield there
            finally:
                os.close(there)
            return
        path = os.path.realpath(path)
    elif stat.S_IFMT(_mode_of(path, follow=False) or stat.S_IFREG) not in _REPLACED:
        raise OSError(errno.EINVAL, _NOT_REGULAR, path)
    folder = os.path.dirname(path) or "."
    part = os.path.join(folder, f".policy-{os.urandom(8).hex()}.part")
    made = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(part, made, 0o666 if mode is None else mode & 0o700)
    try:
        try:
            if mode is None:
                mode = _mode_of(path)
            if mode is not None:
                os.fchmod(handle, stat.S_IMODE(mode))
            yield handle
            if durable:
                os.fsync(handle)
        finally:
            os.close(handle)
        os.replace(part, path)
    except BaseException:
        _drop(part)
        raise
    if durable:
        _sync_folder(folder)


_NOT_REGULAR = "not a regular file"
_REPLACED = (stat.S_IFREG, stat.S_IFLNK, stat.S_IFDIR)  # rename(2) itself refuses to replace a folder


def _in_place(path: str) -> int | None:
    """A descriptor of what at `path` is written to and not replaced; None for a file or folder, and for nothing.

    Raises OSError for a socket and a block device.
    """
    own = _own_descriptor(path)
    if own is not None:
        return os.dup(own)
    kind = stat.S_IFMT(_mode_of(path) or stat.S_IFREG)
    if kind in _REPLACED:
        return None
    if kind not in (stat.S_IFCHR, stat.S_IFIFO):
        raise OSError(errno.EINVAL, _NOT_REGULAR, path)
    return os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOCTTY)


def _own_descriptor(path: str) -> int | None:
    """The number of this process's descriptor that a path such as `/dev/stdout` names through its links."""
    folders = (f"/proc/{os.getpid()}/fd", "/dev/fd")
    for _ in range(limit("symlinks")):
        folder, name = os.path.split(path)
        if name.isdecimal() and len(name) < 10 and os.path.realpath(folder) in folders:
            return int(name)
        if not os.path.islink(path):
            return None
        path = os.path.join(folder, os.readlink(path))
    return None


def _drop(path: str) -> None:
    """Remove what a failure left; that this fails too must not hide why."""
    with contextlib.suppress(OSError):
        os.unlink(path)


def _mode_of(path: str, follow: bool = True) -> int | None:
    try:
        return os.stat(path, follow_symlinks=follow).st_mode
    except FileNotFoundError:
        return None


def _sync_folder(folder: str) -> None:
    """A name is durable when its folder is (fsync(2))."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
