"""Names that `.gitignore` files leave out of a folder, by gitignore(5), or bring back.

The one who writes such a file may be the agent itself. So what a line leaves out counts only where git and rg(1) both
read it so; what a line brings back always does, since a search then reads it though it is hidden. Of the further files
that rg reads only that counts.
"""

from __future__ import annotations

import os
import stat

from ..automata.glob import Glob, GlobError
from ..automata.pattern import MANY, Label, Sequence, segment_label
from ..domain.limits import limit
from ..domain.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

MOST_BYTES = limit("ignore_bytes")
_MOST_NAMES = limit("ignore_names")
_STRONGER = (".ignore", ".rgignore", ".git/info/exclude")
FILES = (".gitignore", *_STRONGER)
"""Where what is ignored is said, from the folder that it is said of."""
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-+@=~,%/*?[]!# ")


@record(frozen=True, slots=True)
class _Line:
    """One line of a `.gitignore`: where it stands, whether it brings back, whether it is about folders alone."""

    number: int
    keeps: bool
    folders: bool
    labels: Sequence = ()
    """The names from the folder of the file; empty for one name at any depth, which `fits` judges."""
    fits: Callable[[str], bool] | None = None


@record(frozen=True, slots=True)
class _Level:
    """The lines of one file, which lies `depth` folders below the top: plain names by name, the others in order."""

    depth: int
    named: dict[str, tuple[_Line, ...]]
    others: tuple[_Line, ...]

    def line(self, path: tuple[str, ...], is_folder: bool) -> _Line | None:
        """The last line about a path, given from the folder of the file."""
        best: _Line | None = None
        for line in self.named.get(path[-1], ()):
            if is_folder or not line.folders:
                best = line
        for line in reversed(self.others):
            if best is not None and line.number < best.number:
                break
            if (is_folder or not line.folders) and _matches(line, path):
                return line
        return best


@record(frozen=True, slots=True)
class Ignored:
    """What is left out of a folder, which lies at `at`: by `.gitignore` files, and by others that only bring back.

    `inside` says that a repository is around, without which no `.gitignore` counts; `off` that nothing is left out.
    """

    at: tuple[str, ...] = ()
    levels: tuple[_Level, ...] = ()
    stronger: tuple[_Level, ...] = ()
    inside: bool = False
    off: bool = False

    def leaves_out(self, name: str, is_folder: bool = False) -> bool | None:
        """What the last line about a name in the folder says: False when it is brought back, None when none does."""
        if self.off:
            return False
        path = (*self.at, name)
        if any(level.line(path[level.depth :], True) is not None for level in self.stronger):
            return False
        for level in reversed(self.levels):
            line = level.line(path[level.depth :], is_folder)
            if line is not None:
                return not line.keeps
        return None


NONE = Ignored()
_OFF = Ignored(off=True)


def ignored_around(folder: str) -> Ignored:
    """What is left out of a folder, by the files in it and above it."""
    found = ignored_in("/", NONE)
    place = "/"
    for name in [n for n in folder.split("/") if n]:
        place = os.path.join(place, name)
        found = ignored_in(place, found)
    return found


def ignored_in(folder: str, around: Ignored) -> Ignored:
    """What is left out of a folder, where `around` holds in the one above it."""
    at = tuple(n for n in folder.split("/") if n)
    stronger: tuple[_Level, ...] | None = around.stronger
    for name in _STRONGER:
        stronger = _and(stronger, _lines(os.path.join(folder, name)), len(at), only_kept=True)
    levels: tuple[_Level, ...] | None = around.levels
    inside = around.inside
    if os.path.lexists(os.path.join(folder, ".git")):  # what is said outside of a repository does not count in it
        levels, inside = (), True
    if inside:
        levels = _and(levels, _lines(os.path.join(folder, ".gitignore")), len(at))
    if around.off or stronger is None or levels is None:
        return _OFF
    return Ignored(at, levels, stronger, inside)


def _and(
    levels: tuple[_Level, ...] | None, lines: list[str] | None, depth: int, only_kept: bool = False
) -> tuple[_Level, ...] | None:
    """Levels with those of one file more; None where it may bring anything back."""
    if levels is None or lines is None:
        return None
    if only_kept:
        lines = [line for line in lines if line.lstrip("\ufeff").startswith("!")]
    if not lines:
        return levels
    level = _level(depth, lines)
    return None if level is None else (*levels, level)


def _lines(file: str) -> list[str] | None:
    """The lines of a file, none when it is not there; None for a link, which git does not follow, for no file.

    So too for one that is too long or not UTF-8.
    """
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError:
        return None
    with open(handle, "rb") as stream:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return None
        data = stream.read(MOST_BYTES + 1)
    try:
        return None if len(data) > MOST_BYTES else data.decode().split("\n")
    except UnicodeDecodeError:
        return None


def _level(depth: int, lines: list[str]) -> _Level | None:
    """What lines say; None when one that brings something back is not plain."""
    named: dict[str, tuple[_Line, ...]] = {}
    others: list[_Line] = []
    for number, text in enumerate(lines):
        text = text.removesuffix("\r").rstrip(" ")  # noqa: PLW2901
        if not text or text.startswith("#"):
            continue
        keeps = text.lstrip("\ufeff").startswith("!")
        labels = None if text.endswith("//") else _labels(text.removeprefix("!").removesuffix("/"))
        if labels is None:
            if keeps:
                return None
            continue
        folders = text.endswith("/")
        anywhere = "/" not in text.removeprefix("!").rstrip("/")
        only = labels[0]
        if anywhere and isinstance(only, str):
            named[only] = (*named.get(only, ()), _Line(number, keeps, folders))
        elif anywhere and only is not MANY:
            others.append(_Line(number, keeps, folders, (), _judge(only)))
        else:
            others.append(_Line(number, keeps, folders, labels))
    return _Level(depth, named, tuple(others))


def _labels(text: str) -> Sequence | None:
    """A pattern's names; None for one that is not plain: escapes, braces, classes of characters by name."""
    names = text.removeprefix("/").split("/")
    if not _PLAIN.issuperset(text) or text.startswith(" ") or "[[" in text or "[^" in text:
        return None
    if "" in names or len(names) > _MOST_NAMES or names.count("**") > 2:
        return None
    try:
        return tuple(MANY if n == "**" else segment_label(n) for n in names)
    except GlobError:
        return None


def _judge(label: Label) -> Callable[[str], bool]:
    return label.matches if isinstance(label, Glob) else bool  # a name is never empty


def _matches(line: _Line, path: tuple[str, ...]) -> bool:
    return line.fits(path[-1]) if line.fits is not None else _along(line.labels, path)


def _along(labels: Sequence, path: tuple[str, ...]) -> bool:
    if not labels or not path:
        return not labels and not path
    if labels[0] is MANY:
        return len(labels) == 1 or any(_along(labels[1:], path[n:]) for n in range(len(path)))
    fits = labels[0] == path[0] if isinstance(labels[0], str) else _judge(labels[0])(path[0])
    return fits and _along(labels[1:], path[1:])
