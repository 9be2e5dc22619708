"""The object that a difference makes of another (gitformat-pack(5), deltified representation)."""

from __future__ import annotations

from ..domain.faults import CallerError

_LONGEST = 64
"""Bits of a size; the format sets none, and no object is as long."""


class DeltaError(CallerError, ValueError):
    """It is no difference to that object, or makes more of it than is taken."""


def patched(base: bytes, delta: bytes, most: int) -> bytes:
    """The object, of at most so many bytes. Raises DeltaError."""
    try:
        return _patched(base, delta, most)
    except IndexError:
        raise DeltaError("a difference that ends too soon") from None


def _patched(base: bytes, delta: bytes, most: int) -> bytes:
    before, at = _size(delta, 0)
    after, at = _size(delta, at)
    if before != len(base) or after > most:
        raise DeltaError("a difference to something else, or a large one")
    out = bytearray()
    while at < len(delta):
        code = delta[at]
        at += 1
        if code & 0x80:  # a piece of the base
            start = size = 0
            for bit in range(7):
                if code & 1 << bit:
                    if bit < 4:
                        start |= delta[at] << 8 * bit
                    else:
                        size |= delta[at] << 8 * (bit - 4)
                    at += 1
            size = size or 0x10000
            out += base[start : start + size]
        elif code:  # so many bytes of its own
            out += delta[at : at + code]
            at += code
        else:
            raise DeltaError("a difference of another form")
        if len(out) > after:
            raise DeltaError("it makes more than it says")
    if len(out) != after:
        raise DeltaError("it makes less than it says")
    return bytes(out)


def _size(data: bytes, at: int) -> tuple[int, int]:
    """A size of seven bits a byte, the lowest first, and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return value, at
        if shift > _LONGEST:
            raise DeltaError("a size that has no end")
