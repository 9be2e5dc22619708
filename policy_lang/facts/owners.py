"""Owners of files: what is trusted must be in the hands of this user or root alone."""

from __future__ import annotations

import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from os import stat_result


ANYBODY = -1


def writers(path: str) -> set[int]:
    """The users who could put something else at a path: who owns the file, what links lead to, or a folder above.

    `ANYBODY` is among them when a folder is open to its group or to everyone. What is missing has no owner.
    """
    found: set[int] = set()
    for name in {os.path.abspath(path), os.path.realpath(path)}:
        here = name
        while True:
            try:
                status = os.lstat(here)
            except OSError:
                pass
            else:
                found.add(status.st_uid)
                if stat.S_ISDIR(status.st_mode) and status.st_mode & 0o022 and not status.st_mode & stat.S_ISVTX:
                    found.add(ANYBODY)
            if here == "/":
                break
            here = os.path.dirname(here)
    return found


def unsafe(status: stat_result, uid: int | None = None) -> tuple[str, str] | None:
    """Why a file or folder cannot be trusted, and how to fix it; None when only `uid` and root can change it.

    A folder that others may write is safe when it is sticky: then nobody removes what is another's (unlink(2)).
    """
    mine = os.geteuid() if uid is None else uid
    if status.st_uid not in {0, mine}:
        return f"it belongs to the user {status.st_uid}, not to {mine} or root", "change its owner with `chown`"
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o022 and not (stat.S_ISDIR(status.st_mode) and mode & stat.S_ISVTX):
        who = "everyone" if mode & 0o002 else "its group"
        return f"{who} can write it (mode {mode:04o})", "take that away with `chmod go-w`"
    return None
