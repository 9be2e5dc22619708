"""The files that a command runs or sends, as they are when people are asked: what they approve is these contents."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator

from ..automata.glob import Glob, GlobError
from ..domain.decision import Effect
from ..domain.faults import reason_of
from ..domain.files import open_for_reading
from ..domain.limits import limit
from ..domain.request import Request
from ..domain.strict_json import Json
from ..facts.paths import place_of

_MOST_FILES = limit("bound_files")
_MOST_BYTES = limit("bound_bytes")


def bound_files(request: Request, effects: Iterable[Effect]) -> Json:
    """The regular files that a command is known to read or to run, by their places with all links followed.

    Of each its size and SHA-256; of one beyond the limit, or one that may not be read, what the file system says of it
    instead: inode, size and times, of which the last, `changed`, is the kernel's own. A file that is not there is not
    named, so it is another request once it is. Nothing for a request without a disk.
    """
    if request.action != "run" or request.lexical or (request.cwd or request.workspace) is None:
        return {}
    out: Json = {}
    left = _MOST_BYTES
    for place in _places(request, effects):
        if place in out:
            continue
        if len(out) >= _MOST_FILES:
            out[""] = {"more": True}
            break
        found = file_state(place, left)
        if found is not None:
            out[place] = found
            left -= int(found["bytes"]) if "sha256" in found else 0
    return out


def file_state(place: str, most: int) -> Json | None:
    """The content of a regular file as an approval is bound to it; None for anything else."""
    try:
        status = os.stat(place)
        if not stat.S_ISREG(status.st_mode):
            return None
    except (OSError, ValueError):
        return None
    known: Json = {"bytes": status.st_size, "inode": status.st_ino, "changed": status.st_ctime_ns}
    if status.st_size > most:
        return known
    try:
        handle = open_for_reading(place)
    except OSError as error:
        return {**known, "unread": reason_of(error)}
    from hashlib import sha256  # the service has it loaded; and it is the faster one

    digest, count = sha256(), 0
    with open(handle, "rb") as stream:
        while piece := stream.read(1 << 18):
            count += len(piece)
            if count > most:  # it grows
                return known
            digest.update(piece)
    return {"bytes": count, "sha256": digest.hexdigest()}


def _places(request: Request, effects: Iterable[Effect]) -> Iterator[str]:
    for effect in effects:
        for text in _named(request, effect):
            path = place_of(text, request)
            if path is None:
                continue
            if not os.path.lexists(path):
                yield from _named_by_glob(path)
            else:
                yield os.path.realpath(path)


def _named(request: Request, effect: Effect) -> Iterator[str]:
    """The files that an effect reads or runs; of a command that cannot be read, all that its words may name."""
    found = effect.resource
    if effect.action == "read" and isinstance(found, str):
        yield found
    elif effect.action == "run":
        words = found if isinstance(found, tuple) else ()
        if words and "/" in words[0]:
            yield words[0]
        if effect.opaque:
            script = request.resource
            for word in words or (script.split() if isinstance(script, str) else script):
                plain = word.strip("\"'")
                yield from dict.fromkeys((plain, plain.rpartition("@")[2], plain.rpartition("=")[2]))


def _named_by_glob(path: str) -> Iterator[str]:
    """The files of one folder that a glob in the last segment names."""
    folder, _, name = path.rpartition("/")
    if not any(c in name for c in "*?["):
        return
    try:
        glob = Glob(name)
        names = sorted(os.listdir(folder or "/"))
    except (OSError, ValueError, GlobError):
        return
    for one in names:
        if glob.matches(one) and (not one.startswith(".") or name.startswith(".")):
            yield os.path.realpath(f"{folder}/{one}")
