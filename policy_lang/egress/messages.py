"""Requests and replies of HTTP/1 as they are handed on: read strictly, written anew.

Framing is httptools' (Node's llhttp). What two readers could take differently is refused before it gets there: lines
that end otherwise, folded or unnamed headers, two lengths, a length beside chunks, another coding, another host.
"""

from __future__ import annotations

from typing import Final

import httptools

from ..domain.limits import limit
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
Headers = list[tuple[bytes, bytes]]


class HttpRequest:
    """A request for a proxy, from its whole head on; the body is taken by `feed`. Raises EgressError when malformed."""

    def __init__(self, head: bytes) -> None:
        self.headers: Headers = []
        self.complete = False
        """Whether all of the body was fed."""
        self._body: list[bytes] = []
        self._url = b""
        first = _lines(head, self.headers, 400)
        words = first.split(b" ")
        if len(words) != 3 or words[2] not in {b"HTTP/1.1", b"HTTP/1.0"} or words[1].translate(None, _VISIBLE):
            raise EgressError(400, "this is not a request of HTTP/1.1")
        self.version = words[2]
        self._target = words[1]
        self.method = words[0].decode("ascii", "replace")
        self._length = self._framing()
        if any(name == b"upgrade" and value.lower() not in _PASSED_OVER for name, value in self.headers):
            raise EgressError(501, "a connection cannot be upgraded here")
        self.peer, self.path = self._where()
        self._agree()
        self._parser = httptools.HttpRequestParser(self)
        ours = [b"%s: %s" % header for header in self.headers if header[0] not in _OF_THE_CONNECTION]
        try:
            self._parser.feed_data(b"\r\n".join((first, *ours, b"", b"")))
        except httptools.HttpParserUpgrade:  # how the parser says CONNECT
            pass
        except httptools.HttpParserError:
            raise EgressError(400, "this is not a request of HTTP/1.1") from None
        if self._url != self._target or self._parser.get_method() != words[0]:
            raise EgressError(400, "this is not a request of HTTP/1.1")

    @property
    def tunnel(self) -> bool:
        """True for CONNECT."""
        return self.method == "CONNECT"

    @property
    def url(self) -> str:
        """What is decided: a URL as the peer will understand it, without path for a tunnel."""
        if self.tunnel:
            return f"https://{self.peer.text}:{self.peer.port}"
        return f"http://{self._authority()}{self.path}"

    def onward(self) -> bytes:
        """The head as the peer gets it."""
        named = {
            part.strip(b" \t").lower() for n, value in self.headers if n == b"connection" for part in value.split(b",")
        }
        lines = [b"%s %s %s" % (self.method.encode(), self.path.encode(), self.version)]
        lines.append(b"Host: " + self._authority().encode())
        lines += [
            b"%s: %s" % (name, value)
            for name, value in self.headers
            if name not in named and name not in _OF_THE_CONNECTION and name not in _FRAMING
        ]
        if self._length:
            lines.append(b"%s: %s" % self._length)
        return b"\r\n".join((*lines, b"Connection: close", b"", b""))

    def feed(self, data: bytes) -> bytes:
        """Take more of the body; returns it framed as the head says. What follows the body is dropped.

        Raises EgressError for chunks that are malformed.
        """
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            if not self.complete:
                raise EgressError(400, "the body of the request is malformed") from None
        body, self._body = self._body, []
        if self._length is None or self._length[0] == b"Content-Length":
            return b"".join(body)
        end = b"0\r\n\r\n" if self.complete else b""
        return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in body) + end

    def _framing(self) -> tuple[bytes, bytes] | None:
        """The header that says how long the body is."""
        lengths = [value for name, value in self.headers if name == b"content-length"]
        codings = [value for name, value in self.headers if name == b"transfer-encoding"]
        if len(lengths) + len(codings) > 1:
            raise EgressError(400, "the request says more than once how long it is")
        if lengths:
            if not lengths[0].isdigit() or len(lengths[0]) > limit("integer_digits"):
                raise EgressError(400, "the length of the request is malformed")
            return b"Content-Length", lengths[0]
        if codings:
            if codings[0].lower() != b"chunked" or self.version != b"HTTP/1.1":
                raise EgressError(400, "the request has a transfer coding that is not taken")
            return b"Transfer-Encoding", b"chunked"
        return None

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

    def _agree(self) -> None:
        hosts = [value for name, value in self.headers if name == b"host"]
        if not hosts and self.version == b"HTTP/1.0":
            return
        if len(hosts) != 1:
            raise EgressError(400, "the request needs one `Host`")
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

    def on_body(self, body: bytes) -> None:
        """A part of the body, without its framing."""
        if not self.complete:
            self._body.append(body)

    def on_message_complete(self) -> None:
        """The request ends here."""
        self.complete = True


def reply_head(head: bytes) -> tuple[int, bytes]:
    """The status of a reply, and its head as the client gets it. Raises EgressError when malformed."""
    headers: Headers = []
    first = _lines(head, headers, 502)
    version, _, rest = first.partition(b" ")
    code, _, phrase = rest.partition(b" ")
    if version not in {b"HTTP/1.1", b"HTTP/1.0"} or len(code) != 3 or not code.isdigit() or code < b"100":
        raise EgressError(502, "the host does not answer in HTTP/1.1")
    if code == b"101":
        raise EgressError(502, "the host has upgraded a connection that nobody wanted upgraded")
    lines = [b"%s: %s" % (name, value) for name, value in headers if name not in _OF_THE_CONNECTION - {b"trailer"}]
    if code >= b"200":
        lines.append(b"Connection: close")
    return int(code), b"\r\n".join((b"%s %s %s" % (version, code, phrase), *lines, b"", b""))


def refusal_page(status: int, phrase: str, reason: str, *, head_only: bool = False) -> bytes:
    """A reply of our own, as plain text. The status line has the reason too: many clients show nothing else."""
    body = f"{' '.join(reason.split())[: limit('egress_reason_characters')]}\n".encode("utf-8", "replace")
    shown = "".join(c if c.isascii() and c.isprintable() else "?" for c in body.decode()[:200].rstrip("\n"))
    lines = (
        f"HTTP/1.1 {status} {phrase}: {shown}",
        "Content-Type: text/plain; charset=utf-8",
        f"Content-Length: {len(body)}",
        "Connection: close",
    )
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode("ascii") + (b"" if head_only else body)


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
        headers.append((name.lower(), value.strip(b" \t")))
    return first
