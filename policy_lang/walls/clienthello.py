"""The first words of TLS: the name that a client asks for, read before anything of the connection is handed on.

RFC 8446 (4.1.2, 5.1) and RFC 6066 (3). What is not exactly a ClientHello is refused: servers differ on the rest.
"""

from __future__ import annotations

from ..domain.limits import limit
from .wires import EgressError

_HANDSHAKE = 22
_CLIENT_HELLO = 1
_SERVER_NAME = 0
_HOST_NAME = 0
_RECORD = 1 << 14
"""RFC 8446 5.1: 2^14 bytes of plain text."""
_LONG = "the first words of TLS are too long"


class ClientHello:
    """Takes a connection's first bytes until the ClientHello is whole, over however many records it is spread."""

    def __init__(self) -> None:
        self.raw = b""
        """All that was taken, to be handed on."""
        self.server_name: str | None = None
        """The name asked for, in lower case; None when there is none. Known when `feed` has returned True."""
        self._used = 0
        self._record = b""
        self._message = b""

    def feed(self, data: bytes) -> bool:
        """Take bytes; True when the hello is whole. Raises EgressError for anything that is not one."""
        self.raw += data
        self._record += data
        if self._record[:1] and self._record[0] != _HANDSHAKE:
            raise EgressError(403, "this is not TLS")
        while len(self._record) >= 5:
            kind, major, minor = self._record[:3]
            length = int.from_bytes(self._record[3:5], "big")
            if kind != _HANDSHAKE or major != 3 or minor > 4 or not 0 < length <= _RECORD:
                raise EgressError(403, "this is not TLS")
            if len(self._record) < 5 + length:
                break
            self._message += self._record[5 : 5 + length]
            self._record = self._record[5 + length :]
            self._used += 5 + length
            if self._used > limit("egress_hello_bytes"):
                raise EgressError(403, _LONG)
            if self._whole():
                self.server_name = _server_name(self._message[4:])
                return True
        if len(self.raw) > limit("egress_hello_bytes"):
            raise EgressError(403, _LONG)
        return False

    def _whole(self) -> bool:
        message = self._message
        if message[0] != _CLIENT_HELLO:
            raise EgressError(403, "TLS does not begin with a ClientHello")
        if len(message) < 4:
            return False
        length = 4 + int.from_bytes(message[1:4], "big")
        if len(message) > length:
            raise EgressError(403, "something follows the ClientHello in its record")
        return len(message) == length


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


def _server_name(body: bytes) -> str | None:
    words = _Words(body)
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
