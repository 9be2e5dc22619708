"""Entries in the forms that sandboxes can take: fewer, more, or none below others; never more granted."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from ..domain.errors import SearchLimitError
from ..domain.limits import limit
from .model import PathEntry, holding

_MOST = limit("export_entries")


def plain(entries: Iterable[PathEntry]) -> tuple[PathEntry, ...]:
    """The entries without those that say what the folder around them says already."""
    kept: dict[str, PathEntry] = {}
    for entry in sorted(entries, key=lambda one: one.path):
        around = holding(entry.path, kept)
        if entry.mode != ("none" if around is None else around.mode):
            kept[entry.path] = entry
    return tuple(kept.values())


def without(entries: Iterable[PathEntry], refused: Callable[[PathEntry, PathEntry], bool]) -> tuple[PathEntry, ...]:
    """The entries without those that a sandbox refuses below the folder around them; that folder's mode holds then."""
    kept: dict[str, PathEntry] = {}
    for entry in sorted(entries, key=lambda one: one.path):
        around = holding(entry.path, kept)
        if around is None or not refused(entry, around):
            kept[entry.path] = entry
    return plain(kept.values())


def spread(entries: Iterable[PathEntry], folders: Iterable[str], around: Iterable[str]) -> tuple[PathEntry, ...]:
    """The entries with some folders, down to the paths `around` which they are opened, as what lies in them now.

    Raises SearchLimitError when that is too much.
    """
    found = {entry.path: entry for entry in entries}
    kept = tuple(around)
    todo = [found.pop(path) for path in folders]
    while todo:
        entry = todo.pop()
        for name in _names(entry.path):
            path = os.path.join(entry.path, name)
            if path in found or path in kept or os.path.islink(path):
                continue
            child = PathEntry(path, entry.mode, os.path.isdir(path), entry.itself)
            if child.folder and any(one.startswith(f"{path}/") for one in kept):
                todo.append(child)
            else:
                found[path] = child
            if len(found) > _MOST:
                raise SearchLimitError(f"more than {_MOST} files and folders would have to be listed")
    return plain(found.values())


def sayable(entries: Iterable[PathEntry], can: Callable[[str], bool]) -> tuple[PathEntry, ...]:
    """The entries whose paths a sandbox can be told; what is around the others is opened, so that they are not granted.

    Raises SearchLimitError.
    """
    found = plain(entries)
    lost = [entry for entry in found if not can(entry.path)]
    found = tuple(entry for entry in found if can(entry.path))
    for entry in lost:
        around = holding(entry.path, {e.path: e for e in found})
        if around is not None and _stricter(entry, around):
            found = spread(found, [around.path], [entry.path])
            found = tuple(e for e in found if can(e.path) or e.mode == "none")
    return sayable(found, can) if any(not can(e.path) for e in found) else plain(found)


def _stricter(entry: PathEntry, around: PathEntry) -> bool:
    order = ("none", "read", "write")
    return order.index(entry.mode) < order.index(around.mode)


def _names(folder: str) -> list[str]:
    """Names of a folder that settings can hold."""
    try:
        return sorted(n for n in os.listdir(folder) if n.isprintable() and "\\" not in n)
    except OSError:
        return []
