"""Requests and replies of HTTP/1 as they are handed on: read strictly, written anew.

Framing is httptools' (Node's llhttp). What two readers could take differently is refused before it gets there: lines
that end otherwise, folded or unnamed headers, two lengths, a length beside chunks, another coding, another host.
"""

from __future__ import annotations

from typing import Final

import httptools

from ..domain.limits import limit
from .chunks import LAST, ChunkedBody, chunk
from .peers import Peer, read_peer
from .wires import EgressError

_TOKEN: Final = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""RFC 9110 5.6.2."""
_VISIBLE: Final = bytes(range(0x21, 0x7F))
_CONTROL: Final = bytes([*range(9), *range(10, 32), 127])
_OF_THE_CONNECTION: Final = frozenset(
    (
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"upgrade",
    )
)
"""Headers that end here (RFC 9110 7.6.1), whether or not `Connection` names them."""
_PASSED_OVER: Final = frozenset((b"h2c",))
"""Upgrades that some clients offer with every request and can do without (RFC 9110 7.8)."""
_FRAMING: Final = frozenset((b"host", b"content-length", b"transfer-encoding"))
"""Headers that are written anew. `Connection` cannot name them away."""
_ENDING: Final = _OF_THE_CONNECTION | _FRAMING - {b"host"}
_VERSIONS: Final = frozenset((b"HTTP/1.1", b"HTTP/1.0"))
Headers = list[tuple[bytes, bytes]]


_OVERRIDES = frozenset({b"x-http-method", b"x-http-method-override", b"x-method-override"})
"""Headers by which servers take one method for another (`interceptor.py` has them too)."""


class HttpRequest:
    """A request for a proxy, from its whole head on; the body is taken by `feed`. Raises EgressError when malformed.

    Inside a tunnel there is one `peer`, and the target is a path.
    """

    def __init__(self, head: bytes, peer: Peer | None = None) -> None:
        self.headers: Headers = []
        self._url = b""
        first = _lines(head, self.headers, 400)
        words = first.split(b" ")
        if len(words) != 3 or words[2] not in _VERSIONS or words[1].translate(None, _VISIBLE):
            raise EgressError(400, "this is not a request of HTTP/1.1")
        self.version = words[2]
        self._target = words[1]
        self.method = words[0].decode("ascii", "replace")
        self._length = self._framing()
        if any(name == b"upgrade" and value.lower() not in _PASSED_OVER for name, value in self.headers):
            raise EgressError(501, "a connection cannot be upgraded here")
        if any(name in _OVERRIDES and value.strip().upper() != words[0] for name, value in self.headers):
            raise EgressError(400, "a header says another method than the request")
        self.peer, self.path = self._where() if peer is None else (peer, self._inside())
        self._agree()
        self._parse(words[0], first)
        chunked = self._length is not None and self._length[0] == b"Transfer-Encoding"
        self._chunks = ChunkedBody(400) if chunked else None
        self._left = 0 if self._length is None or chunked else int(self._length[1])
        self._named = _named(self.headers)
        self.persists = self.version == b"HTTP/1.1" and b"close" not in self._named
        """Whether the client may send another request when this one is answered."""

    @property
    def tunnel(self) -> bool:
        """True for CONNECT."""
        return self.method == "CONNECT"

    @property
    def complete(self) -> bool:
        """Whether all of the body was fed."""
        return not self._left if self._chunks is None else self._chunks.complete

    @property
    def repeatable(self) -> bool:
        """Whether it can be sent twice and does the same as once (RFC 9110 9.2.2), and has no body."""
        return self._length is None and self.method in {"GET", "HEAD", "OPTIONS"} and self.version == b"HTTP/1.1"

    @property
    def url(self) -> str:
        """What is decided: a URL as the peer will understand it, without path for a tunnel."""
        if self.tunnel:
            return f"https://{self.peer.text}:{self.peer.port}"
        return f"http://{self._authority()}{self.path}"

    def onward(self) -> bytes:
        """The head as the peer gets it."""
        lines = [b"%s %s %s" % (self.method.encode(), self.path.encode(), self.version)]
        lines.append(b"Host: " + self._authority().encode())
        lines += [
            b"%s: %s" % (name, value)
            for name, value in self.headers
            if name not in self._named and name not in _OF_THE_CONNECTION and name not in _FRAMING
        ]
        if self._length:
            lines.append(b"%s: %s" % self._length)
        if not self.repeatable:
            lines.append(b"Connection: close")
        return b"\r\n".join((*lines, b"", b""))

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """More of the body, framed as the head says, and what follows behind it. Raises EgressError when malformed."""
        if self._chunks is not None:
            body, rest = self._chunks.feed(data)
            return chunk(body) + (LAST if self._chunks.complete else b""), rest
        body = data[: self._left]
        self._left -= len(body)
        return body, data[len(body) :]

    def _framing(self) -> tuple[bytes, bytes] | None:
        """The header that says how long the body is."""
        found = _framing_of(self.headers, 400)
        if found is None:
            return None
        if found[0] == b"content-length":
            return b"Content-Length", found[1]
        if found[1].lower() != b"chunked" or self.version != b"HTTP/1.1":
            raise EgressError(400, "the request has a transfer coding that is not taken")
        return b"Transfer-Encoding", b"chunked"

    def _where(self) -> tuple[Peer, str]:
        target = self._target.decode("ascii")
        if self.tunnel:
            if self._length:
                raise EgressError(400, "CONNECT has no body")
            return read_peer(target), ""
        if target[:7].lower() != "http://":
            raise EgressError(400, "this is a proxy: it takes `http://` URLs, and CONNECT for all others")
        if "#" in target:
            raise EgressError(400, "a URL is sent without its fragment")
        rest = target[7:]
        cut = min((i for i in (rest.find(c) for c in "/?") if i >= 0), default=len(rest))
        path = rest[cut:]
        return read_peer(rest[:cut], 80), path if path.startswith("/") else f"/{path}"

    def _inside(self) -> str:
        if not self._target.startswith(b"/") or b"#" in self._target:
            raise EgressError(400, "a request inside a tunnel has a path")
        return self._target.decode("ascii")

    def _parse(self, method: bytes, first: bytes) -> None:
        """Have the head read by the parser as well. Raises EgressError where it takes it otherwise, or not at all."""
        parser = httptools.HttpRequestParser(self)
        ours = [b"%s: %s" % header for header in self.headers if header[0] not in _OF_THE_CONNECTION]
        try:
            parser.feed_data(b"\r\n".join((first, *ours, b"", b"")))
        except httptools.HttpParserUpgrade:  # how the parser says CONNECT
            pass
        except httptools.HttpParserError:
            raise EgressError(400, "this is not a request of HTTP/1.1") from None
        if self._url != self._target or parser.get_method() != method:
            raise EgressError(400, "this is not a request of HTTP/1.1")

    def _agree(self) -> None:
        hosts = [value for name, value in self.headers if name == b"host"]
        if not hosts and self.version == b"HTTP/1.0":
            return
        if len(hosts) != 1:
            raise EgressError(400, "the request needs one `Host`")
        if self.tunnel and hosts[0] == self._target:
            return
        # some clients name the host alone when they ask for a tunnel
        said = read_peer(hosts[0].decode("ascii", "replace"), self.peer.port if self.tunnel else 80)
        if said != self.peer:
            raise EgressError(400, "`Host` and the URL name different hosts")

    def _authority(self) -> str:
        return self.peer.text if self.peer.port == 80 else f"{self.peer.text}:{self.peer.port}"

    # the parser's side

    def on_url(self, url: bytes) -> None:
        """A part of the target."""
        self._url += url


class PeerReply:
    """A reply of a peer to a request, from its whole head on; the body is taken by `feed`.

    Raises EgressError when it is malformed, or ends where it may not.
    """

    def __init__(self, head: bytes, request: HttpRequest) -> None:
        headers: Headers = []
        first = _lines(head, headers, 502)
        version, _, rest = first.partition(b" ")
        code, _, phrase = rest.partition(b" ")
        if version not in _VERSIONS or len(code) != 3 or not code.isdigit() or code < b"100":
            raise EgressError(502, "the host does not answer in HTTP/1.1", error="http_protocol_error")
        if code == b"101":
            why = "the host has upgraded a connection that nobody wanted upgraded"
            raise EgressError(502, why, error="http_upgrade_failed")
        self.status = int(code)
        self._first = b"%s %s %s" % (version, code, phrase)
        self._headers = headers
        named = _named(headers)
        framing = _framing_of(headers, 502)
        empty = request.method == "HEAD" or self.status < 200 or self.status in {204, 304}
        self._chunks = None
        self._left: int | None = 0 if empty else None
        """How many bytes follow; None when the connection's end, or the last chunk, says so."""
        if framing is not None and framing[0] == b"transfer-encoding":
            if framing[1].lower() != b"chunked" or version != b"HTTP/1.1":
                raise EgressError(502, "the host's transfer coding is not taken", error="http_response_transfer_coding")
            if not empty:
                self._chunks = ChunkedBody(502)
        elif framing is not None and not empty:
            self._left = int(framing[1])
        delimited = self._left is not None or self._chunks is not None
        self.persists = version == b"HTTP/1.1" and b"close" not in named and delimited
        """Whether the peer may be sent another request afterwards."""
        self._rechunked = self._chunks is not None and request.version == b"HTTP/1.1"
        self.kept = request.persists and (self._left is not None or self._rechunked)
        """Whether the client may send another request afterwards."""
        self._named = named
        self._framing = framing

    @property
    def complete(self) -> bool:
        """Whether all of the body was fed; never, where the connection's end says so."""
        return self._left == 0 if self._chunks is None else self._chunks.complete

    def onward(self, *, kept: bool) -> bytes:
        """The head as the client gets it, whose connection is `kept` afterwards, or not."""
        lines = [b"%s: %s" % (n, v) for n, v in self._headers if n not in self._named and n not in _ENDING]
        if self._rechunked:
            lines.append(b"transfer-encoding: chunked")
        elif self._framing is not None and self._framing[0] == b"content-length":
            lines.append(b"%s: %s" % self._framing)
        if self.status >= 200 and not kept:
            lines.append(b"Connection: close")
        return b"\r\n".join((self._first, *lines, b"", b""))

    def feed(self, data: bytes) -> bytes:
        """More of the body, as the client gets it; none for the connection's end. What is too much is dropped.

        Raises EgressError when it is malformed or cut short.
        """
        if not data:
            if self._left is not None or self._chunks is not None:
                raise EgressError(502, "the reply is cut short", error="http_response_incomplete")
            return b""
        if self._chunks is not None:
            body, rest = self._chunks.feed(data)
            self.persists = self.persists and not rest
            if not self._rechunked:
                return body
            return chunk(body) + (LAST if self._chunks.complete else b"")
        if self._left is None:
            return data
        body = data[: self._left]
        self._left -= len(body)
        self.persists = self.persists and len(body) == len(data)
        return body


def refusal_page(refusal: EgressError, phrase: str, *, head_only: bool = False, kept: bool = False) -> bytes:
    """A reply of our own, as plain text. The status line has the reason too: many clients show nothing else."""
    reason = " ".join(refusal.reason.split())[: limit("egress_reason_characters")]
    body = f"{reason}\n".encode("utf-8", "replace")
    shown = _plain(reason)
    lines = [
        f"HTTP/1.1 {refusal.status} {phrase}: {shown}",
        f"Proxy-Status: {proxy_status(refusal)}",
        "Cache-Control: no-store",
        "Content-Type: text/plain; charset=utf-8",
        f"Content-Length: {len(body)}",
    ]
    if not kept:
        lines.append("Connection: close")
    return "\r\n".join((*lines, "", "")).encode("ascii") + (b"" if head_only else body)


def proxy_status(refusal: EgressError) -> str:
    """The value of `Proxy-Status` that says why (RFC 9209)."""
    quoted = _plain(" ".join(refusal.reason.split())).replace("\\", "\\\\").replace('"', '\\"')
    return f'policy-lang; error={refusal.error}; details="{quoted}"{refusal.parameters}'


def _plain(reason: str) -> str:
    return reason[:200].encode("ascii", "replace").translate(None, _CONTROL).decode("ascii")


def _named(headers: Headers) -> set[bytes]:
    """The names in `Connection`, in lower case."""
    return {
        part.strip(b" \t").lower()
        for name, value in headers
        if name in {b"connection", b"proxy-connection"}
        for part in value.split(b",")
    }


def _framing_of(headers: Headers, status: int) -> tuple[bytes, bytes] | None:
    """The one header that says how long the body is. Raises EgressError for several, and for what is not a length."""
    found = [header for header in headers if header[0] in {b"content-length", b"transfer-encoding"}]
    error = "http_request_error" if status == 400 else "http_protocol_error"
    if len(found) > 1:
        raise EgressError(status, "the message says more than once how long it is", error=error)
    if found and found[0][0] == b"content-length":
        length = found[0][1]
        if not length.isdigit() or len(length) > limit("integer_digits"):
            raise EgressError(status, "the length of the message is malformed", error=error)
    return found[0] if found else None


def _lines(head: bytes, headers: Headers, status: int) -> bytes:
    """The first line of a head; its headers, with names in lower case, go into `headers`."""
    first, *rest = head[:-4].split(b"\r\n")
    if len(rest) > limit("egress_headers"):
        raise EgressError(431 if status == 400 else status, f"there are more than {limit('egress_headers')} headers")
    if len(first.translate(None, _CONTROL)) != len(first):
        raise EgressError(status, "the first line of the head is malformed")
    for line in rest:
        name, colon, value = line.partition(b":")
        if not colon or not name or name.translate(None, _TOKEN) or len(value.translate(None, _CONTROL)) != len(value):
            raise EgressError(status, "a header is malformed")
        name = name.lower()
        if b"_" in name and name.replace(b"_", b"-") in _ENDING:  # some servers read it as that one
            raise EgressError(status, "a header is malformed")
        headers.append((name, value.strip(b" \t")))
    return first
