"""The policies that a change of some files reaches: those that import them."""

from __future__ import annotations

import os
from collections.abc import Iterable

from ..resolve.modules import Loader
from ..resolve.revisions import toplevel, tracked_files


def importers(files: Iterable[str]) -> list[str]:
    """The policies that git tracks and that import one of some files, directly or not; without these files.

    Paths are relative to the working folder. Nothing outside a repository.
    """
    top = toplevel(os.getcwd())
    changed = {os.path.realpath(f) for f in files}
    found: list[str] = []
    for name in tracked_files(top) if top is not None else ():
        path = os.path.join(top or "", name)
        if not name.endswith(".policy") or os.path.realpath(path) in changed or not os.path.isfile(path):
            continue
        loader = Loader()
        loader.load(path)
        if not changed.isdisjoint(loader.modules):
            found.append(os.path.relpath(path))
    return found
