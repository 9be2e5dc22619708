"""Git's index, which git outside believes: what it names is written when files are restored, `.git/hooks` and `..` too.

So it is put in place by the supervisor alone, as a new file that nobody inside has open, when its names are such as git
itself would enter.
"""

from __future__ import annotations

import errno
import os
import re
import stat

from ..facts.git_index import MOST_BYTES, names_of
from .letters import in_plain_letters
from .system_call import AccessDeniedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .resolving import Leaf

_INDEX = re.compile(r"/\.git/(?:(?:worktrees|modules)/(?:.*/)?)?(?:index|sharedindex\.[^/]*)", re.DOTALL)
_NOT_ENTERED = frozenset({"", ".", "..", ".git"})
"""Names of which no path of an index is made (git's `read-cache.c`, verify_path)."""


def is_index(path: str) -> bool:
    """Whether git reads an index at a path."""
    at = path.rfind("/.git/")
    return at >= 0 and _INDEX.fullmatch(path, path.find("/.git/")) is not None


def must_be_no_index(path: str) -> None:
    """Return for any other path. Raises OSError: an index is written beside its place, and renamed."""
    if is_index(path):
        raise AccessDeniedError("git's index is written as `index.lock`, and renamed")


def put_in_place(source: Leaf, target: Leaf) -> None:
    """Put a copy of an index in its place, and remove what it was written as. Raises OSError."""
    data = _read(source)
    name = f".walls-{os.urandom(16).hex()}"
    made = os.open(
        name, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=target.folder
    )
    try:
        with open(made, "wb") as stream:
            stream.write(data)
            seen = os.stat(source.held)
            os.fchmod(made, stat.S_IMODE(seen.st_mode) & 0o666)
            stream.flush()
            os.utime(made, ns=(seen.st_atime_ns, seen.st_mtime_ns))  # git compares it with the times of its files
        os.rename(name, target.name, src_dir_fd=target.folder, dst_dir_fd=target.folder)
    except BaseException:
        os.unlink(name, dir_fd=target.folder)
        raise
    os.unlink(source.name, dir_fd=source.folder)


def _read(source: Leaf) -> bytes:
    if not stat.S_ISREG(source.mode):
        raise AccessDeniedError("git's index is a file")
    with open(source.held, "rb") as stream:
        data = stream.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise OSError(errno.EFBIG, f"an index of more than {MOST_BYTES} bytes is not put in place")
    try:
        names = names_of(data)
    except ValueError as error:
        raise AccessDeniedError(f"this is no index that git would write: {error}") from None
    for entry in names:
        if _NOT_ENTERED & set(in_plain_letters(os.fsdecode(entry).removesuffix("/")).split("/")) and entry:
            raise AccessDeniedError("the index names what git must not write")
    return data
