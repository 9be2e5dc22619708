"""Landlock (landlock(7)): what may be opened without the supervisor, once more and from inside.

Nothing may be opened for writing, made, removed or renamed: what a policy grants of that, the supervisor does and hands
over. So a call that the filter forgot changes nothing.
"""

from __future__ import annotations

import ctypes

from ..domain.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_CREATE = 444
_VERSION = 1
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
"""All rights to files that an ABI knows (linux/landlock.h): with 2 REFER, with 3 TRUNCATE, with 5 IOCTL_DEV."""
_IOCTL_DEV = 1 << 15
_NETWORK, _SCOPES = 4, 6
"""The ABIs that brought ports of TCP, and scopes of abstract sockets and signals."""
_CONNECT_TCP = 1 << 1
_ABSTRACT_AND_SIGNALS = 3


def abi() -> int:
    """The version of Landlock that the kernel has, 0 for none."""
    found = ctypes.CDLL(None, use_errno=True).syscall(_CREATE, None, 0, _VERSION)
    return max(0, int(found))


@record(frozen=True, slots=True)
class Ruleset:
    """What `inside.restrict_files` builds: rights to be handled, and for each path what is allowed of them."""

    handled: tuple[int, ...]
    trees: tuple[tuple[str, int, int], ...]
    """Path, rights to a file, and further rights when it is a folder."""


def ruleset(version: int, readable: Iterable[str], devices: str = "/dev", no_network: bool = False) -> Ruleset:
    """The rules for trees that may be read and run; `no_network` refuses every connection over TCP."""
    files = max((rights for since, rights in _RIGHTS.items() if since <= version), default=0)
    handled: tuple[int, ...] = (files,)
    if version >= _NETWORK:
        handled = (files, _CONNECT_TCP if no_network else 0)
    if version >= _SCOPES:
        handled = (*handled, _ABSTRACT_AND_SIGNALS)
    trees = [(path, EXECUTE | READ_FILE, READ_DIR) for path in readable]
    trees.append(("/", 0, READ_DIR))  # names can be seen: what is not to be seen is not there
    trees.append((devices, READ_FILE | (files & _IOCTL_DEV), READ_DIR))
    return Ruleset(handled, tuple(trees))
