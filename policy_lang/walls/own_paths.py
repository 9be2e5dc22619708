"""Paths about which no rule is asked: the walls' own devices and folders, and what nobody may change."""

from __future__ import annotations

from ..domain.actions import DENY
from ..domain.record import field, record
from ..egress.port import Ruling
from ..pep.deciders import WALLS_FOLDER
from .port import FREE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_DEVICES = frozenset(
    {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/ptmx", "/dev/console"}
)
_FOLDERS = ("/dev/shm/", "/dev/pts/")  # noqa: S108 (its own, inside)
"""The walls' own memory and terminals; nobody outside has them."""
_PROTECTED = Ruling(DENY, "it belongs to the policy, to its hooks or to the launcher, and is read-only inside")
_SYSTEM = Ruling(DENY, "processes, devices and the system's own files cannot be changed from inside")


@record(frozen=True, slots=True)
class OwnPaths:
    """The walls' own ground. `protected` are absolute paths that nobody may change, with all that is below them.

    Below `private` folders everything is the walls' own, but for what lies below `shared` ones; below `writable` ones
    something may be changed. What lies below `system` ones every program reads.
    Where the policy is only `observed`, nothing is protected.
    `closed` says that devices, processes and the network inside are their own; else only `ports` of the loopback may
    be reached.
    """

    protected: frozenset[str] = field(default_factory=frozenset)
    private: frozenset[str] = field(default_factory=frozenset)
    system: frozenset[str] = field(default_factory=frozenset)
    shared: frozenset[str] = field(default_factory=frozenset)
    writable: tuple[str, ...] = ()
    closed: bool = True
    observed: bool = False
    ports: frozenset[int] = field(default_factory=frozenset)

    def ruling(self, action: str, path: str) -> Ruling | None:
        """The ruling on a real path, or None when the policy says."""
        if self.observed:
            free = path.startswith(("/dev/", "/proc/", "/sys/")) or (action == "read" and self.is_system(path))
            return FREE if free else None
        if path.startswith(("/dev/", "/proc/", "/sys/", "/run/")) or path in {"/dev", "/proc", "/sys", "/run"}:
            if path in _DEVICES and action != "delete" and (self.closed or path != "/dev/console"):
                return FREE
            if path.startswith(_FOLDERS) and self.closed:
                return FREE
            if action != "read":
                return _SYSTEM
            return FREE if self.closed or path.startswith("/proc/") else None
        if action == "read":
            return FREE if self.is_system(path) or self.is_private(path) else None
        if self.protects(path):
            return _PROTECTED
        return FREE if self.is_private(path) else None

    def is_system(self, path: str) -> bool:
        """Whether a path is one that every program may read. A workspace in a system folder is none."""
        for folder in _upwards(path):
            if folder in self.system:
                return True
            if folder in self.shared:
                return False
        return False

    def is_private(self, path: str) -> bool:
        """Whether a path is the walls' own: nothing of it was there before, and nothing is left."""
        for folder in _upwards(path):
            if folder in self.shared:
                return False
            if folder in self.private:
                return True
        return False

    def serves(self, path: str) -> bool:
        """Whether the launcher listens at the path of a socket."""
        return path.startswith(f"{WALLS_FOLDER}/")

    def protects(self, path: str) -> bool:
        """Whether nobody may change a path: it is protected, or lies below what is."""
        return any(folder in self.protected for folder in _upwards(path))


def _upwards(path: str) -> Iterator[str]:
    """A path and the folders above it, but for the root."""
    yield path
    end = path.rfind("/")
    while end > 0:
        yield path[:end]
        end = path.rfind("/", 0, end)
