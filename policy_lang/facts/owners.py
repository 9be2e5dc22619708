"""Owners of files: what is trusted must be in the hands of this user or root alone."""

from __future__ import annotations

import errno
import os
import stat

from ..domain.limits import limit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from os import stat_result


ANYBODY = -1
_MOST_LINKS = limit("place_links")
_ACCESS_LIST = "system.posix_acl_access"


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


def unsafe_place(path: str, uid: int | None = None) -> tuple[str, str] | None:
    """Why somebody else could put something in the place of a file or folder, and how to fix it; None when nobody can.

    What is trusted is as good as the way there. It is walked as the kernel does (path_resolution(7)): each folder, each
    link in its own folder and where it leads, and what is there in the end. What is missing ends the way.
    """
    mine = os.geteuid() if uid is None else uid
    here, links = "/", 0
    left = os.path.join(os.getcwd(), path).split("/")[::-1]
    while True:
        try:
            status = os.lstat(here)
        except OSError:
            return None
        if stat.S_ISLNK(status.st_mode):
            links += 1
            if links > _MOST_LINKS:
                return f"more than {_MOST_LINKS} links lead to `{path}`", "name the file itself"
            if status.st_uid not in {0, mine}:
                return f"the link `{here}` belongs to the user {status.st_uid}", "name the file that it leads to"
            left += os.readlink(here).split("/")[::-1]
            here = "/" if not left[-1] else os.path.dirname(here)
        elif (fault := unsafe(status, mine)) is not None and not _by_group_of_one(here, status, mine):
            kind = "folder" if stat.S_ISDIR(status.st_mode) else "file"
            return f"the {kind} `{here}` is unsafe: {fault[0]}", f"{fault[1]}, or use a folder that is yours alone"
        while left and left[-1] in {"", "."}:
            left.pop()
        if not left:
            return None
        name = left.pop()
        here = os.path.dirname(here) if name == ".." else os.path.join(here, name)


def _by_group_of_one(folder: str, status: stat_result, uid: int) -> bool:
    """Whether a folder is open to a group that bears the user's name and has nobody else: what many systems give users.

    With an access list the mode's group stands for others as well (acl(5)).
    """
    if not stat.S_ISDIR(status.st_mode) or status.st_uid not in {0, uid} or status.st_mode & 0o002:
        return False
    import grp
    import pwd

    try:
        user, group = pwd.getpwuid(uid), grp.getgrgid(status.st_gid)
    except KeyError:
        return False
    if uid == 0 or (user.pw_gid, user.pw_name) != (group.gr_gid, group.gr_name) or set(group.gr_mem) - {user.pw_name}:
        return False
    try:
        os.getxattr(folder, _ACCESS_LIST)
    except AttributeError:  # no access list shows in the mode there
        return True
    except OSError as error:
        return error.errno in {errno.ENODATA, errno.EOPNOTSUPP}
    return False
