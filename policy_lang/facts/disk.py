"""What lies below a folder, as a command that walks it would find it."""

from __future__ import annotations

import os
from collections.abc import Iterator

from ..domain.errors import RequestError


def below(root: str, visible: bool = False) -> Iterator[tuple[tuple[str, ...], str, bool]]:
    """Everything below a folder: its segments from there, its path, and whether it is a symbolic link.

    Links are not followed. `visible` leaves out hidden files and plain names of `.gitignore`, as rg(1) does.
    Raises RequestError for a folder that cannot be read; a folder that is not there has nothing below.
    """
    todo: list[tuple[str, tuple[str, ...]]] = [(root, ())]
    while todo:
        folder, segments = todo.pop()
        try:
            with os.scandir(folder) as found:
                entries = list(found)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            reason = (error.strerror or "refused").lower()
            raise RequestError("PLR017", f"a folder below the path cannot be read: {reason}") from None
        ignored = _ignored(folder) if visible else frozenset()
        for entry in entries:
            if visible and (entry.name.startswith(".") or entry.name in ignored):
                continue
            word = (*segments, entry.name)
            if entry.is_dir(follow_symlinks=False):
                todo.append((entry.path, word))
            yield word, entry.path, entry.is_symlink()


def _ignored(folder: str) -> frozenset[str]:
    """Plain names that `.gitignore` leaves out here, unless something could bring them back."""
    if any(os.path.exists(os.path.join(folder, name)) for name in (".ignore", ".rgignore")):
        return frozenset()
    try:
        with open(os.path.join(folder, ".gitignore"), encoding="utf-8") as file:
            lines = file.read(1 << 16).splitlines()
    except (OSError, UnicodeDecodeError):
        return frozenset()
    if any(line.startswith("!") for line in lines):
        return frozenset()
    plain = (line.strip().strip("/") for line in lines)
    return frozenset(t for t in plain if t and not any(c in t for c in "*?[/\\#!"))
