"""The names that git tracks, from the index of a repository (gitformat-index(5)). No git is run."""

from __future__ import annotations

import os

from ..domain.limits import limit

_HEADER = 12
_FIXED = 62
_LONG = 0x0FFF
_EXTENDED = 0x4000
_DIGITS = 10
"""The most bytes of a number, of 64 bits."""
MOST_BYTES = limit("git_index_bytes")
MOST_LINK = limit("git_link_bytes")


def tracked(folder: str) -> frozenset[str]:
    """The absolute paths of the tracked files of the repository around a folder.

    Empty when that cannot be told: no repository, an index that is too large or of a form that is not known here.
    """
    found = _around(folder, strict=True)
    return frozenset() if found is None else frozenset(found)


def entries_around(folder: str) -> dict[str, str] | None:
    """The tracked files of the repository around a folder by their absolute paths, each with the object it has there.

    None when that cannot be told.
    """
    return _around(folder, strict=False)


def _around(folder: str, strict: bool) -> dict[str, str] | None:
    top = top_of(folder)
    place = None if top is None else git_folder(top)
    if top is None or place is None:
        return None
    try:
        with open(os.path.join(place, "index"), "rb") as file:
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            return None
        return {f"{top.rstrip('/')}/{os.fsdecode(name)}": made for name, made in _entries(data, strict)}
    except (OSError, ValueError):
        return None


def top_of(folder: str) -> str | None:
    """The nearest folder, from this one upwards, that has a `.git`."""
    while not os.path.lexists(os.path.join(folder, ".git")):
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above
    return folder


def git_folder(top: str) -> str | None:
    """Where a working tree's `.git` is: a folder, or what a file says in its place (gitrepository-layout(5))."""
    place = os.path.join(top, ".git")
    if os.path.isdir(place):
        return place
    try:
        with open(place, encoding="utf-8") as file:
            text = file.read(MOST_LINK + 1)
    except (OSError, UnicodeDecodeError):
        return None
    if len(text) > MOST_LINK or not text.startswith("gitdir: "):
        return None
    return os.path.join(top, text[8:].rstrip("\n"))


def names_of(data: bytes) -> list[bytes]:
    """The names of all entries of an index. Raises ValueError for what is none, or could be read otherwise by git."""
    return [name for name, _ in _entries(data, strict=True)]


def _entries(data: bytes, strict: bool) -> list[tuple[bytes, str]]:
    """The entries of an index: each name with its object. Raises ValueError.

    A `strict` reading is of an index that somebody else may have made for git to read otherwise.
    """
    version, count = int.from_bytes(data[4:8], "big"), int.from_bytes(data[8:12], "big")
    if data[:4] != b"DIRC" or version not in {2, 3, 4}:
        raise ValueError("no index of a known version")
    found: list[tuple[bytes, str]] = []
    at, name = _HEADER, b""
    for _ in range(count):
        flags = int.from_bytes(data[at + 60 : at + 62], "big")
        made = data[at + 40 : at + 60].hex()
        start = at + _FIXED + (2 if flags & _EXTENDED else 0)
        if version == 4:  # each name is the one before it, cut and continued
            cut, start = _number(data, start)
            end = data.index(b"\0", start)
            if cut > len(name):
                raise ValueError("a name is cut by more than it has")
            name = name[: len(name) - cut] + data[start:end]
            if flags & _LONG != min(len(name), _LONG):
                raise ValueError("a name is of another length than is said")
            at = end + 1
        else:
            end = start + (flags & _LONG) if flags & _LONG < _LONG else data.index(b"\0", start)
            name = data[start:end]
            at += (end - at + 8) & ~7  # padded with one to eight zeros
            if 0 in name or data[end:at].strip(b"\0"):
                raise ValueError("a name does not end where is said")
        if at > len(data):
            raise ValueError("it ends too soon")
        found.append((name, made))
    if strict and data.find(b"IEOT", at) >= 0:
        raise ValueError("its entries may be read by a table of their places")
    if not strict and data[at : at + 4] == b"link":
        raise ValueError("most of its entries stand in another file")
    return found


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, and where it ends (gitformat-pack(5), offset encoding). Raises ValueError."""
    found = -1
    for place, byte in enumerate(data[at : at + _DIGITS], at + 1):
        found = ((found + 1) << 7) | (byte & 0x7F)
        if byte < 0x80:
            return found, place
    raise ValueError("a number has no end")
