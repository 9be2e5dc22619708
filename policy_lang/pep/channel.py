"""One call to the service over its Unix socket, within a deadline. Whatever is not as it must be raises ChannelError.

`socket` alone takes longer to import than the whole exchange (measured: 5 ms), so its C part is used.
"""

from __future__ import annotations

import _socket
from sys import byteorder
from time import monotonic

from ..domain.faults import InternalError, reason_of

MOST_REPLY = 16 << 20  # limit: reply_bytes
MOST_HEAD = 16 << 10  # limit: reply_head_bytes


class ChannelError(InternalError):
    """The service did not answer as it must; the text says how."""


class ClosedError(ChannelError):
    """The service closed the connection before it answered anything."""


def exchange(
    path: str,
    method: str,
    route: str,
    body: bytes,
    deadline: float,
    token: str = "",
    owners: frozenset[int] | None = None,
) -> tuple[int, bytes]:
    """The status and body of the service's reply to one call; the connection is closed behind it."""
    channel = Channel(path, token, owners)
    try:
        return channel.call(method, route, body, deadline, keep=False)
    finally:
        channel.close()


class Channel:
    """A connection to the service, kept between calls. Not for several threads at once.

    `owners` are the users that the service may run as: a socket that somebody else listens on is not asked.
    """

    __slots__ = ("_connection", "owners", "path", "token")

    def __init__(self, path: str, token: str = "", owners: frozenset[int] | None = None) -> None:
        self.path = path
        self.token = token
        self.owners = owners
        self._connection: _socket.socket | None = None

    def call(self, method: str, route: str, body: bytes, deadline: float, keep: bool = True) -> tuple[int, bytes]:
        """The status and body of one call. `deadline` is a point of `time.monotonic`. Raises ChannelError."""
        data = head(method, route, len(body), self.token, keep) + body
        kept = self._connection is not None
        try:
            try:
                return self._call(data, deadline)
            except OSError as error:
                if not kept or isinstance(error, TimeoutError):
                    raise
            except ClosedError:
                if not kept:
                    raise
            # the service has closed the kept connection since, perhaps to start anew; it has answered nothing
            self.close()
            return self._call(data, deadline)
        except TimeoutError:
            self.close()
            raise ChannelError("the service did not answer in time") from None
        except OSError as error:
            self.close()
            raise ChannelError(f"the service cannot be reached: {reason_of(error)}") from None
        except ChannelError:
            self.close()
            raise

    def _call(self, data: bytes, deadline: float) -> tuple[int, bytes]:
        connection = self._connection
        if connection is None:
            connection = self._connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
            connection.settimeout(_left(deadline))
            connection.connect(self.path)
            if self.owners is not None:
                check_owner(connection.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, 12), self.owners)
        connection.settimeout(_left(deadline))
        connection.sendall(data)
        return _reply(connection, deadline)

    def close(self) -> None:
        """Close the connection; the next call opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def check_owner(credentials: bytes, owners: frozenset[int]) -> None:
    """Raises ChannelError when the peer's user (the second number of `struct ucred`, unix(7)) is not one of these."""
    uid = int.from_bytes(credentials[4:8], byteorder)
    if uid not in owners:
        raise ChannelError(f"the user {uid} listens there, which is not the service's")


def head(method: str, route: str, length: int, token: str, keep: bool) -> bytes:
    """The head of a call."""
    lines = [
        f"{method} {route} HTTP/1.1",
        "host: localhost",
        "content-type: application/json",
        f"content-length: {length}",
    ]
    if token:
        lines.append(f"authorization: Bearer {token}")
    if not keep:
        lines.append("connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


def _left(deadline: float) -> float:
    left = deadline - monotonic()
    if left <= 0:
        raise ChannelError("the service did not answer in time")
    return left


def _reply(connection: _socket.socket, deadline: float) -> tuple[int, bytes]:
    data = connection.recv(1 << 16)
    if not data:
        raise ClosedError("the service closed the connection without an answer")
    while (end := data.find(b"\r\n\r\n")) < 0:
        if len(data) > MOST_HEAD:
            raise ChannelError("the reply's head is too long")
        data += _some(connection, deadline)
    status, length = parse_head(data[:end])
    body = data[end + 4 :]
    chunks = [body]
    have = len(body)
    while have < length:
        chunks.append(_some(connection, deadline))
        have += len(chunks[-1])
    if have != length:
        raise ChannelError("more than the reply's length came back")
    return status, b"".join(chunks)


def parse_head(data: bytes) -> tuple[int, int]:
    """The status and the body's length that a reply's head says. Raises ChannelError."""
    first, *rest = data.split(b"\r\n")
    words = first.split(b" ", 2)
    if words[0] != b"HTTP/1.1" or len(words) < 2 or len(words[1]) != 3 or not words[1].isdigit():
        raise ChannelError("the reply is not valid HTTP/1.1")
    length = -1
    for line in rest:
        name, _, value = line.partition(b":")
        lower = name.lower()
        if lower == b"transfer-encoding" or (lower == b"content-length" and length >= 0):
            raise ChannelError("the reply's length is not plain")
        if lower == b"content-length":
            text = value.strip()
            length = int(text) if text.isdigit() and len(text) < 12 else -1
    if not 0 <= length <= MOST_REPLY:
        raise ChannelError("the reply's length is missing or too large")
    return int(words[1]), length


def _some(connection: _socket.socket, deadline: float) -> bytes:
    connection.settimeout(_left(deadline))
    data = connection.recv(1 << 16)
    if not data:
        raise ChannelError("the service closed the connection before its reply was whole")
    return data
