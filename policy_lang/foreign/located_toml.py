"""TOML with the places of its keys, of the strings in their values, and of the items of their lists."""

from __future__ import annotations

import re
import tomllib

from ..domain.errors import Span
from ..domain.limits import limit
from ..domain.record import record
from .located import unreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..domain.errors import Source

_TOKEN = re.compile(
    r'(?P<text>"""(?:[^"\\]|\\.|"(?!""))*"""|\'\'\'(?:[^\']|\'(?!\'\'))*\'\'\'|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\')'
    r"|(?P<comment>#[^\n]*)|(?P<line>\n)|(?P<mark>[\[\]{},=.])|(?P<blank>[ \t\r]+)"
    r"|(?P<word>[^\s\"'#\[\]{},=.]+)|(?P<rest>.)",
    re.DOTALL,
)
_AT = re.compile(r"\(at line (\d+), column (\d+)\)$")


@record(frozen=True, slots=True)
class Toml:
    """A file's tables. `places` are by the path of keys, to which a string or an index of the value may be added."""

    source: Source
    value: dict[str, object]
    places: dict[tuple[str | int, ...], tuple[int, int]]

    def place(self, *path: str | int) -> Span:
        """Where a path stands: its own place, or that of what it stands in; the file's beginning else."""
        for size in range(len(path), 0, -1):
            if path[:size] in self.places:
                return Span(self.source, *self.places[path[:size]])
        return Span(self.source, 0, min(1, len(self.source.text)))


def toml_of(source: Source) -> Toml:
    """The tables of a TOML text. Raises PolicyError."""
    try:
        value = tomllib.loads(source.text)
    except tomllib.TOMLDecodeError as error:
        raise _refused(source, str(error)) from None
    except (RecursionError, ValueError):
        raise unreadable(
            source, 0, "this is not valid TOML: it is nested too deep, or holds what it must not"
        ) from None
    if _depth(value) > limit("json_depth"):
        raise unreadable(source, 0, f"the TOML is nested over {limit('json_depth')} deep")
    return Toml(source, value, _Scanner(source.text).places)


def table_spans(source: Source, name: str, count: int) -> list[Span]:
    """The places of the tables `[[name]]`, in their order; the file's beginning where they cannot be told."""
    found = list(re.finditer(rf"^[ \t]*\[\[[ \t]*{re.escape(name)}[ \t]*\]\]", source.text, re.MULTILINE))
    if len(found) != count:
        return [Span(source, 0, min(1, len(source.text)))] * count
    return [Span(source, one.end() - len(one.group().lstrip()), one.end()) for one in found]


def _refused(source: Source, message: str) -> Exception:
    found = _AT.search(message)
    words = _AT.sub("", message).strip()
    if found is None:
        return unreadable(source, max(0, len(source.text) - 1), f"this is not valid TOML: {words}")
    lines = source.text.split("\n")
    start = sum(len(line) + 1 for line in lines[: int(found[1]) - 1]) + int(found[2]) - 1
    return unreadable(source, min(start, max(0, len(source.text) - 1)), f"this is not valid TOML: {words}")


def _depth(value: object) -> int:
    """How deep tables and lists are nested, counted without recursion."""
    depth, level = 0, [value]
    while level := [v for one in level for v in _inside(one)]:
        depth += 1
    return depth


def _inside(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


class _Scanner:
    """One walk over a text that is known to be TOML."""

    def __init__(self, text: str) -> None:
        self.places: dict[tuple[str | int, ...], tuple[int, int]] = {}
        self._pieces = [
            (str(found.lastgroup), found.group(), found.start(), found.end())
            for found in _TOKEN.finditer(text)
            if found.lastgroup not in {"blank", "comment"}
        ]
        self._at = 0
        table: tuple[str, ...] = ()
        while self._at < len(self._pieces):
            kind, piece, *_ = self._pieces[self._at]
            if kind == "line":
                self._at += 1
            elif piece == "[":
                table = self._header()
            else:
                self._pair(table)

    def _parts(self, ends: str) -> tuple[tuple[str, ...], int, int]:
        """The parts of a key, up to a mark, and where they stand."""
        parts: list[str] = []
        start = end = -1
        while self._at < len(self._pieces):
            kind, piece, begins, stops = self._pieces[self._at]
            if piece == ends or kind == "line":
                break
            if kind in {"word", "text"}:
                parts.append(_plain(piece))
                start, end = begins if start < 0 else start, stops
            self._at += 1
        return tuple(parts), max(start, 0), max(end, 0)

    def _header(self) -> tuple[str, ...]:
        parts, start, end = self._parts("]")
        self.places.setdefault(parts, (start, end))
        while self._at < len(self._pieces) and self._pieces[self._at][0] != "line":
            self._at += 1
        return parts

    def _pair(self, table: tuple[str, ...]) -> None:
        parts, start, end = self._parts("=")
        path = (*table, *parts)
        for size in range(len(table) + 1, len(path) + 1):
            self.places.setdefault(path[:size], (start, end))
        self._at += 1
        depth = item = 0
        while self._at < len(self._pieces):
            kind, piece, begins, stops = self._pieces[self._at]
            if kind == "line" and not depth:
                return
            self._at += 1
            if kind == "text":
                self.places.setdefault((*path, _plain(piece)), (begins, stops))
            if depth == 1 and kind != "line" and piece not in {",", "]", "}"}:
                self.places.setdefault((*path, item), (begins, stops))
            if kind == "mark":
                depth += (piece in "[{") - (piece in "]}")
                item += piece == "," and depth == 1


def _plain(piece: str) -> str:
    """A key or string without its quotes."""
    if piece[:1] not in "\"'":
        return piece
    try:
        return str(tomllib.loads(f"x={piece}")["x"])
    except ValueError:
        return piece
