"""JSON, read strictly: no doubled keys, no NaN, bounded depth, no lone surrogates, nothing behind the value.

`json` takes 5 ms to import, half of a hook's own time; what it is made of, `_json`, takes none. Where that is missing,
`json` itself does the work.
"""

from __future__ import annotations

from .faults import CallerError

MOST_DEPTH = 64
_BLANKS = " \t\n\r"


class MalformedError(CallerError, ValueError):
    """The text is not valid JSON that is accepted."""


def load(data: bytes) -> object:
    """The value of a JSON text. Raises MalformedError."""
    try:
        text = data.decode("utf-8").strip(_BLANKS)
        _check_depth(text)
        value, end = _scanner()(text, 0)
    except (ValueError, StopIteration, RecursionError) as error:
        raise MalformedError(f"this is not valid JSON: {str(error)[:200] or type(error).__name__}") from None
    if end != len(text):
        raise MalformedError("something stands behind the JSON value")
    _check(value)
    return value


def dump(value: object) -> bytes:
    """A JSON text, in ASCII. Raises TypeError for what JSON cannot hold, ValueError for numbers that it cannot."""
    return "".join(_encoder(value, 0)).encode("ascii")


def _pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise MalformedError("a key is given twice")
    return made


def _constant(name: str) -> object:
    raise MalformedError(f"`{name}` is not valid JSON")


def _float(text: str) -> float:
    value = float(text)
    if value in {float("inf"), float("-inf")}:
        raise MalformedError(f"`{text[:20]}` is too large")
    return value


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
    def _encoder(value: object, level: int) -> tuple[str, ...]: ...
else:
    try:
        from _json import encode_basestring_ascii, make_encoder, make_scanner
    except ImportError:
        make_scanner = make_encoder = None

    class _Settings:
        """What `_json` reads off a decoder."""

        strict = True
        object_hook = None
        object_pairs_hook = staticmethod(_pairs)
        parse_float = staticmethod(_float)
        parse_int = int
        parse_constant = staticmethod(_constant)
        memo = {}  # noqa: RUF012

    def _scanner():
        if make_scanner is None:
            import json

            return json.JSONDecoder(object_pairs_hook=_pairs, parse_constant=_constant, parse_float=_float).raw_decode
        return make_scanner(_Settings)

    def _unknown(value):
        raise TypeError(f"{type(value).__name__} is not valid JSON")

    if make_encoder is None:

        def _encoder(value, level):  # noqa: ARG001
            import json

            encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False, default=_unknown).encode
            return (encode(value),)
    else:
        # what json.JSONEncoder gives it: no marks against loops, default, strings, indent, separators, order, keys, NaN
        _encoder = make_encoder(None, _unknown, encode_basestring_ascii, None, ":", ",", False, False, False)
