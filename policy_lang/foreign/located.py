"""JSON as people write it in settings, with the place of every string: comments and trailing commas may stand in it."""

from __future__ import annotations

import json
import re

from ..domain.errors import Diagnostic, PolicyError, Source, Span
from ..domain.limits import limit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

UNREADABLE = "PLE601"
"""The code of a file that cannot be read as what it is called."""
Value = object
"""What JSON holds: dict, list, `Located`, int, float, bool, None."""
_TOKEN = re.compile(
    r'(?P<string>"(?:[^"\\\n]|\\.)*")|(?P<plain>-?[A-Za-z0-9][\w.+-]*)|(?P<mark>[\[\]{}:,])'
    r"|(?P<blank>[\s\ufeff]+|//[^\n]*|/\*(?:[^*]|\*(?!/))*\*/)",
    re.ASCII,
)


class Located(str):
    """A string of a file, with the offsets at which it begins and ends there, quotes included."""

    __slots__ = ("end", "start")
    start: int
    end: int

    @classmethod
    def at(cls, text: str, start: int, end: int) -> Located:
        """A string that stands there."""
        made = cls(text)
        made.start, made.end = start, end
        return made


class LocatedList(list[Value]):
    """A list of a file, with the offsets at which its members begin and end there."""

    __slots__ = ("places",)
    places: list[tuple[int, int]]


class LocatedObject(dict[str, Value]):
    """An object of a file, with the offsets at which the values of its keys begin and end there."""

    __slots__ = ("places",)
    places: dict[str, tuple[int, int]]


def unreadable(source: Source, start: int, message: str, help_: str = "", end: int | None = None) -> PolicyError:
    """The error for a file that is not what it is called."""
    span = Span(source, start, min(len(source.text), start + 1) if end is None else end)
    return PolicyError([Diagnostic(UNREADABLE, message, span, help_)])


def span_of(source: Source, value: object) -> Span | None:
    """The place of a string that was read from a source; None for everything else."""
    return Span(source, value.start, value.end) if isinstance(value, Located) else None


def object_of(source: Source, value: object, what: str = "this", help_: str = "") -> dict[str, object]:
    """The value, which is an object. Raises PolicyError for another one."""
    if not isinstance(value, dict):
        raise unreadable(
            source, value.start if isinstance(value, Located) else 0, f"{what}: an object was expected", help_
        )
    return value


def misplaced(source: Source, holder: object, key: str | int, message: str, help_: str = "") -> PolicyError:
    """The error for a member of a list or an object, at its place."""
    places: Any = holder.places if isinstance(holder, LocatedList | LocatedObject) else {}
    if isinstance(holder, LocatedList) or key in places:
        start, end = places[key]
        return unreadable(source, start, message, help_, end)
    return unreadable(source, 0, message, help_)


def object_in(source: Source, table: dict[Any, object], name: str) -> dict[Any, object]:
    """The object that a key has; an empty one where it has none. Raises PolicyError at the place of another value."""
    value = table.get(name, {})
    if not isinstance(value, dict):
        raise misplaced(source, table, name, f"`{name}` is not an object")
    return value


def strings_in(source: Source, table: dict[Any, object], name: str, *, dropped: bool = False) -> Iterator[Located]:
    """The strings of the list that a key has. What is none is `dropped`, or raises PolicyError at its place."""
    value = table.get(name, [])
    if not isinstance(value, list):
        raise misplaced(source, table, name, f"`{name}` is not a list")
    for i, one in enumerate(value):
        if isinstance(one, Located):
            yield one
        elif not dropped:
            raise misplaced(source, value, i, f"`{name}` holds something that is not a string")


def json_of(source: Source) -> Value:
    """The value of a JSON text. A key that is given twice counts the last time, as clients read it.

    Raises PolicyError.
    """
    return _LocatedReader(source).whole()


class _LocatedReader:
    """One reading of a text."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._at = 0
        self._kind = ""
        self._start = 0
        self._word = ""
        self._next()

    def whole(self) -> Value:
        value = self._value(0)
        if self._kind:
            raise self._refused("the end of the file")
        return value

    def _next(self) -> None:
        """Go on to the next token; the kind is empty at the end."""
        text = self._source.text
        while self._at < len(text):
            found = _TOKEN.match(text, self._at)
            if found is None:
                raise unreadable(self._source, self._at, f"`{text[self._at]}` is not valid JSON here")
            self._start, self._at = self._at, found.end()
            if found.lastgroup != "blank":
                self._kind, self._word = str(found.lastgroup), found.group()
                return
        self._kind, self._word, self._start = "", "", len(text)

    def _refused(self, wanted: str) -> PolicyError:
        shown = f"`{self._word[:40]}`" if self._word else "the end of the file"
        return unreadable(self._source, self._start, f"{shown} is not valid JSON here: {wanted} was expected")

    def _value(self, depth: int) -> Value:
        if depth > limit("json_depth"):
            raise unreadable(self._source, self._start, f"the JSON is nested over {limit('json_depth')} deep")
        if self._kind == "string":
            return self._string()
        if self._kind == "plain":
            try:
                value = json.loads(self._word)
            except ValueError:
                raise self._refused("a value") from None
            self._next()
            return value
        if self._word == "{":
            return self._object(depth)
        if self._word == "[":
            return self._array(depth)
        raise self._refused("a value")

    def _placed(self, depth: int) -> tuple[Value, tuple[int, int]]:
        """A value and where it stands; of a list and an object where it begins."""
        start, end = self._start, self._at
        return self._value(depth), (start, end)

    def _string(self) -> Located:
        try:
            text = json.loads(self._word, strict=False)
        except ValueError:
            raise self._refused("a string") from None
        made = Located.at(text, self._start, self._at)
        self._next()
        return made

    def _object(self, depth: int) -> dict[str, Value]:
        out = LocatedObject()
        out.places = {}
        self._next()
        while self._word != "}":
            if self._kind != "string":
                raise self._refused("a key in double quotes")
            key = self._string()
            if self._word != ":":
                raise self._refused("`:`")
            self._next()
            out.pop(key, None)  # the key's place is the last one's as well
            out[key], out.places[key] = self._placed(depth + 1)
            self._separated("}")
        self._next()
        return out

    def _array(self, depth: int) -> list[Value]:
        out = LocatedList()
        out.places = []
        self._next()
        while self._word != "]":
            value, place = self._placed(depth + 1)
            out.append(value)
            out.places.append(place)
            self._separated("]")
        self._next()
        return out

    def _separated(self, close: str) -> None:
        if self._word == ",":
            self._next()
        elif self._word != close:
            raise self._refused(f"`,` or `{close}`")
