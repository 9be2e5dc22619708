"""Opens: the supervisor opens what was decided, and hands over the descriptor."""

from __future__ import annotations

import errno
import os
import stat

from .git_index import must_be_no_index
from .system_call import READ, WRITE, Done, SlowError, missing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .accesses import Accesses
    from .resolving import Leaf
    from .system_call import SystemCall

_ACCESS = os.O_WRONLY | os.O_RDWR
_TMPFILE = 0o20000000
"""The bit of O_TMPFILE that O_DIRECTORY does not have (open(2))."""


class Opening:
    """Opens files for callers."""

    def __init__(self, accesses: Accesses) -> None:
        self._accesses = accesses

    def open(self, call: SystemCall, base: int, address: int, flags: int, mode: int) -> Done:
        """Open a file for the caller, to be handed over. Raises OSError, AskedError, SlowError."""
        flags &= 0xFFFFFFFF
        if flags & _TMPFILE:
            raise OSError(errno.EOPNOTSUPP, "a file without a name could be given one later")
        makes = bool(flags & os.O_CREAT)
        alone = makes and bool(flags & os.O_EXCL)
        leaf = self._accesses.leaf(call, base, address, not flags & os.O_NOFOLLOW and not alone)
        try:
            if flags & os.O_PATH:
                return Done(
                    descriptor=os.dup(leaf.place) if leaf.exists else missing(),
                    close_on_exec=bool(flags & os.O_CLOEXEC),
                )
            if leaf.exists:
                opened = self._open_there(call, leaf, flags, alone)
            else:
                opened = self._open_new(call, leaf, flags, mode) if makes else missing()
        finally:
            leaf.close()
        return Done(descriptor=opened, close_on_exec=bool(flags & os.O_CLOEXEC))

    def _open_there(self, call: SystemCall, leaf: Leaf, flags: int, alone: bool) -> int:
        changes = flags & (_ACCESS | os.O_TRUNC)
        if alone:
            raise FileExistsError(errno.EEXIST, "it is there")
        if stat.S_ISLNK(leaf.mode):
            raise OSError(errno.ELOOP, "a link")
        if leaf.is_folder and (changes or flags & os.O_CREAT):
            raise IsADirectoryError(errno.EISDIR, "a folder")
        if leaf.path and (changes or not leaf.is_folder):
            if changes:
                self._may_be_written(leaf)
                self._accesses.may_change(call, leaf)
            if flags & _ACCESS != os.O_WRONLY:
                self._accesses.may(call, READ, leaf.path)
        if leaf.path.startswith("/proc/") and not leaf.mode & stat.S_IROTH and not self._accesses.own_paths.observed:
            self._may_know(leaf.path)
        if stat.S_ISFIFO(leaf.mode) and not flags & os.O_NONBLOCK and not call.beside:
            raise SlowError
        return os.open(leaf.held, flags & ~(os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW) | os.O_NOCTTY | os.O_CLOEXEC)

    def _may_be_written(self, leaf: Leaf) -> None:
        """Return for what is not git's index, which is only put in place. Raises OSError."""
        own_paths = self._accesses.own_paths
        if not own_paths.is_private(leaf.path) and not own_paths.observed:
            must_be_no_index(leaf.path)

    @staticmethod
    def _may_know(path: str) -> None:
        """Return for processes. Raises OSError for what of the kernel only its administrator may read.

        The launcher may be he, outside; nobody inside is.
        """
        if not path.split("/")[2].isdigit():
            raise PermissionError(errno.EACCES, "the kernel's own")

    def _open_new(self, call: SystemCall, leaf: Leaf, flags: int, mode: int) -> int:
        if leaf.slash:
            raise IsADirectoryError(errno.EISDIR, "a folder")
        self._may_be_written(leaf)
        self._accesses.may(call, WRITE, leaf.path)
        how = flags | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_NOCTTY | os.O_CLOEXEC
        made = os.open(leaf.name, how, mode & 0o777 & ~call.umask(), dir_fd=leaf.folder)
        try:
            self._accesses.stayed(leaf)
        except OSError:
            os.unlink(leaf.name, dir_fd=leaf.folder)
            os.close(made)
            raise
        return made
