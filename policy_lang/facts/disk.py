"""The disk as decisions see it: links on a path, and what lies below a folder."""

from __future__ import annotations

import os
import stat

from ..domain.errors import RequestError
from ..domain.faults import reason_of
from ..domain.limits import limit
from .ignored import NONE, Ignored, ignored_around, ignored_in
from .text import check_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..domain.search import SearchOptions

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

    def repository(self, path: str) -> str:
        """What a folder is to git: `top` of a working tree, `bare` for a repository itself, else empty.

        One with `.git` that git would refuse counts as well. gitrepository-layout(5).
        """
        if os.path.lexists(os.path.join(path, ".git")):
            return "top"
        return "bare" if all(os.path.lexists(os.path.join(path, n)) for n in ("HEAD", "objects", "refs")) else ""

    def content(self, path: str, most: int) -> bytes | None:
        """What a regular file holds; None for anything else, for what cannot be read, for more than `most` bytes."""
        from ..domain.files import open_for_reading  # few decisions read a file

        try:
            handle = open_for_reading(path)
        except (OSError, ValueError):
            return None
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            return None
        with open(handle, "rb") as stream:
            data = stream.read(most + 1)
        return data if len(data) <= most else None

    def below(self, root: str, deep: bool = True, passes: frozenset[str] = frozenset()) -> Iterator[Found]:
        """Everything below a folder, or when not `deep` what lies in it.

        Links are not followed, and folders whose names it `passes` by are not entered. Raises RequestError for a folder
        that cannot be read; a folder that is not there has nothing below.
        """
        todo: list[tuple[str, tuple[str, ...]]] = [(root, ())]
        while todo:
            folder, segments = todo.pop()
            for entry in _entries(folder):
                word = (*segments, entry.name)
                if deep and entry.is_dir(follow_symlinks=False) and entry.name not in passes:
                    todo.append((entry.path, word))
                yield word, entry.path, entry.is_symlink()

    def searched(self, root: str, search: SearchOptions) -> Iterator[Found]:
        """What a search looks into below a folder, as rg(1) does, and folders that it enters.

        Links are not followed. Where ignore files are not plain it is more. Raises RequestError as `below` does.
        """
        from .chosen import Chosen

        chosen = Chosen(search)
        todo: list[tuple[str, tuple[str, ...], Ignored]] = [(root, (), ignored_around(root))]
        while todo:
            folder, segments, rules = todo.pop()
            for entry in _entries(folder):
                name, is_folder = entry.name, entry.is_dir(follow_symlinks=False)
                said = chosen.says(name, is_folder)
                if said is None:
                    typed = None if is_folder else chosen.has_type(name)
                    out = rules.leaves_out(name, is_folder)
                    said = typed is not False and (search.ignored or out is not True)
                    said = said and (search.hidden or bool(typed) or not name.startswith(".") or out is False)
                if not said:
                    continue
                word = (*segments, name)
                if is_folder:
                    todo.append((entry.path, word, ignored_in(entry.path, rules)))
                yield word, entry.path, entry.is_symlink()

    def untracked(self, root: str, every: bool = False) -> Iterator[Found]:
        """The files below a folder that git does not track; without `every`, none that `.gitignore` leaves out either.

        What lies in a `.git` is left out. Raises RequestError as `below` does.
        """
        from .git_index import tracked

        known = tracked(root)
        todo: list[tuple[str, tuple[str, ...], Ignored]] = [(root, (), NONE if every else ignored_around(root))]
        while todo:
            folder, segments, rules = todo.pop()
            for entry in _entries(folder):
                is_folder = entry.is_dir(follow_symlinks=False)
                if entry.name == ".git" or rules.leaves_out(entry.name, is_folder) or entry.path in known:
                    continue
                word = (*segments, entry.name)
                if is_folder:
                    todo.append((entry.path, word, NONE if every else ignored_in(entry.path, rules)))
                else:
                    yield word, entry.path, entry.is_symlink()

    def tracked(self, root: str) -> Iterator[Found]:
        """The files below a folder that git tracks; all that lies there when the index does not tell.

        Raises RequestError as `below` does.
        """
        from .git_index import tracked

        start = root.rstrip("/") + "/"
        known = tracked(root)
        for path in sorted(known):
            if path.startswith(start):
                yield tuple(path[len(start) :].split("/")), path, os.path.islink(path)
        if not known:
            yield from self.below(root)

    def moved(self, root: str, ways: tuple[tuple[str, str], ...]) -> Iterator[Found]:
        """The files that git may write or delete in the repository around a folder on these ways (`git_moves`).

        Their segments are those of their paths. Raises RequestError as `below` does.
        """
        from .git_moves import moved

        found = moved(root, ways)
        if found is None:
            found = frozenset(path for word, path, _ in self.below(root) if ".git" not in word)
        for path in sorted(found):
            yield tuple(path.split("/")), path, False

    def unsettled(self, root: str, paths: tuple[str, ...]) -> Iterator[Found]:  # noqa: ARG002 (a record goes by it)
        """Those of the files around a folder that are not as git has them, and may be taken back."""
        from .git_moves import unsettled

        for path in unsettled(paths):
            yield tuple(path.split("/")), path, False

    def brought(self, root: str, names: tuple[str, ...]) -> Iterator[Found]:
        """The files of a new working tree that git makes at one of these commits, and their places around a folder."""
        from .git_moves import brought

        for word, (path, _) in sorted(brought(root, names).items()):
            yield tuple(word.split("/")), path, False

    def unlike(self, root: str, names: tuple[str, ...], words: frozenset[str]) -> Iterator[Found]:
        """Those files of a new working tree that may be otherwise than they are around a folder."""
        from .git_moves import unlike

        for word in unlike(root, names, words):
            yield tuple(word.split("/")), word, False


REAL = Disk()


def _entries(folder: str) -> list[os.DirEntry[str]]:
    """What lies in a folder; nothing when it is none. Raises RequestError when it cannot be read."""
    try:
        with os.scandir(folder) as found:
            return list(found)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        reason = reason_of(error, "refused")
        raise RequestError("PLR017", f"a folder below the path cannot be read: {reason}") from None
