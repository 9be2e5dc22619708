"""Globs over a whole text, as some clients match everything: `*` is any characters, blanks and slashes too, `?` is one.

For paths they are said as patterns of this language, which knows folders: `src/*.ts` is `src/**/*.ts` there.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache
from itertools import pairwise, product

from ..automata.pattern import quoted
from ..domain.limits import limit
from ..domain.record import record

_STARS = re.compile(r"\*+")
_WILD = re.compile(r"[*?]")
_MOST_INNER = 2  # limit: inner_double_stars
_MOST_PATTERNS = 16  # limit: glob_readings
"""Patterns for one glob: four stars inside names, each of which is read in two ways."""
_MOST_COMPARED = 1_000_000  # limit: globs_compared
"""Characters of one glob times those of another: beyond it they are taken to meet."""


def matches(glob: str, text: str) -> bool:
    """Whether a glob means a text. With one step back to the last star, so never more than length times length."""
    return text.startswith(_begin(glob)) and _fits(glob, text, "?", "")


def starred(glob: str, text: str) -> bool:
    """The same where `*` alone is special, and `?` is itself."""
    return _fits(glob, text, "", "")


def covers(wide: str, narrow: str) -> bool:
    """Whether one glob surely means all that another does: its text, stars and all, is meant."""
    return narrow.startswith(_begin(wide)) and _fits(wide, narrow, "?", "*")


@lru_cache(maxsize=limit("globs_kept"))
def _begin(glob: str) -> str:
    """What every text that a glob means begins with."""
    return _WILD.split(glob, maxsplit=1)[0]


def _fits(glob: str, text: str, one: str, longer: str) -> bool:
    """The same: `one` stands for a character, but not for one that may be `longer`."""
    at = spot = 0
    mark, last = 0, -1
    while at < len(text):
        if spot < len(glob) and glob[spot] == "*":
            last, mark, spot = spot, at, spot + 1
        elif spot < len(glob) and (glob[spot] == text[at] or (glob[spot] == one and text[at] != longer)):
            spot, at = spot + 1, at + 1
        elif last >= 0:
            mark += 1
            spot, at = last + 1, mark
        else:
            return False
    return not glob[spot:].strip("*")


def meet(one: str, other: str) -> bool:
    """Whether some text may be meant by both."""
    if not _begin(one).startswith(_begin(other)) and not _begin(other).startswith(_begin(one)):
        return False
    if len(one) * len(other) > _MOST_COMPARED:
        return True
    reached = [False] * (len(other) + 1)
    for i in range(len(one) + 1):
        before, reached = reached, [False] * (len(other) + 1)
        star = i > 0 and one[i - 1] == "*"
        for j in range(len(other) + 1):
            if i == j == 0:
                reached[0] = True
                continue
            other_star = j > 0 and other[j - 1] == "*"
            alike = i > 0 and j > 0 and (one[i - 1] == other[j - 1] or "?" in (one[i - 1], other[j - 1]))
            reached[j] = (
                (i > 0 and before[j] and (star or other_star))
                or (j > 0 and reached[j - 1] and (star or other_star))
                or (i > 0 and j > 0 and before[j - 1] and (alike or star or other_star))
            )
    return reached[len(other)]


@record(frozen=True, slots=True)
class PathPatterns:
    """The patterns of a glob over a path's text. `whole` says that they mean all of it, and nothing else."""

    patterns: tuple[str, ...]
    whole: bool = True


def path_patterns(glob: str, *, wider: bool = False) -> PathPatterns | None:
    """The patterns for a glob over the text of a relative path.

    What cannot be said is left out, or with `wider` taken in with more than was meant. None for a glob that no path's
    text fits: its folders are not those of a path.
    """
    text = _STARS.sub("*", glob)
    if text == "*":
        return PathPatterns(("**",))
    if text.startswith("/") or text.endswith("/") or any(part in {"", ".", ".."} for part in text.split("/")):
        return None
    found = _read(text.replace("?", "*") if wider else text)
    if wider and not found.whole:  # all that begins as it does
        begin = text.replace("?", "*").partition("*")[0]
        found = _read(f"{begin}*") if begin else PathPatterns(("**",))
        return PathPatterns(found.patterns, whole=False)
    return PathPatterns(found.patterns, found.whole and "?" not in text)


def _read(glob: str) -> PathPatterns:
    pieces = _STARS.sub("*", glob).split("*")
    choices = [
        _star(left, right, first=i == 0 and not left, last=i == len(pieces) - 2 and not right)
        for i, (left, right) in enumerate(pairwise(pieces))
    ]
    if math.prod(map(len, choices)) > _MOST_PATTERNS:
        return PathPatterns((), whole=False)
    made = []
    for stars in product(*choices):
        out = _quoted(pieces[0])
        for star, piece in zip(stars, pieces[1:], strict=True):
            out += star + _quoted(piece)
        made.append(out)
    kept = tuple(p for p in dict.fromkeys(made) if p.rstrip("/").split("/")[:-1].count("**") <= _MOST_INNER)
    return PathPatterns(kept, whole=len(kept) == len(set(made)))


def _star(left: str, right: str, *, first: bool, last: bool) -> tuple[str, ...]:
    """What a star between two pieces may be: inside one name, and over folders."""
    opens, closes = first or left.endswith("/"), last or right.startswith("/")
    if opens and closes:
        return ("**",) if last else ("*/**",)
    if opens:
        return ("**/*",)
    if last:
        return ("*/",)  # the name itself, and what lies in it
    if closes:
        return ("*/**",)
    return ("*", "*/**/*")


def _quoted(piece: str) -> str:
    """A piece as text; `?` stands for a character in both languages."""
    return "?".join("/".join(quoted(part) for part in one.split("/")) for one in piece.split("?"))
