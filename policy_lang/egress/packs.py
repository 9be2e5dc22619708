"""The commits of a pack, which show whether a push only goes forward (gitformat-pack(5))."""

from __future__ import annotations

import hashlib
import zlib

from ..domain.faults import CallerError
from ..domain.limits import limit
from ..facts.git_delta import patched

_MOST_OBJECTS = limit("pack_objects")
_MOST_BYTES = limit("pack_bytes")
_MOST_COMMIT = limit("pack_commit_bytes")
_MOST_COMMITS = limit("pack_commits_bytes")
_COMMIT, _BY_OFFSET, _BY_ID = 1, 6, 7
"""Kinds of objects: a commit; a difference to one in front of it, or to one by its id."""
_STEP = 1 << 16
_MORE = 64
"""Bytes that a small text may take more when it is packed (zlib's head, its checksum, a block that is stored)."""


class _UnreadableError(CallerError):
    """A pack that is cut short, malformed, or beyond a limit."""


def goes_forward(pack: memoryview, old: str, new: str) -> bool:
    """True when commits in the pack lead from `new` back to `old`; false when they do not, or it is not known.

    Ids are digests of what they name, so a commit in the pack cannot pretend to have another parent. Only SHA-1 ids
    are read, and only commits that are there whole, or as a difference to such.
    """
    if len(new) != 40:
        return False
    try:
        parents = _commits(pack)
    except (_UnreadableError, zlib.error, ValueError, IndexError):
        return False
    waiting, seen = [new], {new}
    while waiting:
        for parent in parents.get(waiting.pop(), ()):
            if parent == old:
                return True
            if parent not in seen:
                seen.add(parent)
                waiting.append(parent)
    return False


def _commits(pack: memoryview) -> dict[str, tuple[str, ...]]:
    """The parents of every commit that can be read."""
    if bytes(pack[:4]) != b"PACK" or int.from_bytes(pack[4:8], "big") not in {2, 3}:
        raise _UnreadableError
    count = int.from_bytes(pack[8:12], "big")
    if count > _MOST_OBJECTS:
        raise _UnreadableError
    found: dict[str, tuple[str, ...]] = {}
    texts: dict[int | str, bytes] = {}
    at, left, room = 12, _MOST_BYTES, _MOST_COMMITS
    for _ in range(count):
        start = at
        kind, size, at = _head(pack, at)
        base: int | str | None = None
        if kind == _BY_OFFSET:
            back, at = _offset(pack, at)
            base = start - back
        elif kind == _BY_ID:
            base, at = bytes(pack[at : at + 20]).hex(), at + 20
        left -= size
        if left < 0:
            raise _UnreadableError
        kept = size <= _MOST_COMMIT and (kind == _COMMIT or base in texts)
        data, at = _inflated(pack, at, size, kept)
        if not kept:
            continue
        text = data if base is None else patched(texts[base], data, _MOST_COMMIT)
        room -= len(text)  # a difference of a few bytes makes a long text of another
        if room < 0:
            raise _UnreadableError
        name = hashlib.sha1(b"commit %d\0" % len(text) + text, usedforsecurity=False).hexdigest()
        texts[start] = texts[name] = text
        found[name] = _parents(text)
    return found


def _head(pack: memoryview, at: int) -> tuple[int, int, int]:
    """An object's kind, its size once inflated, and where its data begins."""
    byte = pack[at]
    kind, size, shift = byte >> 4 & 7, byte & 15, 4
    at += 1
    while byte & 128:
        byte = pack[at]
        size |= (byte & 127) << shift
        shift += 7
        at += 1
        if shift > 64:
            raise _UnreadableError
    return kind, size, at


def _offset(pack: memoryview, at: int) -> tuple[int, int]:
    byte = pack[at]
    value = byte & 127
    at += 1
    while byte & 128:
        byte = pack[at]
        value = (value + 1) << 7 | byte & 127
        at += 1
        if value >> 48:
            raise _UnreadableError
    return value, at


def _inflated(pack: memoryview, at: int, size: int, kept: bool) -> tuple[bytes, int]:
    """What is packed there, empty unless it is kept, and where the next object begins."""
    reader = zlib.decompressobj()
    parts: list[bytes] = []
    got = 0
    while not reader.eof:
        data = reader.unconsumed_tail
        if not data:
            # about as much as it can be: what is too much is copied, for each of many small objects
            data = bytes(pack[at : at + min(_STEP, size - got + _MORE)])
            at += len(data)
            if not data:
                raise _UnreadableError
        part = reader.decompress(data, _STEP)
        got += len(part)
        if got > size:
            raise _UnreadableError
        if kept:
            parts.append(part)
    if got != size:
        raise _UnreadableError
    return b"".join(parts), at - len(reader.unused_data)


def _parents(text: bytes) -> tuple[str, ...]:
    """The parents that a commit's head names; they follow its tree (git-commit-tree(1))."""
    lines = text.split(b"\n\n", 1)[0].split(b"\n")
    out = []
    for line in lines[1:]:
        if not line.startswith(b"parent "):
            break
        out.append(line[7:].decode("ascii"))
    return tuple(out)
