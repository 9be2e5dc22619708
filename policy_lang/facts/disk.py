"""The disk as decisions see it: links on a path, and what lies below a folder."""

from __future__ import annotations

import os
import stat

from ..domain.errors import RequestError
from ..domain.faults import reason_of
from ..domain.limits import limit
from .text import check_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

Found = tuple[tuple[str, ...], str, bool]
"""Something below a folder: its segments from there, its path, and whether it is a symbolic link."""


class Disk:
    """The machine's own. A log notes what it says, and a replay has what was noted in its place."""

    __slots__ = ()

    def is_folder(self, path: str) -> bool:
        """True when the path leads to a folder."""
        return os.path.isdir(path)

    def link(self, path: str) -> str | None:
        """The target of a symbolic link, or None. Raises RequestError for what cannot be looked at."""
        try:
            if not stat.S_ISLNK(os.lstat(path).st_mode):
                return None
            target = os.readlink(path)
            check_text(target, "symbolic link's target", limit("path_bytes"))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError) as error:
            reason = reason_of(error, "refused" if isinstance(error, OSError) else str(error) or "refused")
            raise RequestError("PLR017", f"the path cannot be resolved: {reason}") from None
        return target

    def real(self, path: str) -> str:
        """The path with all links followed."""
        return os.path.realpath(path)

    def below(self, root: str, visible: bool = False) -> Iterator[Found]:
        """Everything below a folder.

        Links are not followed. `visible` leaves out hidden files and plain names of `.gitignore`, as rg(1) does.
        Raises RequestError for a folder that cannot be read; a folder that is not there has nothing below.
        """
        todo: list[tuple[str, tuple[str, ...]]] = [(root, ())]
        while todo:
            folder, segments = todo.pop()
            try:
                with os.scandir(folder) as found:
                    entries = list(found)
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                reason = reason_of(error, "refused")
                raise RequestError("PLR017", f"a folder below the path cannot be read: {reason}") from None
            ignored = _ignored(folder) if visible else frozenset()
            for entry in entries:
                if visible and (entry.name.startswith(".") or entry.name in ignored):
                    continue
                word = (*segments, entry.name)
                if entry.is_dir(follow_symlinks=False):
                    todo.append((entry.path, word))
                yield word, entry.path, entry.is_symlink()


REAL = Disk()


def _ignored(folder: str) -> frozenset[str]:
    """Plain names that `.gitignore` leaves out here, unless something could bring them back."""
    if any(os.path.exists(os.path.join(folder, name)) for name in (".ignore", ".rgignore")):
        return frozenset()
    try:
        with open(os.path.join(folder, ".gitignore"), encoding="utf-8") as file:
            lines = file.read(1 << 16).splitlines()
    except (OSError, UnicodeDecodeError):
        return frozenset()
    if any(line.startswith("!") for line in lines):
        return frozenset()
    plain = (line.strip().strip("/") for line in lines)
    return frozenset(t for t in plain if t and not any(c in t for c in "*?[/\\#!"))
