"""JSON, read strictly: no doubled keys, no NaN, bounded depth, no lone surrogates, nothing behind the value.

`json` takes 5 ms to import, half of a hook's own time; what it is made of, `_json`, takes none. Where that is missing,
`json` itself does the work.
"""

from __future__ import annotations

from .faults import CallerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Json = dict[str, Any]
    """A JSON object."""
else:
    Json = dict[str, object]  # for pydantic, without the import
MOST_DEPTH = 64  # limit: json_depth
_BLANKS = " \t\n\r"
_HEAD = "this is not valid JSON: "


class MalformedError(CallerError, ValueError):
    """A text is not JSON as it is accepted here: `kind` is what is wrong, `detail` where or how, as far as known.

    Kinds: `encoding`, `depth`, `values` (too many), `syntax`, `twice` (a key), `constant` (NaN and its like), `size`,
    `digits`, `surrogate`.
    """

    def __init__(self, message: str, kind: str = "syntax", detail: str = "") -> None:
        super().__init__(message)
        self.kind = kind
        self.detail = detail


def load(data: bytes, depth: int = MOST_DEPTH, digits: int | None = None, values: int | None = None) -> object:
    """The value of a JSON text: nested so deeply at most, its integers of so many digits, of so many values in all.

    Raises MalformedError.
    """
    try:
        text = data.decode("utf-8").strip(_BLANKS)
        _check_size(text, depth, len(text) + 1 if values is None else values)
        value, end = _scanner(digits)(text, 0)
    except MalformedError:
        raise
    except UnicodeDecodeError as error:
        raise MalformedError(f"{_HEAD}{error}", "encoding") from None
    except StopIteration as error:
        raise MalformedError(f"{_HEAD}{str(error) or 'StopIteration'}", "syntax", "expecting value") from None
    except (ValueError, RecursionError) as error:
        why = str(getattr(error, "msg", "nested too deeply")).lower()
        raise MalformedError(f"{_HEAD}{str(error)[:200] or type(error).__name__}", "syntax", why) from None
    if end != len(text):
        raise MalformedError("something stands behind the JSON value", "syntax", "extra data")
    if "\\ud" in text or "\\uD" in text:
        _check(value)
    return value


def dump(value: object) -> bytes:
    """A JSON text, in ASCII. Raises TypeError for what JSON cannot hold, ValueError for numbers that it cannot."""
    return "".join(_encoder(value, 0)).encode("ascii")


def _pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) != len(pairs):
        keys = [k for k, _ in pairs]
        double = next(k for i, k in enumerate(keys) if k in keys[:i])
        raise MalformedError(f"{_HEAD}a key is given twice", "twice", double)
    return made


def _constant(name: str) -> object:
    raise MalformedError(f"{_HEAD}`{name}` is not valid JSON", "constant", name)


def _float(text: str) -> float:
    value = float(text)
    if value in {float("inf"), float("-inf")}:
        raise MalformedError(f"{_HEAD}`{text[:20]}` is too large", "size", text[:20])
    return value


_DELETED = bytes(set(range(256)) - set(b"[]{}"))
_SQUARE = bytes.maketrans(b"{}", b"[]")


def _check_size(text: str, depth: int, values: int) -> None:
    """Brackets and commas are counted, all at once, before anything recursive reads the text: that costs little."""
    brackets = text.count("{") + text.count("[")
    if brackets <= depth and brackets + text.count(",") < values:
        return
    plain = text.replace("\\\\", "").replace('\\"', "")  # only quotes that begin or end a string are left
    outside = "".join(plain.split('"')[::2]).encode("utf-8", "replace")
    left = outside.translate(_SQUARE, _DELETED)
    if left.count(b"[") + outside.count(b",") >= values:  # before each value but the first stands one of these
        raise MalformedError(f"{_HEAD}more than {values} values", "values")
    for _ in range(depth):  # one level less each time
        if b"[]" not in left:
            break
        left = left.replace(b"[]", b"")
    if b"[]" in left or left.count(b"[") > depth:
        raise MalformedError(f"{_HEAD}nested deeper than {depth} levels", "depth")


def _check(value: object) -> None:
    """No lone surrogates, which `\\ud800` alone can smuggle in."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise MalformedError("a text has a lone surrogate", "surrogate") from None
    elif isinstance(value, dict):
        for key, inner in value.items():
            _check(key)
            _check(inner)
    elif isinstance(value, list):
        for inner in value:
            _check(inner)


if TYPE_CHECKING:

    def _scanner(digits: int | None) -> Callable[[str, int], tuple[object, int]]: ...
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

    _scanners = {}  # by digits: a program asks for one or two

    def _scanner(digits):
        made = _scanners.get(digits)
        if made is None:
            made = _scanners[digits] = _new_scanner(digits)
        return made

    def _new_scanner(digits):
        settings = _Settings
        if digits is not None:

            class settings(_Settings):  # noqa: N801
                @staticmethod
                def parse_int(text):
                    if len(text) > digits:
                        raise MalformedError(f"{_HEAD}a number has more than {digits} digits", "digits")
                    return int(text)

        if make_scanner is None:
            import json

            return json.JSONDecoder(
                object_pairs_hook=_pairs, parse_constant=_constant, parse_float=_float, parse_int=settings.parse_int
            ).raw_decode
        return make_scanner(settings)

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
