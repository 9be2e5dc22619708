"""Values of words when they run: literal, partly known, or unknown, also unknown in number."""

from __future__ import annotations

from enum import Enum

from ..domain.limits import limit
from ..domain.record import record
from ..domain.regex import regex


class Hole(Enum):
    """A part of a word that is not known, and what is known about it."""

    DIGITS = "digits"
    """One or more digits."""
    NUMBER = "number"
    """Digits, perhaps with a minus sign."""
    WORD = "word"
    """Letters and digits, or nothing: a commit's name."""
    NAME = "name"
    """Any characters but `/`, perhaps none, perhaps `..`."""
    FILE = "file"
    """Characters of an existing file's name, where a glob stands; no dot at the beginning of a name."""
    ENTRY = "entry"
    """Characters of an existing file's name, of a hidden one as well."""
    BELOW = "below"
    """Nothing, or `/` and the path of something that exists there; never `..`."""
    HOME = "home"
    """The agent's home folder."""
    CWD = "cwd"
    """The working folder."""
    TMP = "tmp"
    """The folder for temporary files."""
    PIPE = "pipe"
    """A process substitution: the name of a pipe to or from a command of the same script."""
    ANY = "any"
    """Any text."""


Piece = str | Hole

_WILD = regex(r"[*?]+")
_MOST_TEXT = limit("script_bytes")
_MOST_WORDS = limit("script_fields")
_MOST_PARTS = limit("script_parts")


@record(frozen=True, slots=True)
class Value:
    """One word; with `many`, any number of words of this form. `why` names what is not known, as written.

    As what a variable or a substitution is worth, `many` is a text that has this form, or is empty.
    """

    parts: tuple[Piece, ...]
    many: bool = False
    why: str = ""

    @property
    def text(self) -> str | None:
        """The word when it is fully known, else None."""
        if self.many:
            return None
        parts = self.parts
        if len(parts) == 1:
            first = parts[0]
            return first if isinstance(first, str) else None
        return None if parts else ""

    @property
    def may_be_option(self) -> bool:
        """True when it could begin with `-`."""
        parts = self.parts
        if not parts:
            return False
        first = parts[0]
        if isinstance(first, str):
            return first.startswith("-")
        return first in _MAYBE_DASH

    def starts(self) -> str:
        """The literal beginning."""
        parts = self.parts
        first = parts[0] if parts else ""
        return first if isinstance(first, str) else ""


_MAYBE_DASH = frozenset({Hole.ANY, Hole.NAME, Hole.FILE, Hole.ENTRY, Hole.NUMBER, Hole.BELOW})


def literal(text: str) -> Value:
    """A fully known word."""
    return Value((text,) if text else ())


def joined(parts: list[Piece], many: bool = False, why: str = "") -> Value:
    """A word from pieces, neighbouring texts joined."""
    out: list[Piece] = []
    for part in parts:
        if isinstance(part, str):
            if not part:
                continue
            if out and isinstance(out[-1], str):
                out[-1] += part
                continue
        out.append(part)
    return Value(tuple(out), many, why)


@record(frozen=True, slots=True)
class Lines:
    """What a command prints, when that is names: each of one of the `forms`, seen from `folders`, ended by `end`."""

    forms: tuple[Value, ...]
    end: str = "\n"
    folders: tuple[str, ...] | None = ("",)


OTHER = Lines((), "", None)
"""Names of which nothing is known, in an input of which nothing has been read."""

NAMES = frozenset({Hole.FILE, Hole.ENTRY, Hole.BELOW})
"""What stands for names of files that exist."""


def inside(parts: tuple[Piece, ...], before: bool, after: str) -> list[Piece]:
    """The parts of a value within a longer word: what it names exists no more, unless only a path follows."""
    if not before and (not after or after.startswith("/")):
        return list(parts)
    loose: list[Piece] = [Hole.NAME if p in {Hole.FILE, Hole.ENTRY} else p for p in parts]
    if loose and loose[-1] is Hole.BELOW:
        loose[-1] = Hole.ANY
    return loose


def placed(word: Value, mark: str, values: list[Value]) -> list[Value]:
    """A word with each of the values where the mark stands; the word itself when it has none."""
    if not any(isinstance(p, str) and mark in p for p in word.parts):
        return [word]
    made: list[Value] = []
    for value in values:
        parts: list[Piece] = []
        for part in word.parts:
            if not isinstance(part, str):
                parts.append(part)
                continue
            texts = part.split(mark)
            for number, text in enumerate(texts):
                parts.append(text)
                if number + 1 < len(texts):
                    parts += inside(value.parts, bool(parts) and parts != [""], texts[number + 1])
        made.append(joined(parts, word.many or value.many, value.why))
    return made


def found_below(start: Value, name: str) -> Value:
    """Any number of files below a folder whose names match a glob of `*` and `?`."""
    parts: list[Piece] = [*start.parts, Hole.BELOW, "/"]
    at = 0
    for match in _WILD.finditer(name):
        parts += [name[at : match.start()], Hole.ENTRY]
        at = match.end()
    return joined([*parts, name[at:]], True, start.why or "a file that is found")


NOTHING = Value(())
UNKNOWN = Value((Hole.ANY,), False, "a value")
UNKNOWN_MANY = Value((Hole.ANY,), True, "unquoted values")
ENVIRONMENT = Value((Hole.ANY,), True, "the whole environment")
DIGITS = Value((Hole.DIGITS,))
NUMBER = Value((Hole.NUMBER,))
ASSOCIATIVE = (Value((Hole.ANY,), True, "the values of an associative array"),)
"""What is known of a variable that is surely an associative array: its subscripts are not evaluated."""


def bounded(value: Value | tuple[Value, ...]) -> Value | tuple[Value, ...]:
    """The value, or an unknown one when it has grown beyond what a script may hold."""
    if isinstance(value, tuple):
        return value if len(value) <= _MOST_WORDS else (UNKNOWN_MANY,)
    size = sum(len(p) for p in value.parts if isinstance(p, str))
    return (
        value if size <= _MOST_TEXT and len(value.parts) <= _MOST_PARTS else Value((Hole.ANY,), value.many, value.why)
    )


def either(first: Value, second: Value) -> Value:
    """A value that covers both."""
    if first == second:
        return first
    many = first.many or second.many
    kinds = {_kind(p) for v in (first, second) for p in v.parts} | {"word" for v in (first, second) if not v.parts}
    common = next((h for h, fits in _ORDER if kinds <= fits), Hole.ANY)
    return Value((common,), many, first.why or second.why or "a value that depends on the way taken")


_ORDER: tuple[tuple[Hole, frozenset[str]], ...] = (
    (Hole.DIGITS, frozenset({"digits"})),
    (Hole.NUMBER, frozenset({"digits", "number"})),
    (Hole.WORD, frozenset({"digits", "word"})),
    (Hole.NAME, frozenset({"digits", "number", "word", "name", "file", "entry"})),
)


def _kind(part: Piece) -> str:
    if isinstance(part, Hole):
        return part.value
    if part.isdigit() and part.isascii():
        return "digits"
    return "any" if "/" in part else "name"


def numeric(value: Value) -> bool:
    """True when arithmetic can only see a number in it: nothing that a shell would evaluate further."""
    text = value.text
    if text is not None:
        bare = text.strip().removeprefix("-")
        return not bare or (bare.isascii() and bare.isdigit())
    return value.parts in ((Hole.DIGITS,), (Hole.NUMBER,))
