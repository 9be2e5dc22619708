"""A survey of what a policy grants of the disk, as entries for a sandbox: folders as wholes, and what in them differs.

Folders are looked into only as far as the policy tells names apart in them.
"""

from __future__ import annotations

import os
import stat

from ..domain.actions import ALLOW
from ..domain.errors import SearchLimitError
from ..domain.limits import limit
from ..domain.record import record
from ..engine.paths import ORDINARY
from ..engine.places import Places
from .model import PATHS, ExportError, PathEntry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..domain.request import Request
    from ..engine.pdp import Engine
    from ..engine.places import TreePath
    from .model import Mode

    Trail = tuple[TreePath, TreePath, TreePath]
    """A path in the rules about reading, writing and deleting."""

_KERNEL = frozenset({"/proc", "/sys", "/dev", "/run"})
"""Folders that are no disk's, and the sandbox's own."""
_MOST_FILES = limit("walls_files")
_MOST_ENTRIES = limit("export_entries")


@record(frozen=True, slots=True)
class Surveyed:
    """What is granted of the disk: `links` lead somewhere, and lie where nothing is granted as a whole."""

    files: tuple[PathEntry, ...]
    system: tuple[PathEntry, ...]
    links: tuple[tuple[str, str], ...] = ()


class DiskSurvey:
    """Walks over the disk and the rules together.

    A folder is granted as a whole where all that may ever lie in it is; with `widen` where what no rule tells apart is,
    but for what lies there now and is not. What may be written may be deleted then too. The folders of the `system` are
    read as wholes, but for what rules spell out; those that are `empty` inside are not looked into.
    """

    def __init__(
        self, engine: Engine, like: Request, widen: bool, system: Iterable[str], empty: Iterable[str] = ()
    ) -> None:
        self._places = tuple(Places(engine, action, like) for action in PATHS)
        self._reads = self._places[0]
        self._widen = widen
        self._base_paths = tuple(system)
        self._kept = tuple(p for p in (like.workspace, like.home) if p is not None)
        self._empty = tuple(empty)
        self._files: list[PathEntry] = []
        self._system: list[PathEntry] = []
        self._links: list[tuple[str, str]] = []
        self._count = 0

    def surveyed(self) -> Surveyed:
        """What is granted.

        Raises SearchLimitError when more would have to be looked at, or listed, than can be, ExportError for a name
        that can be in no request and lies in a folder that is granted.
        """
        for path in self._base_paths:
            self._base(path)
        self._folder(self._root(), "/", "none")
        return Surveyed(tuple(self._files), tuple(self._system), tuple(self._links))

    # the system's folders

    def _base(self, path: str) -> None:
        known = [e.path for e in self._system]
        if not os.path.lexists(path) or any(f"{path}/".startswith(f"{b}/") for b in known):
            return
        if os.path.islink(path):
            self._links.append((path, os.readlink(path)))
            real = os.path.realpath(path)
            if real != path and os.path.exists(real):
                self._base(real)
            return
        self._note(self._system, PathEntry(path, "read", os.path.isdir(path)))
        self._spelled_out(self._reads.at(path), path)

    def _spelled_out(self, place: TreePath, path: str) -> None:
        """What rules that restrict name there, letter by letter."""
        for name in self._reads.spelled_out(place):
            child, one = self._reads.child(place, name), os.path.join(path, name)
            if not os.path.lexists(one) or os.path.islink(one):
                continue
            folder = os.path.isdir(one)
            if self._reads.says(child) is not None:
                self._note(self._system, PathEntry(one, "none", folder))
            elif folder:
                self._spelled_out(child, one)

    # everything else

    def _root(self) -> Trail:
        first, second, third = (p.root() for p in self._places)
        return first, second, third

    def _child(self, trail: Trail, name: str) -> Trail:
        first, second, third = (p.child(t, name) for p, t in zip(self._places, trail, strict=True))
        return first, second, third

    def _note(self, entries: list[PathEntry], entry: PathEntry) -> None:
        entries.append(entry)
        if len(self._files) + len(self._system) > _MOST_ENTRIES:
            way = "grant a smaller folder" if self._widen else "grant a smaller folder, or give `--widen`"
            raise SearchLimitError(f"more than {_MOST_ENTRIES} files and folders would have to be listed; {way}")

    def _counted(self) -> None:
        self._count += 1
        if self._count > _MOST_FILES:
            raise SearchLimitError(f"more than {_MOST_FILES} files lie where the policy tells names apart")

    def _folder(self, trail: Trail, path: str, given: Mode) -> None:
        """A folder, which `given` says something about already."""
        own = self._as_a_whole(trail)
        if path == "/" or self._is_above(path):
            own = "none"
        if own != given:
            itself = tuple(a for n, a in enumerate(PATHS) if self._allows(n, trail))
            self._note(self._files, PathEntry(path, own, True, itself))
        if self._is_settled(trail, own):
            return
        try:
            names = sorted(os.listdir(path))
        except OSError:  # who may change its mode inside could look into it then
            if own != "none":
                self._note(self._files, PathEntry(path, "none", True))
            return
        for name in names:
            one = os.path.join(path, name)
            if one in _KERNEL or self._is_covered(one):
                continue
            self._counted()
            child = self._child(trail, name)
            if child[0].odd and own != "none":
                raise ExportError(f"a name in `{path}` has characters that no policy can speak of: rename it")
            self._one(child, one, own)

    def _one(self, trail: Trail, path: str, given: Mode) -> None:
        try:
            mode = os.lstat(path).st_mode
        except OSError:
            return
        if stat.S_ISDIR(mode):
            if any(path == e.path for e in self._system):
                return
            self._folder(trail, path, given)
        elif stat.S_ISLNK(mode):
            if given == "none" and self._allows(0, trail):
                self._links.append((path, os.readlink(path)))
        else:
            own = self._of_file(trail, stat.S_ISREG(mode))
            if own != given:
                self._note(self._files, PathEntry(path, own, False))

    def _is_above(self, path: str) -> bool:
        return any(one.startswith(f"{path}/") for one in self._kept)

    def _is_covered(self, path: str) -> bool:
        """Whether a path is the system's, or in a folder that is empty inside, and leads nowhere else."""
        if any(f"{path}/".startswith(f"{e.path}/") for e in self._system):
            return not self._is_above(path) and path not in self._kept
        return any(f"{path}/".startswith(f"{e}/") for e in self._empty) and not any(
            f"{one}/".startswith(f"{path}/") or f"{path}/".startswith(f"{one}/") for one in self._kept
        )

    def _allows(self, number: int, trail: Trail) -> bool:
        return self._places[number].verdict(trail[number]).effect == ALLOW

    def _extent(self, number: int, trail: Trail) -> str:
        return self._places[number].extent(trail[number])

    def _as_a_whole(self, trail: Trail) -> Mode:
        """What a folder is granted as a whole."""
        if self._widen:
            ordinary = self._child(trail, ORDINARY)
            granted = [self._allows(n, ordinary) for n in range(2)]
            changes = granted[1]
        else:
            granted = [self._extent(n, trail) == "all" for n in range(3)]
            changes = granted[1] and granted[2]
        return "none" if not granted[0] else "write" if changes else "read"

    def _of_file(self, trail: Trail, regular: bool) -> Mode:
        if not self._allows(0, trail) or not regular:
            return "none"
        return "write" if self._allows(1, trail) else "read"

    def _is_settled(self, trail: Trail, own: Mode) -> bool:
        """Whether nothing below a folder differs from what it is as a whole."""
        extents = [self._extent(n, trail) for n in range(3)]
        if own == "none":
            return extents[0] == "none"
        if extents[0] != "all":
            return False
        if own == "read":
            return extents[1] == "none"
        return extents[1] == extents[2] == "all"
