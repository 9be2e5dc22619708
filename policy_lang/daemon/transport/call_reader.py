"""From bytes to calls: HTTP/1.1 by httptools (Node's llhttp, strict), everything bounded.

Only what a client of ours needs is taken: a length for every body, no other transfer coding, no upgrade.
"""

from __future__ import annotations

from collections.abc import Callable

import httptools

from ...domain.limits import limit
from ..api.http import HttpCall, HttpReply, refusal
from ..identity.principals import Caller
from .ports import Headers

_MOST_HEAD = limit("http_head_bytes")
_MOST_HEADERS = limit("http_headers")
_MOST_BODY = limit("body_bytes")
_ONCE = frozenset((b"host", b"authorization", b"content-length", b"content-type"))
"""Headers that may not be given twice: two readers could take different ones."""
_LONG = refusal("PLR218", f"the head of the call is longer than {_MOST_HEAD} bytes")


class CallReader:
    """Reads the calls of one peer. `on_call` takes each, and whether the connection may be kept behind it.

    `admit` is an endpoint's; `on_expect` is called when the peer waits for a `100 Continue`. `peer_now` says who is on
    the other side when a call is complete: over TCP that may not be known any more.
    """

    def __init__(
        self,
        peer: Caller,
        peer_now: Callable[[], Caller],
        admit: Callable[[bytes, Headers, Caller], HttpReply | None],
        on_call: Callable[[HttpCall, bool], None],
        on_expect: Callable[[], None],
    ) -> None:
        self._peer = peer
        self._peer_now = peer_now
        self._admit = admit
        self._on_call = on_call
        self._on_expect = on_expect
        self._parser = httptools.HttpRequestParser(self)
        self._reset()

    def _reset(self) -> None:
        self.begun = False
        """Whether a part of a call is there."""
        self._received = 0
        self._url = b""
        self._headers: dict[bytes, bytes] = {}
        self._count = 0
        self._head = 0
        self._body: list[bytes] = []
        self._in_body = False
        self._fault: HttpReply | None = None

    @property
    def identity(self) -> bytes:
        """What the call that is being read names itself, for its reply; empty when it does not."""
        return self._headers.get(b"x-request-id", b"")

    def feed(self, data: bytes) -> HttpReply | None:
        """Take bytes, in whatever pieces. The refusal of what is not a call; behind that nothing more is taken."""
        self.begun = True
        self._received += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            return refusal("PLR213", "the connection cannot be upgraded")
        except httptools.HttpParserError:
            return self._fault or refusal("PLR213", "this is not HTTP/1.1 as the service takes it")
        if not self._in_body and self.begun and self._received > _MOST_HEAD:
            return _LONG
        return None

    # the parser's side

    def on_message_begin(self) -> None:
        """A call begins; several may come in one piece."""
        if self.begun and self._url:
            self._reset()
        self.begun = True

    def on_url(self, url: bytes) -> None:
        """A part of the path."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        key = name.lower()
        self._count += 1
        self._head += len(name) + len(value) + 4
        if self._count > _MOST_HEADERS:
            self._stop(refusal("PLR218", f"more than {_MOST_HEADERS} headers"))
        if key in self._headers and key in _ONCE:
            self._stop(refusal("PLR213", f"the header `{key.decode('ascii', 'replace')}` is given twice"))
        before = self._headers.get(
            key
        )  # one list, as RFC 9110 (5.3) has it: no reader takes one, and another the other
        self._headers[key] = value if before is None else before + (b"; " if key == b"cookie" else b", ") + value

    def on_headers_complete(self) -> None:
        """The head is there: refuse now what would be refused anyway."""
        headers = self._headers
        method = self._parser.get_method()
        if self._head + len(self._url) + len(method) + 14 > _MOST_HEAD:
            self._stop(_LONG)
        if b"upgrade" in headers:
            self._stop(refusal("PLR213", "the connection cannot be upgraded"))
        if b"transfer-encoding" in headers:
            self._stop(refusal("PLR219", "a body comes with its length, in no other coding"))
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or len(length) > 12 or int(length) > _MOST_BODY:
            self._stop(refusal("PLR101", f"the body is longer than {_MOST_BODY} bytes"))
        refused = self._admit(method, headers, self._peer)
        if refused is not None:
            self._stop(refused)
        if self._parser.get_http_version() != "1.1":
            self._stop(refusal("PLR213", "this is not HTTP/1.1"))
        self._in_body = True
        if headers.get(b"expect", b"").lower() == b"100-continue":
            self._on_expect()

    def on_body(self, body: bytes) -> None:
        """A part of the body; the parser gives no more than its length."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """The whole call is there."""
        token = _token(self._headers.get(b"authorization", b""))
        peer = self._peer_now()
        caller = Caller(peer.uid, peer.gid, token, peer.user, peer.groups)
        path, _, query = self._url.decode("ascii", "replace").partition("?")
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        method = self._parser.get_method().decode("ascii", "replace")
        call = HttpCall(method, path, body, caller, query, self._headers)
        self._on_call(call, self._parser.should_keep_alive())
        self._reset()

    def _stop(self, answer: HttpReply) -> None:
        """Refuse from inside the parser: it stops at the exception."""
        self._fault = answer
        raise ValueError("refused")


def _token(header: bytes) -> str:
    kind, _, value = header.partition(b" ")
    if not header:
        return ""
    # another scheme is not a token of ours, and must not count as none
    return value.strip().decode("ascii", "replace") if kind.lower() == b"bearer" and value.strip() else "-"
