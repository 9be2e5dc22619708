"""JSON, read strictly: no doubled keys, no NaN, bounded depth, no lone surrogates, nothing behind the value.

`json` takes 5 ms to import, half of a hook's own time; what it is made of, `_json`, takes none. Where that is missing,
`json` itself does the work.
"""

from __future__ import annotations

MOST_DEPTH = 64
_BLANKS = " \t\n\r"


class MalformedError(ValueError):
    """The text is no JSON that is accepted."""


def load(data: bytes) -> object:
    """The value of a JSON text. Raises MalformedError."""
    try:
        text = data.decode("utf-8").strip(_BLANKS)
        _check_depth(text)
        value, end = _scanner()(text, 0)
    except (ValueError, StopIteration, RecursionError) as error:
        raise MalformedError(f"this is no JSON: {str(error)[:200] or type(error).__name__}") from None
    if end != len(text):
        raise MalformedError("something stands behind the JSON value")
    _check(value)
    return value


def dump(value: object) -> bytes:
    """A JSON text, in ASCII. For None, truth values, integers, texts, and lists and objects of these."""
    out: list[str] = []
    _dump(value, out)
    return "".join(out).encode("ascii")


def _dump(value: object, out: list[str]) -> None:
    if value is None or value is True or value is False:
        out.append({None: "null", True: "true", False: "false"}[value])
    elif isinstance(value, str):
        out.append(_quoted(value))
    elif isinstance(value, int):
        out.append(str(value))
    elif isinstance(value, dict):
        out.append("{")
        for place, (key, inner) in enumerate(value.items()):
            out.append(f"{',' if place else ''}{_quoted(key)}:")
            _dump(inner, out)
        out.append("}")
    elif isinstance(value, (list, tuple)):
        out.append("[")
        for place, inner in enumerate(value):
            if place:
                out.append(",")
            _dump(inner, out)
        out.append("]")
    else:
        raise TypeError(f"{type(value).__name__} is no JSON")


def _pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise MalformedError("a key is given twice")
    return made


def _constant(name: str) -> object:
    raise MalformedError(f"`{name}` is no JSON")


def _check_depth(text: str) -> None:
    """Brackets are counted before anything recursive reads the text; those in strings only make it stricter."""
    if text.count("{") + text.count("[") <= MOST_DEPTH:
        return
    depth, inside, skip = 0, False, False
    for char in text:
        if skip:
            skip = False
        elif inside:
            skip = char == "\\"
            inside = char != '"'
        elif char == '"':
            inside = True
        elif char in "{[":
            depth += 1
            if depth > MOST_DEPTH:
                raise MalformedError(f"nested deeper than {MOST_DEPTH} levels")
        elif char in "}]":
            depth -= 1


def _check(value: object) -> None:
    """No lone surrogates, which `\\ud800` can smuggle in."""
    if isinstance(value, str):
        if not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value):
            raise MalformedError("a text has a lone surrogate")
    elif isinstance(value, dict):
        for key, inner in value.items():
            _check(key)
            _check(inner)
    elif isinstance(value, list):
        for inner in value:
            _check(inner)


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    def _scanner() -> Callable[[str, int], tuple[object, int]]: ...
    def _quoted(text: str) -> str: ...
else:
    try:
        from _json import encode_basestring_ascii as _quoted
        from _json import make_scanner
    except ImportError:
        from json.encoder import py_encode_basestring_ascii as _quoted

        make_scanner = None

    class _Settings:
        """What `_json` reads off a decoder."""

        strict = True
        object_hook = None
        object_pairs_hook = staticmethod(_pairs)
        parse_float = float
        parse_int = int
        parse_constant = staticmethod(_constant)
        memo = {}  # noqa: RUF012

    def _scanner():  # noqa: ANN202 (declared above)
        if make_scanner is None:
            import json

            return json.JSONDecoder(object_pairs_hook=_pairs, parse_constant=_constant).raw_decode
        return make_scanner(_Settings)
