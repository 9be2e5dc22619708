"""Paths of processes behind the walls, followed to what they name: a descriptor first, then its real path.

Nothing is created, opened or changed here. A descriptor (O_PATH) stands for what a path names while it is decided, and
that is what is acted on: who changes a link or a folder meanwhile changes nothing.
"""

from __future__ import annotations

import errno
import os
import stat

from ..domain.limits import limit
from ..domain.record import record
from .kernel import AT_FDCWD, RESOLVE_BENEATH, RESOLVE_IN_ROOT, RESOLVE_NO_SYMLINKS, memory_of, open_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_LINKS = limit("symlinks")
_MOST_BYTES = limit("path_bytes")
_READ_FIRST = 512
"""Bytes that most paths are shorter than, which are read first."""
_FOLDER = os.O_PATH | os.O_DIRECTORY
_DELETED = " (deleted)"


@record(frozen=False, slots=True)
class Leaf:
    """A name in a folder, and what it names. Descriptors are open until `close`.

    `folder` is open on the folder, `name` is the last segment, `path` the real path of both together. `place` is open
    on what is there, -1 where nothing is; `mode` is its `st_mode`. `slash` says that a slash followed.
    """

    folder: int
    name: bytes
    path: str
    place: int = -1
    mode: int = 0
    slash: bool = False

    @property
    def exists(self) -> bool:
        """Whether the name is there."""
        return self.place >= 0

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return stat.S_ISDIR(self.mode)

    @property
    def held(self) -> str:
        """A path of this process for what is there, whatever its name has become."""
        return f"/proc/self/fd/{self.place}"

    def close(self) -> None:
        """Close the descriptors."""
        for one in (self.folder, self.place):
            if one >= 0:
                os.close(one)
        self.folder = self.place = -1


class Resolver:
    """Follows paths as processes behind the walls mean them. `root` is open on their root, the same for all."""

    def __init__(self, root: int) -> None:
        self._root = root

    def text(self, thread: int, address: int) -> bytes:
        """The string at an address of a process. Raises OSError when it is too long, or not there."""
        if not address:
            raise OSError(errno.EFAULT, "no path")
        data = memory_of(thread, address, _READ_FIRST)
        found, end, _ = data.partition(b"\0")
        if not end and len(data) == _READ_FIRST:
            data = memory_of(thread, address, _MOST_BYTES)
            found, end, _ = data.partition(b"\0")
        if not end:
            raise OSError(errno.ENAMETOOLONG if len(data) == _MOST_BYTES else errno.EFAULT, "no end")
        return found

    def absolute(self, thread: int, base: int, path: bytes) -> bytes:
        """The path from the root on. Raises OSError where the folder that it starts from is gone."""
        if path.startswith(b"/"):
            return path
        if not path:
            raise OSError(errno.ENOENT, "empty path")
        link = f"/proc/{thread}/cwd" if base == AT_FDCWD else f"/proc/{thread}/fd/{base}"
        try:
            folder = os.readlink(link)
        except FileNotFoundError:
            raise OSError(errno.EBADF, "no such descriptor") from None
        if not folder.startswith("/") or folder.endswith(_DELETED):
            raise OSError(errno.ENOENT if base == AT_FDCWD else errno.ENOTDIR, "no such folder")
        return os.fsencode(folder) + b"/" + path

    def leaf(self, path: bytes, follow: bool, meant: Callable[[bytes], bytes] = bytes) -> Leaf:
        """What an absolute path names; a link as its last name is followed, or is what is meant. Raises OSError.

        `meant` is applied to the path and to what links lead to.
        """
        for _ in range(_MOST_LINKS + 1):
            found = self._named(meant(path))
            slash = found.slash
            if not found.exists or not stat.S_ISLNK(found.mode) or not (follow or slash):
                if slash and found.exists and not found.is_folder:
                    found.close()
                    raise OSError(errno.ENOTDIR, "not a folder")
                return found
            try:
                target = os.readlink(b"", dir_fd=found.place)
                path = target if target.startswith(b"/") else os.fsencode(os.path.dirname(found.path)) + b"/" + target
                path += b"/" if slash else b""
            finally:
                found.close()
        raise OSError(errno.ELOOP, "too many links")

    def _named(self, path: bytes) -> Leaf:
        """The last name of a path in its folder."""
        trimmed = path.rstrip(b"/")
        folder, _, name = trimmed.rpartition(b"/")
        if name in {b"", b".", b".."}:
            return self._folder(path)
        if len(name) > limit("path_segment_bytes"):
            raise OSError(errno.ENAMETOOLONG, "name too long")
        where = open_at(self._root, folder.lstrip(b"/") or b".", _FOLDER, RESOLVE_IN_ROOT)
        made = Leaf(where, name, "", slash=len(trimmed) != len(path))
        try:
            made.path = os.path.join(self.real(where), os.fsdecode(name))
            made.place = open_at(where, name, os.O_PATH | os.O_NOFOLLOW, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS)
            made.mode = os.fstat(made.place).st_mode
            if not stat.S_ISLNK(made.mode):
                made.path = self.real(made.place)
        except FileNotFoundError:
            pass
        except BaseException:
            made.close()
            raise
        return made

    def _folder(self, path: bytes) -> Leaf:
        """A path that names a folder by `.` or `..`, or the root: by its own name in the folder above."""
        place = open_at(self._root, path.lstrip(b"/") or b".", _FOLDER, RESOLVE_IN_ROOT)
        try:
            real = self.real(place)
            return Leaf(-1, os.fsencode(os.path.basename(real)), real, place, os.fstat(place).st_mode)
        except BaseException:
            os.close(place)
            raise

    def of_descriptor(self, thread: int, descriptor: int) -> Leaf:
        """What a descriptor of a process is open on. Its path is empty when nothing has that name any more."""
        try:
            place = os.open(f"/proc/{thread}/fd/{descriptor}", os.O_PATH | os.O_CLOEXEC)
        except FileNotFoundError:
            raise OSError(errno.EBADF, "no such descriptor") from None
        try:
            seen = os.fstat(place)
            named = seen.st_nlink > 0 and os.readlink(f"/proc/self/fd/{place}").startswith("/")
            return Leaf(-1, b"", self.real(place) if named else "", place, seen.st_mode)
        except BaseException:
            os.close(place)
            raise

    def real(self, place: int) -> str:
        """The real path of what a descriptor is open on. Raises OSError for what has none any more."""
        path = os.readlink(f"/proc/self/fd/{place}")
        if not path.startswith("/"):
            raise OSError(errno.EACCES, "not a file")
        if path.endswith(_DELETED) and not self._is_called(path, place):
            raise OSError(errno.ENOENT, "deleted")
        return path

    def _is_called(self, path: str, place: int) -> bool:
        """Whether what a descriptor is open on really has a name that ends as the kernel marks what has none."""
        try:
            named = open_at(self._root, os.fsencode(path[1:]), os.O_PATH | os.O_NOFOLLOW, RESOLVE_IN_ROOT)
        except OSError:
            return False
        try:
            return os.path.sameopenfile(named, place)
        finally:
            os.close(named)
