"""Accesses of system calls: what a path of the caller names, and whether the caller may have it."""

from __future__ import annotations

import errno
import os
import posixpath
from functools import partial

from ..domain.actions import ALLOW, ASK, DENY
from .kernel import AT_FDCWD
from .letters import in_plain_letters
from .other_names import OtherNames
from .resolving import Leaf
from .system_call import READ, WRITE, AccessDeniedError, AskedError, own_terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .own_paths import OwnPaths
    from .port import DecisionPort
    from .resolving import Resolver
    from .system_call import SystemCall


_FLOOR = "floor"
"""The layer of rules that protect names everywhere."""
_SELF, _THREAD_SELF = b"/proc/self/", b"/proc/thread-self/"
_PUBLIC = frozenset({"stat", "status", "statm", "comm", "cmdline"})
"""What every user may read of a process, and `ps` does (proc(5))."""


def _of_caller(call: SystemCall, path: bytes) -> bytes:
    """A path in which /proc/self is the caller's: for the kernel it is whoever opens it, which is the supervisor."""
    for name, inner in ((_SELF, b"%b/"), (_THREAD_SELF, b"%b/task/%b/")):
        if path.startswith(name):
            group = call.status(b"NStgid").split()[-1]
            numbers = (group, call.status(b"NSpid").split()[-1])[: inner.count(b"%b")]
            return b"/proc/" + inner % numbers + path[len(name) :]
    return path


class Accesses:
    """Follows the paths of calls and has them decided: by the walls' own paths, else by the policy."""

    def __init__(self, resolver: Resolver, port: DecisionPort, own_paths: OwnPaths) -> None:
        self.resolver = resolver
        self.port = port
        self.own_paths = own_paths
        self._other_names = OtherNames(own_paths.writable, self._may_be_written)

    def may(self, call: SystemCall, action: str, path: str, *, outside: bool = False) -> None:
        """Return when an access to a real path is allowed. Raises OSError with EACCES, or AskedError.

        What is private inside is somebody's `outside`.
        """
        if not call.is_valid():  # its number may be another's by now, whose memory was read
            raise ProcessLookupError(errno.ESRCH, "it is gone")
        if not self.own_paths.closed and not self.own_paths.observed and path.startswith("/proc/"):
            self._may_see(call, path)
        own = None if outside and self.own_paths.is_private(path) else self.own_paths.ruling(action, path)
        if own is not None and action == READ and not self.own_paths.closed and self._is_denied_in_system(path):
            own = None
        ruling = own or self.port.path(action, path)
        if ruling.effect == ALLOW or (action, path) in call.approved:
            if own is None and action != READ and not self.own_paths.observed:
                self._may_be_called(action, path)
            return
        if ruling.effect == ASK:
            raise AskedError(ruling, (action, path))
        raise AccessDeniedError(ruling.reason)

    def _is_denied_in_system(self, path: str) -> bool:
        """Whether a rule denies what every program reads otherwise; with bubblewrap the plan has it covered."""
        if self.own_paths.observed or not self.own_paths.is_system(path):
            return False
        places = self.port.places(READ)
        said = places.says(places.at(path))
        return said is not None and said.effect == DENY

    def _may_be_called(self, action: str, path: str) -> None:
        """Return for a path that is no protected one in other letters. Raises OSError.

        Whatever file system it lies on: it may be copied to one, and git refuses such names everywhere.
        """
        like = self.port.like
        folder = next((f for f in (like.workspace, like.home) if f and path.startswith(f"{f}/")), "")
        plain = folder + in_plain_letters(path[len(folder) :])
        if plain != path:
            places = self.port.places(action)
            said = places.verdict(places.at(plain))
            if said.effect == DENY and any(rule.layer == _FLOOR for rule in said.rules):
                raise AccessDeniedError("it is a protected name in other letters")

    def may_change(self, call: SystemCall, leaf: Leaf) -> None:
        """Return when a file that is there may be changed, whatever further names it has. Raises as `may` does."""
        self.may(call, WRITE, leaf.path)
        decided = self.own_paths.ruling(WRITE, leaf.path) is None and not self.own_paths.observed
        if decided and not self._other_names.all_allowed(leaf.place):
            raise AccessDeniedError("the file has another name, which may not be written or is not known")

    def _may_be_written(self, path: str) -> bool:
        places = self.port.places(WRITE)
        return places.verdict(places.at(path)).effect == ALLOW and not self.own_paths.protects(path)

    @staticmethod
    def _may_see(call: SystemCall, path: str) -> None:
        """Return for what /proc shows of the caller, or everybody may know of a process. Raises OSError.

        Without namespaces all of the machine's processes are there, and the launcher could read what its caller cannot.
        """
        name, *below = path.removeprefix("/proc/").split("/")
        others = name.isdigit() and name.encode() != call.status(b"Tgid")
        if others and (len(below) != 1 or below[0] not in _PUBLIC):
            raise AccessDeniedError("it is another process")

    def _meant(self, call: SystemCall, path: bytes) -> bytes:
        """A path as the kernel would take it for the caller; what goes on from something open, by that one's name.

        Such links are followed for nobody else: openat2(2) has `EXDEV` for them.
        """
        path = _of_caller(call, path)
        parts = [part for part in path.split(b"/") if part]
        if path[:1] != b"/" or parts[:1] not in ([b"proc"], [b"dev"]):
            return path
        if parts[:2] == [b"dev", b"fd"]:
            parts[:1] = [b"proc", call.status(b"NStgid").split()[-1]]
        if len(parts) < 4 or not self._is_own(call, parts[1]):
            return path
        below = parts[4:] if parts[2] == b"task" else parts[2:]
        slash = b"/" if path.endswith(b"/") else b""
        if below[:1] == [b"cwd"] and len(below) > 1:
            return self.resolver.absolute(call.thread, AT_FDCWD, b"/".join(below[1:]) + slash)
        if below[:1] == [b"root"] and len(below) > 1:
            return b"/" + b"/".join(below[1:]) + slash
        if below[:1] == [b"fd"] and len(below) > 2 and below[1].isdigit():
            return self.resolver.absolute(call.thread, int(below[1]), b"/".join(below[2:]) + slash)
        return path

    def leaf(self, call: SystemCall, base: int, address: int, follow: bool) -> Leaf:
        """What the path at an address of the caller names, from a folder of the caller on. Raises OSError."""
        text = self.resolver.text(call.thread, address)
        path = self.resolver.absolute(call.thread, base, text)
        return self._special(call, path) or self.resolver.leaf(path, follow, partial(self._meant, call))

    def program(self, call: SystemCall, path: bytes) -> Leaf:
        """The program that an absolute path of the caller names; its own, by `/proc/self/exe`. Raises OSError."""
        return self.resolver.leaf(path, True, partial(self._meant, call))

    def stayed(self, leaf: Leaf) -> None:
        """Return when a folder in which something was made has still the name that was decided. Raises OSError.

        Another box's supervisor, or somebody outside, may have moved it meanwhile.
        """
        if self.resolver.real(leaf.folder) != posixpath.dirname(leaf.path):
            raise OSError(errno.EAGAIN, "its folder was moved")

    def _special(self, call: SystemCall, path: bytes) -> Leaf | None:
        """What the caller has open, under the names that the kernel gives it; None for any other path."""
        if not path.startswith((b"/dev/", b"/proc/", b"//")):
            return None
        parts = posixpath.normpath(path).lstrip(b"/").split(b"/")
        streams = {b"stdin": b"0", b"stdout": b"1", b"stderr": b"2"}
        number = None
        if parts[0] == b"dev" and len(parts) == 2:
            number = streams.get(parts[1])
            if parts[1] == b"tty":
                return self._terminal(call)
        elif parts[:2] == [b"dev", b"fd"] and len(parts) == 3:
            number = parts[2]
        elif parts[0] == b"proc" and len(parts) == 4 and parts[2] == b"fd" and self._is_own(call, parts[1]):
            number = parts[3]
        return (
            self.resolver.of_descriptor(call.thread, int(number)) if number is not None and number.isdigit() else None
        )

    @staticmethod
    def _is_own(call: SystemCall, name: bytes) -> bool:
        return name in {b"self", b"thread-self"} or name == call.status(b"NStgid").split()[-1]

    def _terminal(self, call: SystemCall) -> Leaf:
        """The caller's controlling terminal. Raises OSError when it has none."""
        number = call.terminal()
        if number == 0:
            raise OSError(errno.ENXIO, "no terminal")
        if number == own_terminal():
            place = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
            return Leaf(-1, b"", "/dev/tty", place, os.fstat(place).st_mode)
        minor = (number & 0xFF) | ((number >> 12) & 0xFFF00)
        return self.resolver.leaf(b"/dev/pts/%d" % minor, True)
