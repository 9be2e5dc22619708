"""Paths: as written and as resolved, under every root that contains them.

A path has several names: below `/`, and below the workspace, the home and the temporary folder where it lies
in them. A rule matches when its pattern matches one of the names. When the caller did not say where the
workspace or the home is, every suffix of an absolute path may be its name there: such names count for rules
that restrict, never for rules that grant.
"""

from __future__ import annotations

import os

from ..domain.errors import RequestError
from ..domain.limits import limit
from ..domain.record import record
from .disk import REAL
from .text import check_text
from .words import Names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..domain.request import DiskPort, Request

ROOT, WORKSPACE, HOME, TMP = "\0/", "\0W", "\0~", "\0T"
Word = tuple[str, ...]

DEFAULT_TMP = "/tmp"  # noqa: S108 (the documented default)
_MAX_BYTES = limit("path_bytes")
_MAX_SEGMENT = limit("path_segment_bytes")
_MAX_SEGMENTS = limit("path_segments")
_STANDARD_STREAMS = {("dev", "stdin"), ("dev", "stdout"), ("dev", "stderr")}


@record(frozen=True, slots=True)
class Roots:
    """Where things are, as absolute paths; None when the caller did not say. `lexical` leaves the disk alone.

    `disk` is what is looked at otherwise.
    """

    cwd: str | None = None
    workspace: str | None = None
    home: str | None = None
    tmp: str | None = None
    lexical: bool = False
    disk: DiskPort = REAL


NOWHERE = Roots()


def roots_of(request: Request) -> Roots:
    """Where things are for a request."""
    if request.cwd is request.workspace is request.home is request.tmp is None:
        return NOWHERE
    disk = request.disk or REAL
    return Roots(request.cwd, request.workspace, request.home, request.tmp, request.lexical, disk)


def path_forms(text: str, roots: Roots = NOWHERE) -> tuple[Names, ...]:
    """The path as written and, where the disk says otherwise, as resolved. All forms must be granted.

    Raises RequestError for what is malformed or cannot be known: control characters, backslashes, `~user`,
    over-long parts, open file descriptors, symlink loops, folders that may not be looked into.
    """
    if roots is NOWHERE and is_plain(text):
        return (Names(((WORKSPACE, *text.split("/")),)),)
    check_text(text, "path", _MAX_BYTES)
    if "\\" in text:
        raise RequestError("PLR011", "the path contains a backslash; separate folders with `/`")
    anchored = _anchor(text, roots)
    if anchored is None:
        return (Names(((WORKSPACE, *_composed(_walk(text, (), None))),)),)
    root, rest = anchored
    if root is None:
        below = _composed(_walk(rest.lstrip("/"), (), None))
        # a home that nobody named may hold the workspace
        return (Names(((HOME, *below),), tuple((WORKSPACE, *below[i:]) for i in range(len(below) + 1))),)
    return _absolute_forms(root, rest, roots)


def place_of(text: str, request: Request) -> str | None:
    """Where a path lies, as the disk has its name; None below a home that the request does not give.

    `path_forms` is what patterns see of it, in one spelling of Unicode.
    """
    if text == "~" or text.startswith("~/"):
        return None if request.home is None else request.home + text[1:]
    if text == "${tmp}" or text.startswith("${tmp}/"):
        return (request.tmp or DEFAULT_TMP) + text[6:]
    return os.path.join(request.cwd or request.workspace or "/", text)


def is_plain(text: str) -> bool:
    """True for a relative path that needs no normalising at all."""
    return (
        text.isascii()
        and text.isprintable()
        and "//" not in text
        and "/." not in text
        and "\\" not in text
        and text[0:1] not in {"", "/", ".", "~", "$"}
        and text[-1] != "/"
        and len(text) <= _MAX_SEGMENT
    )


def _absolute_forms(root: str, rest: str, roots: Roots) -> tuple[Names, ...]:
    start = _walk(root, (), None)
    cwd = _folder(roots.cwd or roots.workspace, "cwd")
    written = _walk(rest, start, cwd)
    forms = [_names(written, _folders(roots))]
    if not roots.lexical and roots.workspace is not None and roots.disk.is_folder(roots.workspace):
        real_start = _walk(root, (), cwd, roots.disk)
        real = _walk(rest, real_start, cwd, roots.disk)
        resolved = _names(real, _folders(roots, roots.disk))
        if resolved != forms[0]:
            forms.append(resolved)
    return tuple(forms)


def _anchor(text: str, roots: Roots) -> tuple[str | None, str] | None:
    """(absolute folder, rest); (None, rest) for a home that nobody named; None for an unnamed workspace."""
    if text.startswith("/"):
        return "/", text
    if text[0] == "~":
        if text != "~" and text[1] != "/":
            raise RequestError("PLR012", "`~user` names another account's home, which is not known here")
        return (None if roots.home is None else _absolute(roots.home, "home")), text[1:]
    if text == "${tmp}" or text.startswith("${tmp}/"):
        return _absolute(roots.tmp or DEFAULT_TMP, "tmp"), text[6:]
    base = roots.cwd or roots.workspace
    return None if base is None else (_absolute(base, "cwd"), text)


def _absolute(folder: str, what: str) -> str:
    check_text(folder, what, _MAX_BYTES)
    if not folder.startswith("/"):
        raise RequestError("PLR013", f"`{what}` is not an absolute path")
    return folder


def _folder(folder: str | None, what: str, disk: DiskPort | None = None) -> Word | None:
    return None if folder is None else _walk(_absolute(folder, what), (), None, disk)


def _folders(roots: Roots, disk: DiskPort | None = None) -> tuple[Word | None, Word | None, Word | None]:
    return (
        _folder(roots.workspace, "workspace", disk),
        _folder(roots.home, "home", disk),
        _folder(roots.tmp or DEFAULT_TMP, "tmp", disk),
    )


def _names(path: Word, folders: tuple[Word | None, Word | None, Word | None]) -> Names:
    path = _composed(path)
    definite: list[Word] = [(ROOT, *path)]
    possible: list[Word] = []
    for anchor, place in zip((WORKSPACE, HOME, TMP), folders, strict=True):
        folder = None if place is None else _composed(place)
        if folder is None:
            possible += [(anchor, *path[i:]) for i in range(len(path) + 1)]
        elif path[: len(folder)] == folder:
            definite.append((anchor, *path[len(folder) :]))
    return Names(tuple(definite), tuple(possible))


def _walk(text: str, start: Word, cwd: Word | None, disk: DiskPort | None = None) -> Word:
    """Follow a path segment by segment from `start`; on the disk, symlinks too. path_resolution(7)."""
    done = list(start)
    relative = not start and not text.startswith("/")
    todo = [s for s in reversed(text.split("/")) if s not in {"", "."}]
    links = 0
    while todo:
        segment = todo.pop()
        if segment == "..":
            if done:
                done.pop()
            elif relative:
                raise RequestError("PLR014", "the path leaves the workspace or the home, and nobody said where that is")
            continue
        done.append(_segment(segment))
        _bounded(len(done) + len(todo))
        moved = _process_path(done, cwd)
        if moved is not None:
            done = list(moved)
        elif disk is not None and (done[0] != "proc" or len(done) != 2):  # /proc/self is this process, not the agent's
            target = disk.link("/" + "/".join(done))
            if target is not None:
                links += 1
                if links > limit("symlinks"):
                    raise RequestError("PLR015", "the path goes through too many symbolic links, or a loop")
                done = [] if target.startswith("/") else done[:-1]
                todo += [s for s in reversed(target.split("/")) if s not in {"", "."}]
                _bounded(len(done) + len(todo))
    return tuple(done)


def _bounded(count: int) -> None:
    if count > _MAX_SEGMENTS:
        raise RequestError("PLR004", f"the path has more than {_MAX_SEGMENTS} segments")


def _segment(segment: str) -> str:
    if len(segment) > _MAX_SEGMENT or len(segment.encode("utf-8", "surrogateescape")) > _MAX_SEGMENT:
        raise RequestError("PLR004", f"a segment of the path is longer than {_MAX_SEGMENT} bytes")
    return segment


def _composed(path: Word) -> Word:
    """The path as patterns see it. On the disk it is followed as written: other forms are other files there."""
    if all(s.isascii() for s in path):
        return path
    import unicodedata

    return tuple(unicodedata.normalize("NFC", s) for s in path)


def _process_path(path: list[str], cwd: Word | None) -> Word | None:
    """Where a process's own links lead (proc_pid_root(5)); None for any other path."""
    if (len(path) == 2 and tuple(path) in _STANDARD_STREAMS) or path == ["dev", "fd"]:
        raise RequestError("PLR016", f"`/{'/'.join(path)}` names an open file, and which one cannot be known")
    if len(path) < 3 or path[0] != "proc" or not (path[1] in {"self", "thread-self"} or path[1].isdigit()):
        return None
    rest = path[2:]
    if rest[0] == "task" and len(rest) > 2:
        rest = rest[2:]
    own = not path[1].isdigit()  # another process may have another root and another working folder
    if own and rest == ["root"]:
        return ()
    if own and rest == ["cwd"] and cwd is not None:
        return cwd
    if rest in (["root"], ["cwd"]):
        raise RequestError("PLR016", f"`/{'/'.join(path)}` names a folder of a process, and which one cannot be known")
    if rest in (["fd"], ["exe"], ["map_files"]):
        raise RequestError("PLR016", f"`/{'/'.join(path)}` names an open file, and which one cannot be known")
    return None
