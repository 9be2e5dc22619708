"""Repositories that commands find: whether they are the workspace's own, and whether what the request says holds there.

git looks in a folder and in those around it for `.git`, and takes a folder with `HEAD`, `objects` and `refs` for a
repository itself (gitrepository-layout(5), `safe.bareRepository` of git-config(1)). It runs programs that the
configuration which it finds names. The protected floor keeps agents from writing `.git/config` and `HEAD` anywhere.
"""

from __future__ import annotations

import os

from ..domain.request import Request
from ..facts.paths import DEFAULT_TMP, roots_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..domain.request import DiskPort


def foreign(folders: tuple[str, ...] | None, request: Request) -> str:
    """Why a command may obey a configuration that no person wrote where it starts from these folders, or empty."""
    if folders is None:
        return "the folder is not known, and git obeys the configuration of the repository that it finds there"
    for folder in folders:
        parts = _below(folder, request)
        if parts is None:
            return "it is for a repository outside the workspace, whose configuration can run programs"
        if "bare" in _kinds(parts, request):
            return f"`{folder or '.'}` is or lies in a bare repository, whose configuration can run programs"
    return ""


def holds(folders: tuple[str, ...] | None, request: Request) -> bool:
    """True when what the request says of the workspace's repository is true of the one around each of the folders.

    A folder below the workspace may be the top of another repository, unless it is there to look at.
    """
    for folder in folders if folders is not None else (None,):
        parts = None if folder is None else _below(folder, request)
        if parts is None:
            return False
        if parts and (not _looks(request) or any(_kinds(parts, request)) or not _is_folder(parts, request)):
            return False
    return True


def is_top(request: Request) -> bool:
    """True when the request is for the workspace's repository, whose top that is, as far as can be told."""
    if request.workspace is None or not os.path.isabs(request.workspace) or not holds(("",), request):
        return False
    return not _looks(request) or _disk(request).repository(os.path.normpath(request.workspace)) == "top"


def _below(folder: str, request: Request) -> tuple[str, ...] | None:
    """The segments of a folder below the workspace, None for one outside."""
    root = request.workspace or request.cwd or "/"
    if folder.startswith("~"):
        if request.home is None:
            return None
        folder = request.home + folder[1:]
    elif folder.startswith("${tmp}"):
        folder = (request.tmp or DEFAULT_TMP) + folder[6:]
    elif folder.startswith("/") and request.workspace is request.cwd is None:
        return None
    whole, top = os.path.normpath(os.path.join(request.cwd or root, folder)), os.path.normpath(root)
    if request.workspace is request.cwd is None and os.path.normpath(folder).startswith(".."):
        return None
    if _looks(request):
        whole, top = _disk(request).real(whole), _disk(request).real(top)
    if whole != top and not whole.startswith(top.rstrip("/") + "/"):
        return None
    return tuple(p for p in whole[len(top) :].split("/") if p)


def _kinds(parts: tuple[str, ...], request: Request) -> list[str]:
    """What the folders from below the workspace down to a place are to git: see `Disk.repository`."""
    if not parts or not _looks(request):
        return []
    top = _disk(request).real(os.path.normpath(request.workspace or "/"))
    return [_disk(request).repository("/".join((top, *parts[: i + 1]))) for i in range(len(parts))]


def _is_folder(parts: tuple[str, ...], request: Request) -> bool:
    return _disk(request).is_folder("/".join((os.path.normpath(request.workspace or "/"), *parts)))


def _looks(request: Request) -> bool:
    return request.workspace is not None and not request.lexical and _disk(request).is_folder(request.workspace)


def _disk(request: Request) -> DiskPort:
    return roots_of(request).disk
