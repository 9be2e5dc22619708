"""The repository and the branch of a workspace, as its `.git` says (gitrepository-layout(5)). No git is run.

What lies there is in an agent's hands, and only informs people: plain files are read alone, so much of each and through
no link, and of what they say nothing is shown but a branch's name and an address without user and query.
"""

from __future__ import annotations

import os
import re
import stat
from urllib.parse import urlsplit

from ..domain.files import open_for_reading
from ..domain.limits import limit

_SCP = re.compile(r"(?:[^@/:\s]{1,100}@)?([A-Za-z0-9.-]{1,200}):(?!//)([^\s]{1,400})\Z")
"""An address as scp(1) writes it, `user@host:path`, which git takes as well."""
_BRANCH = re.compile(r"[^\s~^:?*\[\\]{1,200}\Z")
"""What a branch's name may be made of (git-check-ref-format(1)); no sentence is one."""
_ADDRESS = re.compile(r"[A-Za-z0-9._~/:@%+-]{1,200}\Z")


def checkout(workspace: str) -> dict[str, str]:
    """`repository` and `branch`, as far as they are known. Raises nothing."""
    out: dict[str, str] = {}
    try:
        folder, common = _folders(workspace)
        if folder:
            out["branch"] = _branch(_read(os.path.join(folder, "HEAD")))
            out["repository"] = _address(_read(os.path.join(common, "config")))
    except (OSError, ValueError):
        pass
    return {name: value for name, value in out.items() if value}


def _folders(workspace: str) -> tuple[str, str]:
    """The folder of a working tree's own state, and of what it shares; empty where there is none."""
    folder = os.path.normpath(workspace)
    for _ in range(limit("git_folders")):
        place = os.path.join(folder, ".git")
        kind = _kind(place)
        if kind == stat.S_IFREG:  # a linked working tree, or a submodule
            name = _read(place)
            if not name.startswith("gitdir: "):
                return "", ""
            place = os.path.normpath(os.path.join(folder, name[8:].rstrip("\n")))
        elif kind != stat.S_IFDIR:
            if folder == os.path.dirname(folder):
                return "", ""
            folder = os.path.dirname(folder)
            continue
        shared = os.path.join(place, "commondir")
        common = _read(shared).rstrip("\n") if _kind(shared) == stat.S_IFREG else ""
        return place, os.path.normpath(os.path.join(place, common)) if common else place
    return "", ""


def _kind(path: str) -> int:
    try:
        return stat.S_IFMT(os.lstat(path).st_mode)
    except OSError:
        return 0


def _read(path: str) -> str:
    """A plain file's text. Raises OSError or ValueError for anything else, and for one that is too long."""
    if _kind(path) != stat.S_IFREG:
        raise ValueError("not a regular file")
    handle = open_for_reading(path)
    try:
        most = limit("git_config_bytes")
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise ValueError("not a regular file")
        data = os.read(handle, most + 1)
    finally:
        os.close(handle)
    if len(data) > most:
        raise ValueError("too long")
    return data.decode("utf-8")


def _branch(head: str) -> str:
    """The branch that a `HEAD` names; of a commit that is checked out by itself, its beginning."""
    name = head.removesuffix("\n")
    if name.startswith("ref: refs/heads/"):
        return name[16:] if _BRANCH.match(name[16:]) and name.isprintable() else ""
    return f"no branch, commit {name[:12]}" if re.fullmatch(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", name) else ""


def _address(config: str) -> str:
    """The address of `origin`, or of the first remote: host and path, and nothing that could be a secret."""
    found: dict[str, str] = {}
    remote = ""
    for raw in config.split("\n"):
        line = raw.strip()
        if line.startswith("["):
            parts = line[1:].partition("]")[0].split('"')
            remote = parts[1] if len(parts) == 3 and parts[0].strip().lower() == "remote" else ""
        elif remote and line.partition("=")[0].strip().lower() == "url":
            found.setdefault(remote, line.partition("=")[2].strip().strip('"'))
    address = _without_secrets(found.get("origin") or next(iter(found.values()), ""))
    return address if _ADDRESS.match(address) else ""


def _without_secrets(url: str) -> str:
    scp = _SCP.match(url)
    if scp is not None:
        host, path = scp.groups()
    elif "://" in url:
        parts = urlsplit(url)
        host, path = parts.netloc.rpartition("@")[2], parts.path
    else:
        return os.path.basename(url.rstrip("/")).removesuffix(".git")  # a folder of this machine
    return f"{host}/{path.strip('/').partition('?')[0].removesuffix('.git')}"
