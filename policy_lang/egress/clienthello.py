"""The name that a client of TLS asks for, in its ClientHello: RFC 8446 (4.1.2) and RFC 6066 (3).

What is not exactly a ClientHello is refused: servers differ on the rest.
"""

from __future__ import annotations

from .wires import EgressError

CLIENT_HELLO = 1
_SERVER_NAME = 0
_HOST_NAME = 0


def size_of(message: bytes) -> int | None:
    """How long the handshake message is that begins here; None while that is not known. Raises EgressError."""
    if message and message[0] != CLIENT_HELLO:
        raise EgressError(403, "TLS does not begin with a ClientHello")
    return 4 + int.from_bytes(message[1:4], "big") if len(message) >= 4 else None


def server_name(message: bytes) -> str | None:
    """The name in a whole ClientHello, in lower case; None when it has none. Raises EgressError when malformed."""
    words = _Words(message[4:])
    words.take(2 + 32)  # version, random
    words.vector(1)  # session
    if len(words.vector(2)) % 2:  # cipher suites
        raise EgressError(403, "the ClientHello is malformed")
    words.vector(1)  # compression
    if not words.data:
        return None
    extensions = _Words(words.vector(2))
    words.end()
    names: dict[int, bytes] = {}
    while extensions.data:
        kind = extensions.number(2)
        if kind in names:
            raise EgressError(403, "the ClientHello has an extension twice")
        names[kind] = extensions.vector(2)
    if _SERVER_NAME not in names:
        return None
    entries = _Words(names[_SERVER_NAME])
    entry = _Words(entries.vector(2))
    entries.end()
    if entry.number(1) != _HOST_NAME:
        raise EgressError(403, "the ClientHello asks for something else than a host")
    name = entry.vector(2)
    entry.end()  # one name only: servers differ on which of several they take
    if not name or not name.isascii() or not name.decode("ascii").isprintable():
        raise EgressError(403, "the server name is malformed")
    return name.decode("ascii").lower()


class _Words:
    """Reads numbers and vectors from the front. Raises EgressError where there are too few bytes."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def take(self, count: int) -> bytes:
        if len(self.data) < count:
            raise EgressError(403, "the ClientHello is malformed")
        found, self.data = self.data[:count], self.data[count:]
        return found

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def vector(self, size: int) -> bytes:
        """Bytes behind their count, which has `size` bytes."""
        return self.take(self.number(size))

    def end(self) -> None:
        if self.data:
            raise EgressError(403, "the ClientHello is malformed")
