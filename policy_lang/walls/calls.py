"""The supervised system calls by name, and what does each of them.

What a call names is followed to a descriptor first, decided by its real path, and then the call is done on that
descriptor. So the words in the caller's memory are read once, and what is done is what was decided.
"""

from __future__ import annotations

import os

from .addressing import Addressing
from .bound import BoundSockets
from .kernel import AT_FDCWD, AT_REMOVEDIR, AT_SYMLINK_NOFOLLOW
from .metadata import Metadata, in_micros, in_seconds, mode_set, owner_set, times_set
from .naming import Naming, new_folder, new_node
from .opening import Opening
from .starting import Starting
from .system_call import GO_ON, folder_of, signed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .accesses import Accesses
    from .system_call import Done, SystemCall

    Doer = Callable[[SystemCall], Done]


class Calls:
    """Decides and does the supervised calls of one box."""

    def __init__(self, accesses: Accesses) -> None:
        opening, naming, metadata, starting = (
            Opening(accesses), Naming(accesses), Metadata(accesses), Starting(accesses),
        )  # fmt: skip
        self._bound = BoundSockets()
        addressing = Addressing(accesses, self._bound)
        self._table: dict[str, Doer] = {
            **_opens(opening), **_names(naming), **_metadata(metadata),
            "umask": _masked,
            "connect": addressing.connect,
            "bind": addressing.bind,
            "listen": addressing.listen,
            "execve": lambda c: starting.execute(c, AT_FDCWD, c.a[0], c.a[1], 0),
            "execveat": lambda c: starting.execute(c, folder_of(c.a[0]), c.a[1], c.a[2], c.a[4]),
        }  # fmt: skip

    def close(self) -> None:
        """Let go what is held for the calls."""
        self._bound.close()

    @property
    def names(self) -> frozenset[str]:
        """The calls that this can do."""
        return frozenset(self._table)

    def do(self, name: str, call: SystemCall) -> Done:
        """Decide a call and do it. Raises OSError with what the caller is answered, AskedError, SlowError."""
        return self._table[name](call)


def _masked(call: SystemCall) -> Done:
    """The kernel changes the caller's umask, which is then read anew."""
    call.forget_umasks()
    return GO_ON


def _opens(opening: Opening) -> dict[str, Doer]:
    new = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    return {
        "open": lambda c: opening.open(c, AT_FDCWD, c.a[0], c.a[1], c.a[2]),
        "creat": lambda c: opening.open(c, AT_FDCWD, c.a[0], new, c.a[1]),
        "openat": lambda c: opening.open(c, folder_of(c.a[0]), c.a[1], c.a[2], c.a[3]),
    }


def _names(naming: Naming) -> dict[str, Doer]:
    return {
        "mkdir": lambda c: naming.make(c, AT_FDCWD, c.a[0], new_folder(c.a[1])),
        "mkdirat": lambda c: naming.make(c, folder_of(c.a[0]), c.a[1], new_folder(c.a[2])),
        "mknod": lambda c: naming.make(c, AT_FDCWD, c.a[0], new_node(c.a[1])),
        "mknodat": lambda c: naming.make(c, folder_of(c.a[0]), c.a[1], new_node(c.a[2])),
        "symlink": lambda c: naming.make(c, AT_FDCWD, c.a[1], naming.symlink(c, c.a[0])),
        "symlinkat": lambda c: naming.make(c, folder_of(c.a[1]), c.a[2], naming.symlink(c, c.a[0])),
        "unlink": lambda c: naming.remove(c, AT_FDCWD, c.a[0], False),
        "rmdir": lambda c: naming.remove(c, AT_FDCWD, c.a[0], True),
        "unlinkat": lambda c: naming.remove(c, folder_of(c.a[0]), c.a[1], bool(c.a[2] & AT_REMOVEDIR)),
        "link": lambda c: naming.link(c, (AT_FDCWD, c.a[0]), (AT_FDCWD, c.a[1]), 0),
        "linkat": lambda c: naming.link(c, (folder_of(c.a[0]), c.a[1]), (folder_of(c.a[2]), c.a[3]), c.a[4]),
        "rename": lambda c: naming.rename(c, (AT_FDCWD, c.a[0]), (AT_FDCWD, c.a[1]), 0),
        "renameat": lambda c: naming.rename(c, (folder_of(c.a[0]), c.a[1]), (folder_of(c.a[2]), c.a[3]), 0),
        "renameat2": lambda c: naming.rename(c, (folder_of(c.a[0]), c.a[1]), (folder_of(c.a[2]), c.a[3]), c.a[4]),
    }


def _metadata(metadata: Metadata) -> dict[str, Doer]:
    change, change_open = metadata.change, metadata.change_open
    attribute, no_attribute = metadata.attribute, metadata.no_attribute
    link = AT_SYMLINK_NOFOLLOW
    return {
        "truncate": lambda c: change(c, AT_FDCWD, c.a[0], 0, lambda leaf: os.truncate(leaf.held, signed(c.a[1], 64))),
        "chmod": lambda c: change(c, AT_FDCWD, c.a[0], 0, mode_set(c.a[1])),
        "fchmodat": lambda c: change(c, folder_of(c.a[0]), c.a[1], 0, mode_set(c.a[2])),
        "fchmodat2": lambda c: change(c, folder_of(c.a[0]), c.a[1], c.a[3], mode_set(c.a[2])),
        "fchmod": lambda c: change_open(c, c.a[0], mode_set(c.a[1])),
        "chown": lambda c: change(c, AT_FDCWD, c.a[0], 0, owner_set(c.a[1], c.a[2])),
        "lchown": lambda c: change(c, AT_FDCWD, c.a[0], link, owner_set(c.a[1], c.a[2])),
        "fchownat": lambda c: change(c, folder_of(c.a[0]), c.a[1], c.a[4], owner_set(c.a[2], c.a[3])),
        "fchown": lambda c: change_open(c, c.a[0], owner_set(c.a[1], c.a[2])),
        "utimensat": metadata.utimensat,
        "futimesat": metadata.futimesat,
        "utime": lambda c: change(c, AT_FDCWD, c.a[0], 0, times_set(in_seconds(c.memory(c.a[1], 16)))),
        "utimes": lambda c: change(c, AT_FDCWD, c.a[0], 0, times_set(in_micros(c.memory(c.a[1], 32)))),
        "setxattr": lambda c: change(c, AT_FDCWD, c.a[0], 0, attribute(c, c.a[1:5])),
        "lsetxattr": lambda c: change(c, AT_FDCWD, c.a[0], link, attribute(c, c.a[1:5])),
        "fsetxattr": lambda c: change_open(c, c.a[0], attribute(c, c.a[1:5])),
        "removexattr": lambda c: change(c, AT_FDCWD, c.a[0], 0, no_attribute(c, c.a[1])),
        "lremovexattr": lambda c: change(c, AT_FDCWD, c.a[0], link, no_attribute(c, c.a[1])),
        "fremovexattr": lambda c: change_open(c, c.a[0], no_attribute(c, c.a[1])),
    }
