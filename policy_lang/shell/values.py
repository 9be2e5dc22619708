"""Values of words when they run: literal, partly known, or unknown, also unknown in number."""

from __future__ import annotations

from enum import Enum

from ..domain.limits import limit
from ..domain.record import record


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
    """Characters of an existing file's name, where a glob stands."""
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

_MOST_TEXT = limit("script_bytes")
_MOST_WORDS = limit("script_fields")
_MOST_PARTS = limit("script_parts")


@record(frozen=True, slots=True)
class Value:
    """One word; with `many`, any number of words of this form. `why` names what is not known, as written."""

    parts: tuple[Piece, ...]
    many: bool = False
    why: str = ""

    @property
    def text(self) -> str | None:
        """The word when it is fully known, else None."""
        if self.many:
            return None
        if not self.parts:
            return ""
        first = self.parts[0]
        return first if len(self.parts) == 1 and isinstance(first, str) else None

    @property
    def may_be_option(self) -> bool:
        """True when it could begin with `-`."""
        if not self.parts:
            return False
        first = self.parts[0]
        if isinstance(first, str):
            return first.startswith("-")
        return first in {Hole.ANY, Hole.NAME, Hole.FILE, Hole.NUMBER}

    def starts(self) -> str:
        """The literal beginning."""
        return self.parts[0] if self.parts and isinstance(self.parts[0], str) else ""


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


NOTHING = Value(())
UNKNOWN = Value((Hole.ANY,), False, "a value")
UNKNOWN_MANY = Value((Hole.ANY,), True, "unquoted values")
ENVIRONMENT = Value((Hole.ANY,), True, "the whole environment")
DIGITS = Value((Hole.DIGITS,))
NUMBER = Value((Hole.NUMBER,))


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
    (Hole.NAME, frozenset({"digits", "number", "word", "name", "file"})),
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
