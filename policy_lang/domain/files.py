"""One way to write a file, as a whole or not at all, and one to open what others may have put there."""

from __future__ import annotations

import os


def replace(path: str, data: bytes, *, mode: int | None, durable: bool) -> None:
    """Make `data` the content of the file at `path`: readers see the old or the new content, never a part.

    `mode` None is for a person's own file: it keeps its mode (a new one gets what the umask leaves of 0o666), and a
    symbolic link stays and what it names is replaced. With a mode the file is this program's: it has exactly that mode
    whatever stood there before, and a symbolic link is itself replaced. The file belongs to this user.

    `durable`: it is on the disk when this returns. Raises OSError; then nothing of ours is left behind, and the old
    content stands, unless only the folder could not be synchronised. A process that is killed may leave a file
    `.policy-*.part`.
    """
    if mode is None:
        path = os.path.realpath(path)
    folder = os.path.dirname(path) or "."
    part = os.path.join(folder, f".policy-{os.urandom(8).hex()}.part")
    made = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(part, made, 0o666 if mode is None else mode & 0o700)
    try:
        try:
            if mode is None:
                mode = _mode_of(path)
            if mode is not None:
                os.fchmod(handle, mode)
            left = memoryview(data)
            while left:
                left = left[os.write(handle, left) :]
            if durable:
                os.fsync(handle)
        finally:
            os.close(handle)
        os.replace(part, path)
    except BaseException:
        os.unlink(part)
        raise
    if durable:
        _sync_folder(folder)


def create(path: str, data: bytes) -> None:
    """Write a new file, with what the umask leaves of 0o644. Raises FileExistsError, OSError; nothing is left then."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
    except BaseException:
        os.unlink(path)
        raise


def open_for_reading(path: str) -> int:
    """A descriptor of what lies at `path`, whatever it is: no FIFO makes this wait, no terminal becomes ours.

    Raises OSError, and ValueError for what is not a file name. The caller looks at its kind and size.
    """
    return os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)


def _mode_of(path: str) -> int | None:
    try:
        return os.stat(path).st_mode & 0o7777
    except FileNotFoundError:
        return None


def _sync_folder(folder: str) -> None:
    """A name is durable when its folder is (fsync(2))."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
