"""Globs over one segment: `*` any characters, `?` one, `[a-z]` and `[!a]` one of a set.

A glob is a sequence of atoms; matching is greedy pieces or a bit-parallel run, never backtracking, so the
time is bounded by text times atoms whatever the text.
"""

from __future__ import annotations

from ..domain.faults import AuthorError
from ..domain.limits import limit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


Ranges = tuple[tuple[int, int], ...]
"""Sorted inclusive code point ranges."""

MAX_CODE_POINT = 0x10FFFF
REPEATED = "\1"
"""Behind a set: one or more of its characters. Only the engine writes it; patterns have no control characters."""
_MOST_MASKS = limit("glob_masks")


class GlobError(AuthorError, ValueError):
    """The glob's text is malformed; the message says how, in the author's terms."""


class Glob:
    """One compiled segment glob. Equal texts of the same kind give equal globs."""

    __slots__ = ("_hash", "_masks", "_repeats", "_single", "_skips", "_stars", "atoms", "matches", "text", "width")

    def __init__(self, text: str) -> None:
        self.text = text
        self._hash = hash(("glob", text))
        self.atoms: tuple[Ranges | None, ...]
        self.atoms, self._repeats = _atoms(text)
        """None stands for `*`; otherwise the code points that one character may have."""
        self.width = len(self.atoms)
        self._stars = sum(1 << i for i, atom in enumerate(self.atoms) if atom is None)
        self._skips = self._stars | self._repeats
        self._masks: dict[str, int] = {}
        self._single = self.atoms.count(None) == 1
        self.matches: Callable[[str], bool] = _matcher(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Glob) and other.text == self.text

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return f"Glob({self.text!r})"

    @property
    def start(self) -> int:
        """The start state: a bit mask of live positions."""
        return self._close(1)

    def _close(self, mask: int) -> int:
        return mask | ((mask & self._skips) << 1)  # two of them never stand side by side

    def step(self, mask: int, char: str) -> int:
        """The state after one more character."""
        accepts = self._masks.get(char)
        if accepts is None:
            point = ord(char)
            accepts = 0
            for i, atom in enumerate(self.atoms):
                if atom is not None and any(lo <= point <= hi for lo, hi in atom):
                    accepts |= 1 << i
            if len(self._masks) < _MOST_MASKS:
                self._masks[char] = accepts
        stays = self._stars | (accepts & self._repeats)
        return self._close(((mask & accepts & ~self._repeats) << 1) | (mask & stays))

    def accepts(self, mask: int) -> bool:
        """True when the state is an accepting one."""
        return bool(mask >> self.width & 1)

    def filled(self, fill: str) -> str | None:
        """A text that the glob matches, with `fill` for each `*`; None when none is at hand."""
        out: list[str] = []
        for atom in self.atoms:
            if atom is None:
                out.append(fill)
            else:
                out.append(next((c for c in "aq7" if any(lo <= ord(c) <= hi for lo, hi in atom)), chr(atom[0][0])))
        text = "".join(out)
        return text if self.matches(text) else None

    @property
    def literal_ends(self) -> tuple[str, str] | None:
        """(prefix, suffix) when the glob is PREFIX*SUFFIX with plain ends, else None; used as an index."""
        if not self._single or any(c in self.text for c in "?["):
            return None
        head, _, tail = self.text.partition("*")
        return head, tail.lstrip("*")


def is_literal(text: str) -> bool:
    """True when the segment has no wildcard."""
    return "*" not in text and "?" not in text and "[" not in text


def _atoms(text: str) -> tuple[tuple[Ranges | None, ...], int]:
    """The atoms, and a bit for each that stands for more of the one before it, or none."""
    atoms: list[Ranges | None] = []
    repeats = 0
    i = 0
    while i < len(text):
        char = text[i]
        if char == "*":
            if atoms and repeats >> (len(atoms) - 1):  # anything follows, so more of the same does
                del atoms[-1]
                repeats &= (1 << len(atoms)) - 1
            if not atoms or atoms[-1] is not None:
                atoms.append(None)
            i += 1
        elif char == "?":
            atoms.append(((0, MAX_CODE_POINT),))
            i += 1
        elif char == "[":
            ranges, i = _char_class(text, i)
            atoms.append(ranges)
        elif char == REPEATED:
            repeats |= 1 << len(atoms)
            atoms.append(atoms[-1])
            i += 1
        else:
            atoms.append(((ord(char), ord(char)),))
            i += 1
    return tuple(atoms), repeats


def _char_class(text: str, start: int) -> tuple[Ranges, int]:
    end = text.find("]", start + 1)
    body = text[start + 1 : end]
    if end < 0:
        raise GlobError("`[` has no closing `]`; write `[[]` for the character itself")
    negated = body.startswith(("!", "^")) and len(body) > 1
    if negated:
        if body[0] == "^":
            raise GlobError("write `[!...]`, not `[^...]`, for all but these characters")
        body = body[1:]
    if not body:
        raise GlobError("an empty character class matches nothing")
    ranges: list[tuple[int, int]] = []
    i = 0
    while i < len(body):
        if i + 2 < len(body) and body[i + 1] == "-":
            low, high = ord(body[i]), ord(body[i + 2])
            if low > high:
                raise GlobError(f"the range `{body[i : i + 3]}` runs backwards")
            ranges.append((low, high))
            i += 3
        else:
            ranges.append((ord(body[i]), ord(body[i])))
            i += 1
    return _normal(ranges, negated), end + 1


def _normal(ranges: list[tuple[int, int]], negated: bool) -> Ranges:
    merged: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    if not negated:
        return tuple(merged)
    gaps: list[tuple[int, int]] = []
    at = 0
    for low, high in merged:
        if at < low:
            gaps.append((at, low - 1))
        at = high + 1
    if at <= MAX_CODE_POINT:
        gaps.append((at, MAX_CODE_POINT))
    return tuple(gaps)


def _matcher(glob: Glob) -> Callable[[str], bool]:
    text = glob.text
    if any(c in text for c in "?["):
        return lambda value: _simulate(glob, value)
    pieces = text.split("*")
    head, tail, middle = pieces[0], pieces[-1], tuple(p for p in pieces[1:-1] if p)
    if len(pieces) == 1:
        return lambda value: value == text
    least = len(head) + len(tail)
    if not middle:
        return lambda value: len(value) >= least and value.startswith(head) and value.endswith(tail)
    return lambda value: _pieces(value, head, middle, tail)


def _pieces(value: str, head: str, middle: tuple[str, ...], tail: str) -> bool:
    if not value.startswith(head) or not value.endswith(tail):
        return False
    at, stop = len(head), len(value) - len(tail)
    for piece in middle:
        found = value.find(piece, at, stop)
        if found < 0:
            return False
        at = found + len(piece)
    return at <= stop


def _simulate(glob: Glob, value: str) -> bool:
    mask = glob.start
    for char in value:
        mask = glob.step(mask, char)
        if not mask:
            return False
    return glob.accepts(mask)
