"""Policy files as they stand in a revision of a git repository."""

from __future__ import annotations

import os
import subprocess

from ..domain.errors import Span
from ..domain.limits import limit
from .files import unreadable

_SECONDS = limit("git_seconds")


class Revision:
    """A file in a revision. `path` is where the file lies in the working tree; `read` gives files of the revision.

    Raises PolicyError when there is no such revision or file.
    """

    def __init__(self, revision: str, path: str) -> None:
        self.name = revision
        self._top = toplevel(os.getcwd())
        if self._top is None:
            raise unreadable("PLE001", f"`{revision}:{path}` names a revision, and this is not a git repository", None)
        done = _git(self._top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        if done is None:
            raise unreadable("PLE001", f"there is no revision `{revision}`", None, "in CI, fetch the base branch first")
        self._commit = done.decode("ascii").strip()
        here = os.path.join(os.getcwd(), path)
        candidates = [os.path.normpath(os.path.join(self._top, path)), os.path.normpath(here)]
        self.path = next((c for c in candidates if self._kind(c) is not None), candidates[0])

    @property
    def exists(self) -> bool:
        """Whether the revision has the file."""
        return self._kind(self.path) is not None

    def _kind(self, path: str) -> tuple[str, str] | None:
        """Mode and object of a path, or None when the revision has no such file."""
        assert self._top is not None
        inside = os.path.relpath(path, self._top)
        if inside.startswith(".."):
            return None
        found = _git(self._top, "ls-tree", "-z", "--full-tree", self._commit, "--", inside)
        if not found:
            return None
        mode, _, rest = found.decode("utf-8", "surrogateescape").partition(" ")
        return mode, rest.split("\t")[0].partition(" ")[2]

    def read(self, path: str, at: Span | None) -> bytes:
        """The bytes of a file of the revision. Raises PolicyError, placed at `at`."""
        assert self._top is not None
        shown = os.path.relpath(os.path.abspath(path), self._top)
        kind = self._kind(os.path.abspath(path))
        if kind is None:
            raise unreadable("PLE001", f"there is no file `{shown}` in `{self.name}`", at)
        if not kind[0].startswith("100"):
            raise unreadable("PLE001", f"`{shown}` in `{self.name}` is not a regular file", at, "name a policy file")
        size = _git(self._top, "cat-file", "-s", kind[1])
        most = limit("source_bytes")
        if size is not None and int(size) > most:
            raise unreadable("PLE004", f"`{shown}` is longer than {most} bytes", at, "split it and import the parts")
        data = _git(self._top, "cat-file", "blob", kind[1])
        if data is None:
            raise unreadable("PLE001", f"`{shown}` in `{self.name}` cannot be read", at)
        return data


def toplevel(folder: str) -> str | None:
    """The top of the repository that holds a folder, or None."""
    done = _git(folder, "rev-parse", "--show-toplevel")
    return None if done is None else os.fsdecode(done.rstrip(b"\n"))


def tracked_files(folder: str) -> tuple[str, ...]:
    """The files that git tracks below the top of a repository, relative to it; at most as many as the limit says."""
    done = _git(folder, "ls-files", "-z", "--full-name", ":/")
    names = [] if done is None else done.decode("utf-8", "replace").split("\0")
    return tuple(n for n in names if n and "\ufffd" not in n)[: limit("tree_files")]


def _git(folder: str, *words: str) -> bytes | None:
    """The output of a git command, or None when it fails. It fetches nothing and asks nothing."""
    environment = {**os.environ, "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(  # noqa: S603 (a fixed program, words and no shell)
            ["git", "-c", "core.fsmonitor=false", "-C", folder, *words],  # noqa: S607
            check=False,
            capture_output=True,
            timeout=_SECONDS,
            env=environment,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
