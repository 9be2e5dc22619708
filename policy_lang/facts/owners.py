"""Owners of files: what is trusted must be in the hands of this user or root alone."""

from __future__ import annotations

import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from os import stat_result


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
