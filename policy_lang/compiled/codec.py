"""Plain values as bytes: None, truth values, integers, texts, and tuples of these. Nothing else can be said.

A value is a tag byte and what belongs to it; numbers are little-endian base 128. Equal values have equal bytes.
"""

from __future__ import annotations

from ..domain.faults import InternalError
from ..domain.limits import limit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

Plain = object
"""None, bool, int, str, or a tuple of these."""

_NONE, _FALSE, _TRUE, _INT, _NEGATIVE, _TEXT, _TUPLE = range(7)
_MOST_DEPTH = limit("compiled_depth")


class DamagedError(InternalError, ValueError):
    """The bytes are not a value; a file whose checksum holds never raises it."""


def pack(value: Plain) -> bytes:
    """The bytes of a value. Raises TypeError for any other kind of object."""
    out = bytearray()
    _pack(value, out)
    return bytes(out)


def _pack(value: Plain, out: bytearray) -> None:
    if value is None:
        out.append(_NONE)
    elif value is False or value is True:
        out.append(_TRUE if value else _FALSE)
    elif isinstance(value, int):
        out.append(_NEGATIVE if value < 0 else _INT)
        _number(abs(value), out)
    elif isinstance(value, str):
        data = value.encode("utf-8")
        out.append(_TEXT)
        _number(len(data), out)
        out += data
    elif isinstance(value, (tuple, list)):
        out.append(_TUPLE)
        _number(len(value), out)
        for one in value:
            _pack(one, out)
    else:
        raise TypeError(f"{type(value).__name__} is not a plain value")


def _number(number: int, out: bytearray) -> None:
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)


def unpack(data: bytes | memoryview) -> Plain:
    """The value that `pack` made the bytes from. Raises DamagedError for any others."""
    data = bytes(data)
    try:
        value, end = _unpack(data, 0, 0)
    except (IndexError, UnicodeDecodeError):
        raise DamagedError("the value is cut short") from None
    if end != len(data):
        raise DamagedError("something stands behind the value")
    return value


def _unpack(data: bytes, at: int, depth: int) -> tuple[Plain, int]:
    tag = data[at]
    at += 1
    if tag <= _TRUE:
        return (None, False, True)[tag], at
    number = data[at]
    at += 1
    if number > 127:
        number &= 127
        shift = 7
        while True:
            byte = data[at]
            at += 1
            number |= (byte & 127) << shift
            if byte < 128:
                break
            shift += 7
    if tag == _TEXT:
        if at + number > len(data):
            raise DamagedError("a text is cut short")
        return data[at : at + number].decode("utf-8"), at + number
    if tag == _TUPLE:
        if depth > _MOST_DEPTH or number > len(data) - at:
            raise DamagedError("a tuple is too deep or cut short")
        values: list[Plain] = []
        for _ in range(number):
            value, at = _unpack(data, at, depth + 1)
            values.append(value)
        return tuple(values), at
    if tag == _INT:
        return number, at
    if tag == _NEGATIVE:
        return -number, at
    raise DamagedError("an unknown kind of value")


def texts(values: Iterable[str]) -> tuple[str, ...]:
    """Texts in an order of their own: what a set is written as."""
    return tuple(sorted(values))
