"""Names: made, removed, linked and changed by the supervisor, one after the other."""

from __future__ import annotations

import errno
import os
import posixpath
import stat
import threading
from itertools import dropwhile

from ..domain.actions import ALLOW
from ..domain.errors import SearchLimitError
from ..domain.limits import limit
from . import git_index, kernel
from .system_call import DELETE, DONE, READ, WRITE, AccessDeniedError, missing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .accesses import Accesses
    from .resolving import Leaf
    from .system_call import Done, SystemCall

_MOST_MOVED = limit("tree_files")


class Naming:
    """Makes and changes names for callers."""

    def __init__(self, accesses: Accesses) -> None:
        self._accesses = accesses
        self._names = threading.Lock()

    def make(self, call: SystemCall, base: int, address: int, make: Callable[[SystemCall, Leaf], None]) -> Done:
        """Make something under a name that is free. Raises OSError, AskedError."""
        with self._names:
            leaf = self._accesses.leaf(call, base, address, False)
            try:
                if leaf.exists or leaf.folder < 0:
                    raise FileExistsError(errno.EEXIST, "it is there")
                self._accesses.may(call, WRITE, leaf.path)
                self._may_be_put(leaf.path)
                make(call, leaf)
                self._stays(leaf)
            finally:
                leaf.close()
        return DONE

    def _stays(self, leaf: Leaf) -> None:
        """Take away what was made when it is not where it was decided to be. Raises OSError then."""
        try:
            self._accesses.stayed(leaf)
        except OSError:
            made = os.stat(leaf.name, dir_fd=leaf.folder, follow_symlinks=False)
            (os.rmdir if stat.S_ISDIR(made.st_mode) else os.unlink)(leaf.name, dir_fd=leaf.folder)
            raise

    def symlink(self, call: SystemCall, address: int) -> Callable[[SystemCall, Leaf], None]:
        """How a link is made to the target at an address of the caller. Raises OSError."""
        target = self._accesses.resolver.text(call.thread, address)

        def make(call: SystemCall, leaf: Leaf) -> None:
            self._may_point(call, leaf.path, target)
            os.symlink(target, leaf.name, dir_fd=leaf.folder)

        return make

    def _may_point(self, call: SystemCall, path: str, target: bytes) -> None:
        """Return when a link at a path may lead to its target. Raises OSError, AskedError.

        Inside, what a link leads to is decided when it is used. Outside, programs follow it: git writes its messages
        and logs through links that it finds. So nobody makes one to what he may not write, but for the system's files,
        which nobody can. By its words a target must be such, and as links lead now; one that goes up behind a name
        leads wherever a later link of that name says. What is below the target must not be denied while it is allowed
        below the link, through which an earlier link may lead.
        """
        own_paths = self._accesses.own_paths
        if own_paths.is_private(path) or own_paths.observed:
            return
        names = [name for name in os.fsdecode(target).split("/") if name not in {"", "."}]
        if ".." in dropwhile(lambda name: name == "..", names) or (names[:1] == [".."] and target.startswith(b"/")):
            raise PermissionError(errno.EPERM, "a target that goes up behind a name")
        said = posixpath.normpath(posixpath.join(posixpath.dirname(path), os.fsdecode(target)))
        for real in dict.fromkeys((said, self._led_to(said))):
            if not own_paths.is_system(real):
                self._accesses.may(call, WRITE, real, outside=True)
                self._may_stand_for(real, path)

    def _may_stand_for(self, real: str, path: str) -> None:
        """Return when a path may be another name of a real one, and of what is or will be below. Raises OSError."""
        places, own_paths = self._accesses.port.places(WRITE), self._accesses.own_paths
        try:
            looser = places.looser_below(places.at(real), places.at(path))
        except SearchLimitError as error:
            raise AccessDeniedError(str(error)) from None
        ends = (one.removeprefix(real) for one in own_paths.protected if one.startswith(f"{real}/"))
        allowed = (
            e for e in ends if places.verdict(places.at(path + e)).effect == ALLOW and not own_paths.protects(path + e)
        )
        if looser is not None or any(allowed):
            raise AccessDeniedError("below its target something is denied that is allowed below the link")

    def _led_to(self, path: str) -> str:
        """Where a path leads by the links that are there now; the path itself where nothing is."""
        try:
            found = self._accesses.resolver.leaf(os.fsencode(path), True)
        except OSError:
            return path
        found.close()
        return found.path

    def remove(self, call: SystemCall, base: int, address: int, folder: bool) -> Done:
        """Remove a name, of a folder or of anything else. Raises OSError, AskedError."""
        with self._names:
            leaf = self._accesses.leaf(call, base, address, False)
            try:
                if not leaf.exists:
                    missing()
                if leaf.folder < 0:
                    raise OSError(errno.EBUSY if folder else errno.EISDIR, "a folder by another name")
                if folder != leaf.is_folder:
                    raise OSError(errno.ENOTDIR if folder else errno.EISDIR, "it is something else")
                self._accesses.may(call, DELETE, leaf.path)
                (os.rmdir if folder else os.unlink)(leaf.name, dir_fd=leaf.folder)
            finally:
                leaf.close()
        return DONE

    def link(self, call: SystemCall, old: tuple[int, int], new: tuple[int, int], flags: int) -> Done:
        """Give a file a further name. Raises OSError, AskedError."""
        with self._names:
            if flags & kernel.AT_EMPTY_PATH and not self._accesses.resolver.text(call.thread, old[1]):
                source = self._accesses.resolver.of_descriptor(call.thread, old[0])
            else:
                source = self._accesses.leaf(call, *old, bool(flags & kernel.AT_SYMLINK_FOLLOW))
            try:
                target = self._accesses.leaf(call, *new, False)
            except BaseException:
                source.close()
                raise
            try:
                if not source.exists or not source.path:
                    missing()
                if source.is_folder:
                    raise PermissionError(errno.EPERM, "a folder")
                if target.exists or target.folder < 0:
                    raise FileExistsError(errno.EEXIST, "it is there")
                self._accesses.may(call, READ, source.path)
                self._accesses.may_change(call, source)
                self._accesses.may(call, WRITE, target.path)
                self._may_be_put(source.path)
                self._may_be_put(target.path)
                if stat.S_ISLNK(source.mode):
                    self._may_point(call, target.path, os.readlink(b"", dir_fd=source.place))
                    os.link(
                        source.name,
                        target.name,
                        src_dir_fd=source.folder,
                        dst_dir_fd=target.folder,
                        follow_symlinks=False,
                    )
                else:
                    os.link(source.held, target.name, dst_dir_fd=target.folder, follow_symlinks=True)
            finally:
                source.close()
                target.close()
        return DONE

    def rename(self, call: SystemCall, old: tuple[int, int], new: tuple[int, int], flags: int) -> Done:
        """Give something another name, or exchange two. Raises OSError, AskedError."""
        if flags & ~(kernel.RENAME_NOREPLACE | kernel.RENAME_EXCHANGE):
            raise OSError(errno.EINVAL, "flags")
        with self._names:
            source = self._accesses.leaf(call, *old, False)
            try:
                target = self._accesses.leaf(call, *new, False)
            except BaseException:
                source.close()
                raise
            try:
                if not source.exists:
                    missing()
                if source.folder < 0 or target.folder < 0:
                    raise OSError(errno.EBUSY, "a folder by another name")
                exchanged = bool(flags & kernel.RENAME_EXCHANGE)
                if exchanged and not target.exists:
                    missing()
                self._may_move(call, source, target.path)
                if exchanged:
                    self._may_move(call, target, source.path)
                if self._is_believed(target.path) and not flags and source.path != target.path:
                    git_index.put_in_place(source, target)
                else:
                    if flags:
                        self._may_be_put(source.path)
                        self._may_be_put(target.path)
                    kernel.rename_at(source.folder, source.name, target.folder, target.name, flags)
            finally:
                source.close()
                target.close()
        return DONE

    def _is_believed(self, path: str) -> bool:
        """Whether git outside will read an index at a path."""
        own_paths = self._accesses.own_paths
        return git_index.is_index(path) and not own_paths.is_private(path) and not own_paths.observed

    def _may_be_put(self, path: str) -> None:
        """Return for a path that is no index, which only a renaming puts in place. Raises OSError."""
        if self._is_believed(path):
            git_index.must_be_no_index(path)

    def _may_move(self, call: SystemCall, leaf: Leaf, path: str) -> None:
        """Return when everything that gets another name may have it. Raises OSError, AskedError.

        Under its old name it must be readable and deletable, under its new one writable: what is moved away from a name
        that protects it is no longer protected.
        """
        if stat.S_ISLNK(leaf.mode):
            self._may_point(call, path, os.readlink(b"", dir_fd=leaf.place))
        for below, target in (("", None), *self._below(leaf)):
            if not stat.S_ISLNK(leaf.mode) and (below or not leaf.is_folder):
                self._accesses.may(call, READ, leaf.path + below)
            self._accesses.may(call, DELETE, leaf.path + below)
            self._accesses.may(call, WRITE, path + below)
            if below:
                self._may_be_put(path + below)
            if target is not None:
                self._may_point(call, path + below, target)

    def _below(self, leaf: Leaf) -> Iterator[tuple[str, bytes | None]]:
        """What lies below a folder, as ends of paths, with where links lead.

        Raises OSError with EXDEV for too much, so that it is copied.
        """
        if not leaf.is_folder:
            return
        count = 0
        todo = [(leaf.held, "")]
        while todo:
            place, known = todo.pop()
            with os.scandir(place) as entries:
                for entry in entries:
                    count += 1
                    if count > _MOST_MOVED:
                        raise OSError(errno.EXDEV, "more lies below than can be looked at")
                    below = f"{known}/{entry.name}"
                    yield below, os.fsencode(os.readlink(entry.path)) if entry.is_symlink() else None
                    if entry.is_dir(follow_symlinks=False):
                        todo.append((entry.path, below))


def new_folder(mode: int) -> Callable[[SystemCall, Leaf], None]:
    """How a folder is made."""
    return lambda call, leaf: os.mkdir(leaf.name, mode & 0o1777 & ~call.umask(), dir_fd=leaf.folder)


def new_node(mode: int) -> Callable[[SystemCall, Leaf], None]:
    """How a file, a FIFO or a socket's name is made. Raises OSError for a device."""
    if (stat.S_IFMT(mode) or stat.S_IFREG) not in {stat.S_IFREG, stat.S_IFIFO, stat.S_IFSOCK}:
        raise PermissionError(errno.EPERM, "a device")
    return lambda call, leaf: os.mknod(
        leaf.name, stat.S_IFMT(mode) | (mode & 0o777 & ~call.umask()), dir_fd=leaf.folder
    )
