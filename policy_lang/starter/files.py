"""The files of a repository: which git tracks, which are there and ignored, and their texts. Nothing is run."""

from __future__ import annotations

import os
import posixpath
import stat
from dataclasses import dataclass

from ..domain.files import open_for_reading
from ..domain.limits import limit
from ..facts.git_index import git_folder, top_of, tracked

_MOST_BYTES = limit("starter_bytes")
_MOST_FILES = limit("starter_files")
MADE = frozenset({
    ".bundle", ".cache", ".direnv", ".eggs", ".git", ".gradle", ".hg", ".idea", ".mypy_cache", ".next", ".nox",
    ".nuxt", ".pnpm-store",
    ".pytest_cache", ".ruff_cache", ".svelte-kit", ".terraform", ".tox", ".turbo", ".venv", "__pycache__",
    "bower_components", "build",
    "coverage", "dist", "node_modules", "obj", "out", "site-packages", "target", "vendor", "venv",
})  # fmt: skip
"""Folders that tools fill: nobody writes them by hand, and nothing in them is the repository's own."""


@dataclass(slots=True, frozen=True, eq=False)
class Files:
    """A folder's files. Names are relative to it, with `/` between their parts, and sorted."""

    folder: str
    names: tuple[str, ...]
    """What git tracks; without a repository all that is there."""
    others: tuple[str, ...]
    """What is there besides, ignored or new, outside the folders that tools fill."""
    git: str | None
    """Where `.git` is, if there is one."""

    def named(self, *names: str) -> list[str]:
        """The files of these names, wherever they lie, the outermost first."""
        found = [f for f in self.names if posixpath.basename(f) in names]
        return sorted(found, key=lambda f: (f.count("/"), f))

    def text(self, name: str) -> str:
        """The text of a regular file of bounded size; empty when it is none."""
        return read(os.path.join(self.folder, name))


def files_of(folder: str) -> Files:
    """Look at a folder. Raises OSError when it cannot be read."""
    os.listdir(folder)
    real = os.path.realpath(folder)
    top = top_of(real)
    git = None if top is None else git_folder(top)
    below = real.rstrip("/") + "/"
    mine = {name[len(below) :] for name in tracked(real) if name.startswith(below)}
    there = _there(folder)
    if not mine:
        return Files(folder, tuple(sorted(there)[:_MOST_FILES]), (), git)
    names = sorted(n for n in mine if os.path.lexists(os.path.join(folder, n)))
    return Files(folder, tuple(names[:_MOST_FILES]), tuple(sorted(there - mine)), git)


def _there(folder: str) -> set[str]:
    """The files below a folder, a bounded number; links are not followed."""
    found: set[str] = set()
    for at, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if f not in MADE)
        inside = os.path.relpath(at, folder)
        found.update(n if inside == "." else f"{inside}/{n}" for n in names)
        if len(found) > _MOST_FILES:
            break
    return {n for n in found if n.isprintable()}


def read(path: str) -> str:
    """The text of a regular file of bounded size; empty when it is none."""
    try:
        handle = open_for_reading(path)
    except OSError:
        return ""
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode) or status.st_size > _MOST_BYTES:
            return ""
        with os.fdopen(handle, "rb", closefd=False) as stream:
            return stream.read(_MOST_BYTES).decode("utf-8", "replace")
    finally:
        os.close(handle)
