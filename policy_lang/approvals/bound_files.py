"""The files that a command runs or sends, as they are when people are asked: what they approve is these contents."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from types import MappingProxyType

from ..automata.glob import Glob, GlobError
from ..domain import strict_json
from ..domain.decision import Effect
from ..domain.errors import RequestError
from ..domain.faults import reason_of
from ..domain.files import open_for_reading
from ..domain.limits import limit
from ..domain.request import Request
from ..domain.strict_json import Json
from ..facts.paths import place_of

_MOST_FILES = limit("bound_files")
_MOST_BYTES = limit("bound_bytes")
_MOST_NAMES = limit("bound_names")


def bound_files(
    request: Request, effects: Iterable[Effect], read_by: Mapping[str, tuple[str, ...]] = MappingProxyType({})
) -> Json:
    """The regular files that a command reads or runs, or may by its words, by their places with all links followed.

    `read_by` are the files that programs read as code or configuration without a word of it. Of each file its size and
    SHA-256; of one beyond the limit, or one that may not be read, what the file system says of it instead: inode, size
    and times, of which the last, `changed`, is the kernel's own. Files beyond the limit are known by one digest of
    that. A file that is not there is not named, so it is another request once it is. Nothing for a request without a
    disk.
    """
    if request.action != "run" or request.lexical or (request.cwd or request.workspace) is None:
        return {}
    out: Json = {}
    rest: Json = {}
    left = _MOST_BYTES
    for count, place in enumerate(_places(request, list(effects), read_by)):
        if count >= _MOST_NAMES:
            raise RequestError("PLR004", f"people are not asked about more than {_MOST_NAMES} names of files at once")
        if place in out or place in rest:
            continue
        full = len(out) >= _MOST_FILES
        found = file_state(place, -1 if full else left)
        if found is not None:
            (rest if full else out)[place] = found
            left -= int(found["bytes"]) if "sha256" in found else 0
    if rest:
        from hashlib import sha256  # as below

        out[""] = {"more": len(rest), "sha256": sha256(strict_json.dump(rest)).hexdigest()}
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


def _places(request: Request, effects: list[Effect], read_by: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """Where the files may be: the same one several times, and also what is none."""
    for effect in effects:
        if effect.action == "read" and isinstance(effect.resource, str):
            yield from _there(effect.resource, request)
    words = dict.fromkeys(w for e in effects if e.action == "run" for w in _words(request, e))
    files = dict.fromkeys(name for w in words for name in read_by.get(w.rpartition("/")[2], ()))
    for name in (*dict.fromkeys(p for w in words for p in _pieces(w)), *files):
        yield from _there(name, request)
    for folder in _folders(words, request):
        for name in (*words, *files):
            if name[:1] not in {"/", "~", "$"}:
                yield from _there(f"{folder}/{name}", request)


def _there(text: str, request: Request) -> Iterator[str]:
    path = place_of(text, request)
    if path is None or "\0" in path:
        return
    if os.path.lexists(path):
        yield os.path.realpath(path)
    else:
        yield from _named_by_glob(path)


def _words(request: Request, effect: Effect) -> Iterator[str]:
    """The words of a program that is run, a module of Python's as its files; if none is known, those of the script."""
    words = effect.resource
    if isinstance(words, tuple):
        yield from words
        for option, module in pairwise(words):
            if option == "-m":
                yield from (module.replace(".", "/") + end for end in (".py", "/__init__.py", "/__main__.py"))
    else:
        script = request.resource
        plain = script.split() if isinstance(script, str) else script
        yield from (w.strip("\"'") for w in plain)


def _pieces(word: str) -> Iterator[str]:
    """What of a word may be a file's name: `@body`, `--file=body`, `name=@body`, `-Fbody`, `file://body`, `body:/x`."""
    yield word
    for mark in "@=:":
        before, _, after = word.rpartition(mark)
        if before or word[:1] == mark:
            yield after.removeprefix("//")
        if mark == ":" and before:
            yield word.partition(mark)[0]
    if word[:1] == "-" and len(word) > 2:
        yield word[2:]


def _folders(words: Iterable[str], request: Request) -> Iterator[str]:
    """The folders in which a command may look: those that words name, and those above, to the workspace."""
    top, folder = request.workspace, request.cwd or request.workspace or "/"
    while top is not None and folder != top and folder.startswith(f"{top.rstrip('/')}/"):
        folder = os.path.dirname(folder)
        yield folder
    for word in words:
        for piece in _pieces(word):
            path = place_of(piece, request)
            if path is not None and "\0" not in path and piece.strip("./") and os.path.isdir(path):
                yield path


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
