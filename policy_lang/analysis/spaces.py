"""The words that each sort's resources are: which segments may stand where, and what makes a word whole.

A path's word begins at the root. Where the workspace, the home and the temporary folder lie is part of the
question: a mark in the word says "here it begins", so one search covers every layout. A layout that is given is
put into the patterns instead, and needs no mark.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..automata.alphabet import LABELS, NAMES, PATHS, REFS, WORDS, Alphabet
from ..automata.glob import Glob, Ranges
from ..automata.pattern import CONTROL, MANY, Sequence, Word
from ..domain.actions import COMMAND, HOST, METHODS, PATH, REF
from ..facts import hosts
from ..facts.paths import HOME, ROOT, TMP, WORKSPACE

MARKS = (WORKSPACE, HOME, TMP)
Phase = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things lie, as absolute paths; None for anywhere."""

    workspace: str | None = None
    home: str | None = None
    tmp: str | None = None

    def folder(self, mark: str) -> str | None:
        """The folder of an anchor."""
        return {WORKSPACE: self.workspace, HOME: self.home, TMP: self.tmp}[mark]

    def sequence(self, sequence: Sequence) -> Sequence:
        """A path pattern as a pattern over words from the root."""
        anchor = sequence[0]
        if anchor not in MARKS:
            return sequence
        assert isinstance(anchor, str)
        folder = self.folder(anchor)
        if folder is None:
            return (ROOT, MANY, anchor, *sequence[1:])
        return (ROOT, *(p for p in posixpath.normpath(folder).split("/") if p), *sequence[1:])


class Space:
    """All words of one sort. A phase is what of the word so far decides which segments may follow."""

    start: Phase = ()
    dull: frozenset[str] = frozenset()
    """Segments that leave patterns which do not speak of them where they are."""

    def __init__(self, alphabet: Alphabet) -> None:
        self._alphabet = alphabet

    def step(self, phase: Phase, segment: str) -> Phase | None:
        """The phase after one more segment; None when no word goes on so."""
        return phase if segment[:1] == CONTROL or self._alphabet.admits(segment) else None

    def whole(self, phase: Phase) -> bool:  # noqa: ARG002
        """True when a word may end here."""
        return True

    def pool(self, phase: Phase) -> tuple[str, ...] | None:  # noqa: ARG002
        """The only segments that may follow, or None when the alphabet says it."""
        return None

    def alphabet(self, phase: Phase) -> tuple[Alphabet, tuple[Glob, ...]]:  # noqa: ARG002
        """The segments that may follow, and those among them that may not."""
        return self._alphabet, ()

    def cost(self, at: int, segment: str) -> int:  # noqa: ARG002
        """What a segment at this place adds to a word's length; searches answer with the shortest word."""
        return len(segment) + 1

    def marks(self, phase: Phase) -> Iterable[str]:  # noqa: ARG002
        """Dull segments that may stand here."""
        return ()


class Paths(Space):
    """The root, then segments, with at most one mark for each place that is not given."""

    start = ("begin",)
    dull = frozenset(MARKS)

    def __init__(self) -> None:
        super().__init__(PATHS)
        self._known: dict[tuple[Phase, str], Phase | None] = {}

    def step(self, phase: Phase, segment: str) -> Phase | None:
        """See `Space`."""
        key = (phase, segment)
        if key not in self._known:
            self._known[key] = self._after(phase, segment)
        return self._known[key]

    def _after(self, phase: Phase, segment: str) -> Phase | None:
        if phase == self.start:
            return ("in",) if segment == ROOT else None
        if segment in MARKS:
            return None if segment in phase else ("in", *sorted([*map(str, phase[1:]), segment]))
        if segment[:1] == CONTROL or not PATHS.admits(segment):
            return None
        return phase

    def whole(self, phase: Phase) -> bool:
        """See `Space`."""
        return phase != self.start

    def cost(self, at: int, segment: str) -> int:
        """One mark at the very beginning is the plain case; others are strange layouts."""
        if segment in MARKS:
            return 0 if at == 1 else 60
        return len(segment) + 1

    def marks(self, phase: Phase) -> Iterable[str]:
        """See `Space`."""
        return () if phase == self.start else (m for m in MARKS if m not in phase)


def _all_but(ranges: Ranges) -> Ranges:
    out: list[tuple[int, int]] = []
    at = 0
    for low, high in ranges:
        if at < low:
            out.append((at, low - 1))
        at = high + 1
    return (*out, (at, 0x10FFFF))


_LDH = Alphabet("host name", _all_but(((45, 45), (48, 57), (95, 95), (97, 122))), frozenset())
_URL = Alphabet("url path", (*LABELS.forbidden, (37, 37), (59, 59)), frozenset({".", ".."}))
_HEX = tuple("0123456789abcdef")
_PORTS = ("443", "8443", "80", "8080", "22", *map(str, range(9000, 9400)))
_HYPHENS = (Glob("-*"), Glob("*-"))


class _Number(Glob):
    """Labels that make a host an address: digits, or `0x` and hexadecimal digits (WHATWG URL, "ends in a number")."""

    def __init__(self) -> None:
        super().__init__("\ue001number")
        self.atoms = tuple(((ord(low), ord(high)),) for low, high in ("00", "09", "af", "xx"))
        self.matches = lambda text: self.accepts(self.run(text))

    @property
    def start(self) -> int:
        """Nothing read."""
        return 1

    def step(self, mask: int, char: str) -> int:
        """1 nothing, 2 a zero, 4 digits, 8 behind `0x`."""
        if mask == 1:
            return 2 if char == "0" else 4 if char in "123456789" else 0
        if mask == 2 and char == "x":
            return 8
        if mask in {2, 4}:
            return 4 if char in "0123456789" else 0
        return 8 if mask == 8 and char in "0123456789abcdef" else 0

    def accepts(self, mask: int) -> bool:
        """See `Glob`."""
        return mask > 1

    def run(self, text: str) -> int:
        """The state after a text."""
        mask = 1
        for char in text:
            mask = self.step(mask, char)
        return mask


_NUMBER = _Number()


class Hosts(Space):
    """Method, port, kind of host, its labels or digits, then the URL's path."""

    start = ("method",)

    def __init__(self) -> None:
        super().__init__(LABELS)

    def step(self, phase: Phase, segment: str) -> Phase | None:
        """See `Space`."""
        kind = phase[0]
        if kind == "method":
            return ("port",) if segment in METHODS else None
        if kind == "port":
            return ("kind",) if segment.isdigit() and 0 < int(segment) < 65536 else None
        if kind == "kind":
            return {hosts.NAME: ("first",), hosts.V4: ("v4", 8), hosts.V6: ("v6", 32)}.get(segment)
        if kind == "path":
            return phase if _URL.admits(segment) else None
        if segment == hosts.PATH:
            return ("path",) if kind == "name" or (kind != "first" and phase[1] == 0) else None
        if kind in {"first", "name"}:
            sound = _LDH.admits(segment) and not any(g.matches(segment) for g in _HYPHENS) and len(segment) < 64
            return ("name",) if sound and (kind == "name" or not _NUMBER.matches(segment)) else None
        left = phase[1]
        assert isinstance(left, int)
        return (kind, left - 1) if left and segment in _HEX else None

    def whole(self, phase: Phase) -> bool:
        """See `Space`."""
        return phase == ("path",)

    def pool(self, phase: Phase) -> tuple[str, ...] | None:
        """See `Space`."""
        return {"method": METHODS, "port": _PORTS, "kind": (), "v4": _HEX, "v6": _HEX}.get(str(phase[0]))

    def alphabet(self, phase: Phase) -> tuple[Alphabet, tuple[Glob, ...]]:
        """See `Space`."""
        if phase[0] == "path":
            return _URL, ()
        return _LDH, (*_HYPHENS, _NUMBER) if phase[0] == "first" else _HYPHENS


_BAD_REF = tuple(Glob(g) for g in (".*", "-*", "*.lock", "*..*", "*@[{]*", "*."))


class Refs(Space):
    """A remote, `refs`, then two parts or more (git-check-ref-format(1))."""

    start = (0,)

    def __init__(self) -> None:
        super().__init__(REFS)

    def step(self, phase: Phase, segment: str) -> Phase | None:
        """See `Space`."""
        place = phase[0]
        assert isinstance(place, int)
        if not REFS.admits(segment) or (place == 0 and segment[0] == "-") or (place == 1 and segment != "refs"):
            return None
        if place > 1 and any(g.matches(segment) for g in _BAD_REF[:-1]):
            return None
        return (min(place + 1, 4), segment.endswith(".")) if place > 1 else (place + 1,)

    def whole(self, phase: Phase) -> bool:
        """See `Space`."""
        return phase == (4, False)

    def pool(self, phase: Phase) -> tuple[str, ...] | None:
        """See `Space`."""
        return ("refs",) if phase == (1,) else None

    def alphabet(self, phase: Phase) -> tuple[Alphabet, tuple[Glob, ...]]:
        """See `Space`."""
        return REFS, (_BAD_REF[1],) if phase == (0,) else _BAD_REF[:-1]

    def cost(self, at: int, segment: str) -> int:  # noqa: ARG002
        """`origin` and branches are the plain case."""
        return 1 if segment in {"origin", "refs", "heads"} else len(segment) + 1


_PROGRAMS = Alphabet("program", ((0, 31), (127, 159)), frozenset())


class Commands(Space):
    """A program, then words; structure segments stand for what a pattern must name."""

    start = (0,)

    def __init__(self) -> None:
        super().__init__(WORDS)

    def step(self, phase: Phase, segment: str) -> Phase | None:
        """See `Space`."""
        if segment[:1] == CONTROL:
            return (1,)
        return (1,) if (_PROGRAMS if phase == (0,) else WORDS).admits(segment) else None

    def whole(self, phase: Phase) -> bool:
        """See `Space`."""
        return phase == (1,)

    def alphabet(self, phase: Phase) -> tuple[Alphabet, tuple[Glob, ...]]:
        """See `Space`."""
        return (_PROGRAMS if phase == (0,) else WORDS), ()


class DottedNames(Space):
    """A name's parts, at least one."""

    start = (0,)

    def __init__(self) -> None:
        super().__init__(NAMES)

    def step(self, phase: Phase, segment: str) -> Phase | None:  # noqa: ARG002
        """See `Space`."""
        return (1,) if NAMES.admits(segment) else None

    def whole(self, phase: Phase) -> bool:
        """See `Space`."""
        return phase == (1,)


def space_of(sort: str) -> Space:
    """The words of a sort."""
    if sort == PATH:
        return Paths()
    if sort == HOST:
        return Hosts()
    if sort == REF:
        return Refs()
    return Commands() if sort == COMMAND else DottedNames()


@dataclass(slots=True)
class Placed:
    """A path taken apart: its segments, and where the marks stand."""

    segments: tuple[str, ...]
    at: dict[str, int] = field(default_factory=dict)


def placed(word: Word) -> Placed:
    """A path word without its root and marks."""
    segments: list[str] = []
    at: dict[str, int] = {}
    for segment in word[1:]:
        if segment in MARKS:
            at[segment] = len(segments)
        else:
            segments.append(segment)
    return Placed(tuple(segments), at)
