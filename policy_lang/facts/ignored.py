"""Names that ignore files leave out and bring back, as far as that is plain (gitignore(5); GUIDE.md of ripgrep).

The one who writes an ignore file may be the agent itself. So what a line leaves out counts only where git
and ripgrep both read it so; what a line may bring back always does, since a search then reads it though it is hidden.
"""

from __future__ import annotations

import os
import stat

from ..domain.limits import limit
from ..domain.record import record

MOST_BYTES = limit("ignore_bytes")
Form = tuple[str, str | None, bool]
"""A name's beginning and end, or a whole name and None; whether it is a folder's alone."""
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-+@=~,%")
_ANY: Form = ("", "", False)


@record(frozen=True, slots=True)
class Ignored:
    """Names left out in one folder: `here` alone, and `below` in it and everywhere below.

    `kept` ones may be brought back, those of `later` below a folder of a name. `git` says that a repository is around,
    without which ripgrep reads no `.gitignore`.
    """

    here: frozenset[Form] = frozenset()
    below: frozenset[Form] = frozenset()
    kept: frozenset[Form] = frozenset()
    later: frozenset[tuple[str, Form]] = frozenset()
    git: bool = False

    def has(self, name: str, folder: bool = False) -> bool:
        """True when a name is certainly left out."""
        if not self.here and not self.below:
            return False
        return (_fits(self.here, name, folder) or _fits(self.below, name, folder)) and not self.keeps(name)

    def leaves_out(self, name: str, folder: bool) -> bool:
        """True when ripgrep certainly leaves a name out, which asks for a repository."""
        return self.git and self.has(name, folder)

    def keeps(self, name: str) -> bool:
        """True when a name may be brought back, also one that is hidden."""
        return bool(self.kept) and _fits(self.kept, name, True)


NONE = Ignored()


def ignored_around(folder: str) -> Ignored:
    """What the ignore files above a folder say in it."""
    out = NONE
    place = "/"
    for name in folder.split("/")[1:] if folder != "/" else ():
        out = ignored_in(place, out)
        place = os.path.join(place, name)
    return out


def ignored_in(folder: str, around: Ignored = NONE) -> Ignored:
    """What is left out in a folder, where `around` holds in the one above it."""
    name = folder.rpartition("/")[2]
    here: set[Form] = set()
    below, kept = set(around.below), set(around.kept)
    kept.update(form for start, form in around.later if start == name)
    later: set[tuple[str, Form]] = set()
    git = around.git
    if os.path.lexists(os.path.join(folder, ".git")):  # a repository of its own: what is said outside is not read here
        git = True
        below.clear()
    for file in (".gitignore", ".ignore", ".rgignore", *((".git/info/exclude",) if git and not around.git else ())):
        for line in _lines(os.path.join(folder, file)):
            if line.startswith("!"):
                start, form = _kept(line[1:])
                (kept.add(form) if not start else later.add((start, form)))
            elif file == ".gitignore" and (found := _form(line.removeprefix("/"))) is not None:
                (here if line.startswith("/") else below).add(found)
    return Ignored(frozenset(here), frozenset(below), frozenset(kept), frozenset(later), git)


def _lines(path: str) -> list[str]:
    """The lines of an ignore file; one that brings everything back for a file that is none, or too long."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError:
        return ["!*"]
    with open(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return ["!*"]
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        return ["!*"]
    lines = data.decode("utf-8", "surrogateescape").split("\n")
    return [line.removesuffix("\r").rstrip(" ") for line in lines]


def _form(name: str) -> Form | None:
    """A name as its beginning and end; None for one that is not plain."""
    folder = name.endswith("/")
    name = name.removesuffix("/")
    start, star, end = name.partition("*")
    if not name or not _PLAIN.issuperset(start + end):
        return None
    return (start, end if star else None, folder)


def _kept(line: str) -> tuple[str, Form]:
    """What a line brings back: names of a form, below the folder of a name or, when that is empty, anywhere."""
    parts = line.strip("/").split("/")
    form = _form(parts[-1])
    start = parts[0] if len(parts) > 1 and _PLAIN.issuperset(parts[0]) else ""
    return start, (_ANY if form is None else form)


def _fits(forms: frozenset[Form], name: str, folder: bool) -> bool:
    if (name, None, False) in forms or (folder and (name, None, True) in forms):
        return True
    return any(
        end is not None
        and (folder or not only)
        and len(name) >= len(start) + len(end)
        and name.startswith(start)
        and name.endswith(end)
        for start, end, only in forms
    )
