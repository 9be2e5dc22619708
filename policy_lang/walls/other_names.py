"""Further names of files: a hard link is a name like any other, and what is said of one name holds for the file."""

from __future__ import annotations

import os
import stat

from ..domain.errors import SearchLimitError
from ..domain.limits import limit
from ..domain.record import replace
from ..engine.memo import Memo
from .plan import Mount

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from .plan import Plan

    Identity = tuple[int, int]
    """Device and number of a file (inode(7))."""

_MOST = limit("walls_files")


def with_other_names(plan: Plan) -> Plan:
    """A plan that hides what it hides under the names as well that lie in what it grants.

    Raises SearchLimitError when more files lie there than can be looked at.
    """
    hidden = {_identity(seen) for seen in _hidden(plan) if seen.st_nlink > 1}
    found = [path for path in _names(plan.granted(), hidden) if plan.shows(path)] if hidden else []
    return replace(plan, mounts=(*plan.mounts, *(Mount("hide", path) for path in found))) if found else plan


def _hidden(plan: Plan) -> Iterator[os.stat_result]:
    for path in plan.paths("hide"):
        yield os.lstat(path)
    for entry in _below(plan.paths("hide-folder")):
        if entry.is_file(follow_symlinks=False) and not plan.shows(entry.path):
            yield entry.stat(follow_symlinks=False)


def _names(folders: Iterable[str], wanted: set[Identity]) -> Iterator[str]:
    """The names below folders of files that are wanted."""
    numbers = {number for _, number in wanted}
    for entry in _below(folders):
        if entry.inode() in numbers and _identity(entry.stat(follow_symlinks=False)) in wanted:
            yield entry.path


def _below(folders: Iterable[str]) -> Iterator[os.DirEntry[str]]:
    left = _MOST
    todo = list(folders)
    while todo:
        try:
            entries = list(os.scandir(todo.pop()))
        except OSError:
            continue
        left -= len(entries)
        if left < 0:
            raise SearchLimitError(f"more than {_MOST} files lie where another name of one is looked for")
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                todo.append(entry.path)
            yield entry


def _identity(seen: os.stat_result) -> Identity:
    return seen.st_dev, seen.st_ino


class OtherNames:
    """Says of files with several names whether each lies below one of some folders, and is allowed there."""

    def __init__(self, folders: Iterable[str], allowed: Callable[[str], bool]) -> None:
        self._folders = tuple(folders)
        self._allowed = allowed
        self._known = Memo(limit("answers"))

    def all_allowed(self, place: int) -> bool:
        """Whether all names are allowed of what a descriptor is open on. False when they cannot all be found."""
        seen = os.fstat(place)
        if seen.st_nlink <= 1 or not stat.S_ISREG(seen.st_mode):
            return True
        key = (*_identity(seen), seen.st_nlink, seen.st_ctime_ns)
        found: bool | None = self._known.get(key)
        if found is None:
            try:
                names = [path for path in _names(self._folders, {_identity(seen)}) if self._allowed(path)]
            except SearchLimitError:
                names = []
            found = len(names) >= seen.st_nlink
            self._known.keep(key, found)
        return found
