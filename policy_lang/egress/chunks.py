"""Bodies in chunks (RFC 9112 7.1), read by two readers that must agree: this one knows where the body ends.

The other is httptools' (Node's llhttp), which does not say so. Extensions and trailers end here.
"""

from __future__ import annotations

from typing import Final

import httptools

from ..domain.limits import limit
from .wires import EgressError

_HEAD: Final = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
_HEXADECIMAL: Final = b"0123456789abcdefABCDEF"
_DIGITS: Final = 15
"""Of a chunk's size: its number stays below 2^60, whatever a reader counts with."""
_CONTROL: Final = bytes([*range(9), *range(10, 32), 127])
_SIZE, _END, _TRAILER = range(3)
LAST: Final = b"0\r\n\r\n"
"""The end of such a body, without trailers."""


class ChunkedBody:
    """Takes a body in chunks apart. Raises EgressError with `status` when it is malformed."""

    def __init__(self, status: int) -> None:
        self.complete = False
        """Whether all of it was fed."""
        self._status = status
        self._left = 0
        self._line = b""
        self._next = _SIZE
        self._lines_bytes = 0
        self._length = self._their_length = 0
        self._their_end = False
        self._parser = httptools.HttpRequestParser(self)
        self._parser.feed_data(_HEAD)

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """What the next bytes hold, without its framing, and what follows behind the body. Raises EgressError."""
        parts: list[bytes] = []
        place = 0
        while place < len(data) and not self.complete:
            if self._left:
                part = data[place : place + self._left]
                parts.append(part)
                self._left -= len(part)
                place += len(part)
            else:
                place = self._take_line(data, place)
        body = b"".join(parts)
        self._length += len(body)
        try:
            self._parser.feed_data(data[:place])
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            raise self._malformed() from None
        if self._their_end != self.complete or self._their_length != self._length:
            raise self._malformed()
        return body, data[place:]

    def _take_line(self, data: bytes, place: int) -> int:
        """Read the rest of a line, as far as it is there; where it ends."""
        found = data.find(b"\n", place)
        end = found + 1 if found >= 0 else len(data)
        self._line += data[place:end]
        self._lines_bytes += end - place
        if self._lines_bytes > limit("egress_head_bytes"):
            raise self._malformed()
        if found >= 0:
            line, self._line = self._line, b""
            if not line.endswith(b"\r\n") or line[:-2].translate(None, _CONTROL) != line[:-2]:
                raise self._malformed()
            self._read(line[:-2])
        return end

    def _read(self, line: bytes) -> None:
        if self._next == _END:
            if line:
                raise self._malformed()
            self._next = _SIZE
        elif self._next == _TRAILER:
            self.complete = not line
        else:
            size = line.partition(b";")[0]
            if not 0 < len(size) <= _DIGITS or size.translate(None, _HEXADECIMAL):
                raise self._malformed()
            self._left = int(size, 16)
            self._next = _END if self._left else _TRAILER
            self._lines_bytes = 0

    def _malformed(self) -> EgressError:
        return EgressError(self._status, "the chunks of the body are malformed", error=_ERROR[self._status])

    # the parser's side

    def on_body(self, body: bytes) -> None:
        """A part of the body, as the parser sees it."""
        self._their_length += len(body)

    def on_message_complete(self) -> None:
        """The body ends here for the parser."""
        self._their_end = True


_ERROR = {400: "http_request_error", 502: "http_protocol_error"}


def chunk(body: bytes) -> bytes:
    """The bytes as one chunk; nothing for none, which would be the last one."""
    return b"%x\r\n%s\r\n" % (len(body), body) if body else b""
