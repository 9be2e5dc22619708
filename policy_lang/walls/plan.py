"""The plan of the walls: what of the disk is there inside, from the policy and from what the disk has.

Folders are looked into only as far as the policy tells names apart in them: where it says one thing of all that lies
below, it is taken as a whole.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable

from ..domain.actions import ALLOW, ASK
from ..domain.errors import SearchLimitError
from ..domain.limits import limit
from ..domain.record import field, record
from ..engine.paths import ORDINARY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from ..engine.places import TreePath
    from .port import DecisionPort

    Kind = Literal["read", "write", "hide", "hide-folder", "private", "link"]
    """Readable, writable as well, covered by something empty, the walls' own and empty, a symbolic link."""

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store")
"""Folders without which no program starts. Distributions fill them; only root may write there (hier(7))."""
SYSTEM_FILES = tuple(
    f"/etc/{name}"
    for name in (
        "alternatives", "ca-certificates", "ca-certificates.conf", "crypto-policies", "debian_version", "fonts",
        "group",
        "host.conf", "inputrc", "java-17-openjdk", "java-11-openjdk", "java-21-openjdk", "ld.so.cache", "ld.so.conf",
        "ld.so.conf.d", "localtime", "login.defs", "lsb-release", "magic", "mime.types", "nsswitch.conf", "openssl",
        "os-release", "papersize", "passwd", "pki", "profile", "profile.d", "protocols", "python3", "python3.11",
        "services", "shells", "ssl", "terminfo", "timezone", "vim", "bash.bashrc", "gai.conf", "locale.alias",
        "locale.conf", "environment", "npmrc", "gitconfig", "hosts",
    )
)  # fmt: skip
"""What programs read there to find libraries, names of users, certificates, time zones, their own defaults."""
_TMP = "/tmp"  # noqa: S108 (its own, inside)
_MOST_FILES = limit("walls_files")
_MOST_HIDDEN = limit("walls_masks")
_TOO_MANY = "lie where the policy tells names apart; grant a smaller folder"


@record(frozen=True, slots=True)
class Mount:
    """One thing of the disk as it is inside; `target` is where a link leads."""

    kind: Kind
    path: str
    target: str = ""


@record(frozen=True, slots=True)
class Plan:
    """The walls of one start.

    `mounts` come in order: later ones lie on earlier ones. `system` are those that every program needs.
    """

    workspace: str
    home: str
    mounts: tuple[Mount, ...]
    protected: frozenset[str] = field(default_factory=frozenset)
    system: frozenset[str] = field(default_factory=frozenset)
    looked_at: int = 0

    def granted(self) -> tuple[str, ...]:
        """The folders and files that are there because the policy grants them."""
        return tuple(p for p in self.paths("read", "write") if p not in self.system and p not in self.protected)

    def paths(self, *kinds: Kind) -> tuple[str, ...]:
        """The paths of some kinds of mounts."""
        return tuple(m.path for m in self.mounts if m.kind in kinds)

    def shows(self, path: str) -> bool:
        """Whether a path of the disk is there inside, and readable."""
        return self.kind_of(path) in {"read", "write"}

    def kind_of(self, path: str) -> str:
        """The kind of the mount that a path is in; empty for one that is in none."""
        found = ""
        kind = ""
        for mount in self.mounts:
            if (path == mount.path or path.startswith(f"{mount.path}/")) and len(mount.path) >= len(found):
                found, kind = mount.path, mount.kind
        return kind


class Survey:
    """Looks at the disk where the policy grants something, and notes what is to be there inside."""

    def __init__(
        self,
        port: DecisionPort,
        protected: Iterable[str] = (),
        further: Iterable[str] = (),
        hides: bool = True,
        asks: bool = False,
    ) -> None:
        like = port.like
        assert like.workspace is not None
        assert like.home is not None
        self._workspace, self._home = like.workspace, like.home
        self._reads = port.places("read")
        self._writes = port.places("write")
        self._deletes = port.places("delete")
        self._protected = frozenset(protected)
        self._further = tuple(further)
        self._hides = hides
        self._asks = asks
        self._base: dict[str, None] = {}
        self._mounts: list[Mount] = []
        self._count = 0
        self._hidden = 0

    def plan(self) -> Plan:
        """The plan. Raises SearchLimitError when more would have to be looked at, or covered, than can be."""
        self._note("private", _TMP)
        self._note("private", self._home)
        for path in (*SYSTEM, *SYSTEM_FILES, *self._further):
            self._system(path)
        self._apart(self._reads.root(), "/")
        if self._workspace not in self._base and any(self._workspace.startswith(f"{b}/") for b in self._base):
            self._one_apart(self._reads.at(self._workspace), self._workspace)  # in a system folder, but no part of it
        for path in sorted(self._protected):
            if (
                os.path.exists(path)
                and self._reads.verdict(self._reads.at(path)).effect == ALLOW
                and self._writable(path)
            ):
                self._note("read", path)
        mounts = tuple(m for m in self._mounts if m.kind != "private" or not self._is_granted_with_more(m.path))
        return Plan(self._workspace, self._home, mounts, self._protected, frozenset(self._base), self._count)

    def _is_granted_with_more(self, path: str) -> bool:
        """Whether a folder lies in one that is there inside: then it is no ground of the walls' own."""
        return any(m.kind not in {"private", "link"} and path.startswith(f"{m.path}/") for m in self._mounts)

    def _writable(self, path: str) -> bool:
        """Whether a path lies in what is writable inside."""
        return any(m.kind == "write" and path.startswith(f"{m.path}/") for m in self._mounts)

    def _note(self, kind: Kind, path: str, target: str = "") -> None:
        if kind in {"hide", "hide-folder"}:
            self._hidden += 1
            if self._hidden > _MOST_HIDDEN:
                raise SearchLimitError(f"more than {_MOST_HIDDEN} files and folders {_TOO_MANY}")
        self._mounts.append(Mount(kind, path, target))

    def _counted(self, files: int = 1) -> None:
        self._count += files
        if self._count > _MOST_FILES:
            raise SearchLimitError(f"more than {_MOST_FILES} files {_TOO_MANY}")

    def _system(self, path: str) -> None:
        """A folder of the system's as a whole, but for what rules spell out."""
        if not os.path.lexists(path) or any(f"{path}/".startswith(f"{b}/") for b in self._base):
            return
        self._base[path] = None
        if os.path.islink(path):
            self._note("link", path, os.readlink(path))
            return
        self._note("read", path)
        self._spelled_out(self._reads.at(path), path)

    def _spelled_out(self, place: TreePath, path: str) -> None:
        for name in self._reads.spelled_out(place):
            child, below = self._reads.child(place, name), os.path.join(path, name)
            if not os.path.lexists(below) or os.path.islink(below):
                continue
            folder = os.path.isdir(below)
            if self._reads.says(child) is not None:
                self._hide(below, folder)
            elif folder:
                self._spelled_out(child, below)

    def _hide(self, path: str, folder: bool) -> None:
        if self._hides:
            self._note("hide-folder" if folder else "hide", path)

    def _apart(self, place: TreePath, path: str) -> None:
        """Look into a folder that is not there inside as a whole, for what of it is."""
        try:
            names = sorted(os.listdir(path))
        except OSError:
            return
        for name in names:
            below = os.path.join(path, name)
            if below in self._base or below in {"/proc", "/sys", "/dev", "/run"} or self._is_covered(below):
                continue
            self._counted()
            child = self._reads.child(place, name)
            if self._reads.extent(child) == "none" and self._reads.verdict(child).effect != ALLOW:
                continue
            self._one_apart(child, below)

    def _is_covered(self, path: str) -> bool:
        """Whether a path lies in the folder for temporary files, which is the walls' own, and leads nowhere else."""
        if not f"{path}/".startswith(f"{_TMP}/"):
            return False
        kept = (self._workspace, self._home)
        return not any(f"{one}/".startswith(f"{path}/") or f"{path}/".startswith(f"{one}/") for one in kept)

    def _is_temporary(self, path: str) -> bool:
        """Whether a path is the folder for temporary files, or leads from there to the workspace or the home."""
        return (
            f"{path}/".startswith(f"{_TMP}/")
            and path not in {self._workspace, self._home}
            and any(one.startswith(f"{path}/") for one in (self._workspace, self._home))
        )

    def _one_apart(self, place: TreePath, path: str) -> None:
        try:
            mode = os.lstat(path).st_mode
        except OSError:
            return
        if stat.S_ISLNK(mode):
            if self._reads.verdict(place).effect == ALLOW:
                self._note("link", path, os.readlink(path))
        elif stat.S_ISDIR(mode):
            ordinary = self._reads.verdict(self._reads.child(place, ORDINARY)).effect == ALLOW
            if ordinary and not self._is_temporary(path):
                self._shared(place, path)
            else:
                self._apart(place, path)
        elif stat.S_ISREG(mode) and self._reads.verdict(place).effect == ALLOW:
            self._note("write" if self._is_writable(path) else "read", path)

    def _shared(self, place: TreePath, path: str) -> None:
        """A folder as a whole, but for what in it may not be read."""
        self._note("write" if self._may_change(path) else "read", path)
        if self._reads.extent(place) != "all":
            self._inside(place, path)

    def _inside(self, place: TreePath, path: str) -> None:
        reads = self._reads
        try:
            entries = list(os.scandir(path))
        except OSError:  # who may change its mode inside could look into it then
            self._hide(path, True)
            return
        self._counted(len(entries))
        files: list[str] = []
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                self._folder_inside(reads.child(place, entry.name), entry.path)
            elif not entry.is_symlink():
                files.append(entry.name)
        for name in reads.not_allowed(place, files):
            if not self._is_asked(place, name):
                self._hide(os.path.join(path, name), False)

    def _folder_inside(self, place: TreePath, path: str) -> None:
        """A folder in one that is there as a whole."""
        reads = self._reads
        extent = reads.extent(place)
        if extent == "all":
            return
        if reads.verdict(reads.child(place, ORDINARY)).effect == ALLOW and (
            extent == "some" or reads.verdict(place).effect == ALLOW
        ):
            if extent == "some":
                self._inside(place, path)
            return
        self._hide(path, True)
        if extent == "some":
            self._apart(place, path)

    def _is_asked(self, place: TreePath, name: str) -> bool:
        """Whether a file stays to be seen, because people are asked when it is opened."""
        return self._asks and self._reads.verdict(self._reads.child(place, name)).effect == ASK

    def _may_change(self, path: str) -> bool:
        """Whether something below a folder may be written or deleted, people's answers included."""
        for places in (self._writes, self._deletes):
            place = places.at(path)
            if places.verdict(place).effect in {ALLOW, ASK} or places.extent(place, asked=True) != "none":
                return True
        return False

    def _is_writable(self, path: str) -> bool:
        return any(p.verdict(p.at(path)).effect in {ALLOW, ASK} for p in (self._writes, self._deletes))
