"""What is within TLS, decided by mitmproxy's help: methods, paths, credentials, pushes. Real sockets, real programs."""

from __future__ import annotations

import base64
import contextlib
import gzip
import http.server
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

from policy_lang.domain.limits import limit
from policy_lang.domain.request import Request
from policy_lang.egress import interception as made_by
from policy_lang.egress.credentials import Credentials, credential
from policy_lang.egress.interception import Interception, InterceptionError, find_program
from policy_lang.egress.port import Ruling
from tests.egress.git_backend import GitBackend
from tests.egress.outside import Decider, Door, Server, certificate, proxy, read_all, read_until, tls
from tests.egress.test_proxy import wait_for
from tests.needs import needs, require

require("httptools", "cryptography")
PROGRAM = find_program()
CURL = shutil.which("curl")
pytestmark = needs("mitmproxy is not installed", there=PROGRAM is not None)
SECRET = "ghp_0123456789abcdefABCDEF"
ADDRESSES = {"site.test": ["127.0.0.1"], "other.test": ["127.0.0.1"], "pinned.test": ["127.0.0.1"]}


class Site:
    """A server behind TLS that answers as its `answers` say, by path; otherwise with what it was sent."""

    def __init__(self, pem: Path) -> None:
        self.answers: dict[str, bytes] = {}
        self.server = Server(tls(pem, self._serve))
        self.port = self.server.port
        self.seen: list[bytes] = []

    def _serve(self, _: Server, sock: socket.socket) -> None:
        head = read_until(sock, b"\r\n\r\n")
        if not head:
            return
        self.seen.append(head)
        path = head.split(b" ")[1].decode("latin-1").partition("?")[0]
        body = b"you sent:\n" + head
        whole = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body
        sock.sendall(self.answers.get(path, whole))


class Refs:
    """Decides pushes, and notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.granted: set[tuple[str, str]] = set()

    def __call__(self, request: Request) -> Ruling:
        asked = (request.action, str(request.resource))
        self.asked.append(asked)
        return Ruling("allow") if asked in self.granted else Ruling("deny", f"no `{request.action}` there")


class Place:
    """A running interception behind a proxy, and what lies beyond."""

    def __init__(self, folder: Path) -> None:
        pem = certificate(folder, "site.test", "other.test", "pinned.test")
        self.site = Site(pem)
        self.folder = folder
        self.trusted = folder / "trusted.pem"
        self.trusted.write_text(
            pem.read_text().partition("-----BEGIN CERTIFICATE")[1]
            + pem.read_text().partition("-----BEGIN CERTIFICATE")[2]
        )
        self.decide = Decider(lambda url, method, _: "secret" not in url and method != "DELETE")
        self.refs = Refs()
        self.token = credential("TOKEN", SECRET)
        self.told: list[str] = []
        self.sent: list[tuple[str, str]] = []
        self.interception = Interception(
            self.decide, self.refs, resolve=lambda name, _: ADDRESSES[name],
            credentials=Credentials([self.token], self._goes), remotes=lambda url: ("origin",) if "known" in url else (),
            pinned=["pinned.test"], trusted=str(self.trusted), tell=self.told.append,
        )  # fmt: skip
        self.interception.start()
        self.authorities = folder / "authorities.pem"
        self.authorities.write_text(self.interception.authorities)

    def _goes(self, name: str, destination: str) -> str:
        self.sent.append((name, destination))
        return "" if destination.startswith("site.test:") else f"`{name}` may not go to `{destination}`"

    def secure(
        self, door: Door, host: str = "site.test", *, name: str | None = None, alpn: list[str] | None = None
    ) -> ssl.SSLSocket:
        """TLS with what stands for a host, through a tunnel."""
        context = ssl.create_default_context(cafile=str(self.authorities))
        if alpn:
            context.set_alpn_protocols(alpn)
        return context.wrap_socket(door.tunnel(f"{host}:{self.site.port}"), server_hostname=name or host)

    def ask(self, door: Door, head: str, host: str = "site.test") -> bytes:
        """All that comes back for a request within TLS."""
        lines = head.format(port=self.site.port).split("\n")
        with self.secure(door, host) as sock:
            sock.sendall("\r\n".join([*lines, "Connection: close", "", ""]).encode())
            return read_all(sock)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    made = Place(tmp_path_factory.mktemp("intercepted"))
    yield made
    made.interception.stop()
    made.site.server.close()


@pytest.fixture
def door(place: Place) -> Iterator[Door]:
    place.site.seen.clear()
    place.decide.asked.clear()
    place.refs.asked.clear()
    place.refs.granted.clear()
    place.sent.clear()
    with proxy(place.decide, ADDRESSES, interception=place.interception) as made:
        yield made


# decisions


def test_methods_and_paths_are_decided(place: Place, door: Door) -> None:
    port = place.site.port
    assert b"you sent:\nGET /a?b=c HTTP/1.1" in place.ask(door, "GET /a?b=c HTTP/1.1\nHost: site.test:{port}")
    url = f"https://site.test:{port}/a?b=c"
    assert place.decide.asked == [(url, "GET", ()), (url, "GET", ("127.0.0.1",))]
    refused = place.ask(door, "DELETE /a HTTP/1.1\nHost: site.test:{port}")
    assert refused.startswith(b"HTTP/1.1 403")
    assert b"rule `x` says so" in refused
    assert b"proxy-status: policy-lang; error=http_request_denied" in refused.lower()
    assert b"403" in place.ask(door, "GET /secret HTTP/1.1\nHost: site.test:{port}")
    assert len(place.site.seen) == 1


def test_several_requests_on_one_connection(place: Place, door: Door) -> None:
    place.site.answers["/kept"] = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nkept"
    with place.secure(door) as sock:
        host = f"Host: site.test:{place.site.port}\r\n"
        sock.sendall(f"GET /kept HTTP/1.1\r\n{host}\r\n".encode())
        assert read_until(sock, b"kept")
        sock.sendall(f"GET /secret HTTP/1.1\r\n{host}\r\n".encode())
        assert b"403 Forbidden" in read_until(sock, b"\r\n\r\n")
        sock.sendall(f"GET /after HTTP/1.1\r\n{host}Connection: close\r\n\r\n".encode())
        assert b"GET /after" in read_all(sock)
    assert [head.split(b" ")[1] for head in place.site.seen] == [b"/kept", b"/after"]


@pytest.mark.parametrize(
    "head",
    [
        "GET / HTTP/1.1\nHost: other.test:{port}",
        "GET / HTTP/1.1\nHost: site.test:1",
        "GET / HTTP/1.1\nX: y",
        "GET https://other.test:{port}/ HTTP/1.1\nHost: other.test:{port}",
        "GET / HTTP/1.1\nHost: site.test:{port}\nHost: other.test:{port}",
        "CONNECT other.test:{port} HTTP/1.1\nHost: other.test:{port}",
        "GET / HTTP/1.1\nHost: site.test@other.test:{port}",
        "GET https://other.test:{port}/ HTTP/1.1\nHost: site.test:{port}",
        "GET @other.test/ HTTP/1.1\nHost: site.test:{port}",
        "GET ?other.test HTTP/1.1\nHost: site.test:{port}",
        "OPTIONS * HTTP/1.1\nHost: site.test:{port}\nX: other.test",
        "POST / HTTP/1.1\nHost: site.test:{port}\nX-HTTP-Method-Override: DELETE\nX: other.test",
        "GET / HTTP/1.1\nHost: site.test:{port}.other.test",
        "get / HTTP/1.1\nHost: site.test:{port}\nX: other.test",
        "GET /a#/../other.test HTTP/1.1\nHost: site.test:{port}",
        "POST / HTTP/1.1\nHost: site.test:{port}\nX_HTTP_Method_Override: DELETE\nX: other.test",
        "GET / HTTP/1.1\nHost: site.test:{port}\nX-Original-URL: /other.test",
        "GET / HTTP/1.1\nHost: site.test:{port}\nX: a\rother.test",
    ],
)
def test_a_request_for_another_host_goes_nowhere(place: Place, door: Door, head: str) -> None:
    said = place.ask(door, head)
    assert not said.startswith(b"HTTP/1.1 2")
    assert not any(b"other.test" in seen for seen in place.site.seen)


@pytest.mark.parametrize(
    "head",
    [
        "POST /a HTTP/1.1\nHost: site.test:{port}\nContent-Length: 5\nTransfer-Encoding: chunked",
        "POST /a HTTP/1.1\nHost: site.test:{port}\nContent-Length: 5\nContent-Length: 6",
        "POST /a HTTP/1.1\nHost: site.test:{port}\nTransfer-Encoding: xchunked",
        "POST /a HTTP/1.1\nHost: site.test:{port}\nTransfer-Encoding: chunked, identity",
        "POST /a HTTP/1.1\nHost: site.test:{port}\nContent-Length: +5",
        "GET /a HTTP/1.1\nHost: site.test:{port}\nX : y",
        "GET /a HTTP/1.1\nHost: site.test:{port}\n X: folded",
    ],
)
def test_nothing_is_smuggled_within_tls(place: Place, door: Door, head: str) -> None:
    smuggled = "\n\n0\n\nGET /smuggled HTTP/1.1\nHost: site.test:{port}\n"
    with place.secure(door) as sock:
        sock.sendall("\r\n".join((head + smuggled).format(port=place.site.port).split("\n")).encode() + b"\r\n\r\n")
        sock.settimeout(5)
        with contextlib.suppress(TimeoutError):
            read_all(sock)
    reached = [seen for seen in place.site.seen if b"/smuggled" in seen.split(b"\r\n")[0]]
    asked = [url for url, _, _ in place.decide.asked if "smuggled" in url]
    assert not reached or asked  # whatever a server takes for a request was decided as one


def frame(kind: int, flags: int, body: bytes) -> bytes:
    """A frame of HTTP/2 of the first stream; without a body, of the connection (RFC 9113 4.1)."""
    return len(body).to_bytes(3, "big") + bytes([kind, flags]) + (1 if body else 0).to_bytes(4, "big") + body


def literals(*fields: tuple[str, str]) -> bytes:
    """Headers as HPACK has them when it saves nothing (RFC 7541 6.2.2)."""
    return b"".join(b"\0" + bytes([len(n)]) + n.encode() + bytes([len(v)]) + v.encode() for n, v in fields)


def ask_by_http_2(place: Place, door: Door, *more: tuple[str, str], body: bytes = b"", **pseudo: str) -> bytes:
    fields = {"method": "GET", "scheme": "https", "authority": f"site.test:{place.site.port}", "path": "/a", **pseudo}
    head = literals(*((f":{name}", value) for name, value in fields.items()), *more)
    frames = frame(4, 0, b"") + frame(1, 4 if body else 5, head) + (frame(0, 1, body) if body else b"")
    with place.secure(door, alpn=["h2"]) as sock:
        assert sock.selected_alpn_protocol() == "h2"
        sock.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frames)
        said = b""
        with contextlib.suppress(OSError):
            while not ended(said) and (part := sock.recv(65536)):
                said += part
    return said


def ended(said: bytes) -> bool:
    """Whether frames of HTTP/2 end the stream, or the connection."""
    while len(said) >= 9:
        size, kind, flags = int.from_bytes(said[:3], "big"), said[3], said[4]
        if len(said) >= 9 + size and ((kind in {0, 1} and flags & 1) or kind in {3, 7}):
            return True
        said = said[9 + size :]
    return False


SECOND = "GET /secret HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    ("more", "pseudo"),
    [
        ((("x", f"y\r\n\r\n{SECOND}z"),), {}),
        ((("x", "y\nz: a"),), {}),
        ((("x", "y\0"),), {}),
        ((), {"method": SECOND + "GET"}),
        ((), {"method": "get"}),
        ((), {"path": f"/a HTTP/1.1\r\n\r\n{SECOND}"}),
        ((), {"path": "/a#/../b"}),
    ],
)
def test_no_line_ends_within_what_http_2_carries(
    place: Place, door: Door, more: tuple[tuple[str, str], ...], pseudo: dict[str, str]
) -> None:
    ask_by_http_2(place, door, *more, **pseudo)
    assert not place.site.seen
    ask_by_http_2(place, door)
    assert len(place.site.seen) == 1


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "REPORT"])
def test_a_body_without_a_length_is_no_second_request(place: Place, door: Door, method: str) -> None:
    """HTTP/2 needs no length, HTTP/1.1 does."""
    got = bytearray()
    whole = threading.Event()

    def serve(_: Server, sock: socket.socket) -> None:
        got.extend(read_until(sock, b"\r\n\r\n"))
        if b"chunked" in got:
            got.extend(read_until(sock, b"0\r\n\r\n"))
        sock.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        got.extend(read_all(sock))
        whole.set()

    server = Server(tls(place.folder / "site.pem", serve))
    place.site.port, port = server.port, place.site.port
    try:
        with contextlib.suppress(OSError):
            ask_by_http_2(place, door, method=method, body=SECOND.encode())
        assert whole.wait(20)
    finally:
        place.site.port = port
        server.close()
    head, _, rest = bytes(got).partition(b"\r\n\r\n")
    if b"transfer-encoding: chunked" in head:
        assert rest == b"%x\r\n%s\r\n0\r\n\r\n" % (len(SECOND), SECOND.encode())
    else:
        assert rest == b""


def test_what_cannot_be_understood_is_not_passed_on(place: Place, door: Door) -> None:
    """Also behind a request for the same host that was: mitmproxy goes on when a hook of its fails."""
    place.site.answers["/kept"] = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nkept"
    with place.secure(door) as sock:
        sock.sendall(f"GET /kept HTTP/1.1\r\nHost: site.test:{place.site.port}\r\n\r\n".encode())
        assert read_until(sock, b"kept")
        sock.sendall("GET /secret HTTP/1.1\r\nHost: site.test:²\r\nConnection: close\r\n\r\n".encode())
        read_all(sock)
    assert [head.split(b" ")[1] for head in place.site.seen] == [b"/kept"]


def test_a_hook_that_fails_ends_what_it_was_about() -> None:
    import asyncio

    from policy_lang.egress.interceptor import Interceptor

    class Flow:
        killable = True
        killed = 0

        def kill(self) -> None:
            self.killed += 1

    one, flow = Interceptor(), Flow()  # which has no request to look at
    for hook in (one.requestheaders, one.request):
        asyncio.run(hook(flow))
    for look in (one.responseheaders, one.response, one.websocket_message):
        look(flow)
    assert flow.killed == 5


def test_the_server_name_is_the_host(place: Place, door: Door) -> None:
    with pytest.raises((ssl.SSLError, ConnectionError)):
        place.secure(door, name="other.test")
    assert not place.site.seen


def test_only_http_is_passed_on(place: Place, door: Door) -> None:
    with place.secure(door) as sock:
        sock.sendall(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
        sock.settimeout(20)
        said = read_all(sock)
    assert b"SSH" not in said.split(b"\r\n")[0]
    assert not place.site.seen


def test_a_host_that_does_not_show_itself(place: Place, door: Door, tmp_path: Path) -> None:
    stranger = Server(tls(certificate(tmp_path, "site.test"), lambda *_: None))
    with ssl.create_default_context(cafile=str(place.authorities)).wrap_socket(
        door.tunnel(f"site.test:{stranger.port}"), server_hostname="site.test"
    ) as sock:
        sock.sendall(f"GET / HTTP/1.1\r\nHost: site.test:{stranger.port}\r\nConnection: close\r\n\r\n".encode())
        assert b"502" in read_all(sock).split(b"\r\n")[0]
    stranger.close()


def test_a_pinned_host_keeps_its_tls(place: Place, door: Door) -> None:
    context = ssl.create_default_context(cafile=str(place.trusted))
    port = place.site.port
    with context.wrap_socket(door.tunnel(f"pinned.test:{port}"), server_hostname="pinned.test") as sock:
        sock.sendall(b"GET /pinned HTTP/1.1\r\nConnection: close\r\n\r\n")
        assert b"GET /pinned" in read_all(sock)
    assert place.decide.asked[-1] == (f"https://pinned.test:{port}", None, ("127.0.0.1",))


def test_a_client_that_does_not_trust_it(place: Place, door: Door) -> None:
    context = ssl.create_default_context(cafile=str(place.trusted))
    with pytest.raises(ssl.SSLError):
        context.wrap_socket(door.tunnel(f"site.test:{place.site.port}"), server_hostname="site.test")
    wait_for(lambda: any("`--pinned site.test`" in text for text in place.told))
    assert not place.site.seen


def test_plain_http_is_decided_as_before(place: Place, door: Door) -> None:
    server = Server(
        lambda s, sock: (
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") if read_until(sock, b"\r\n\r\n") else None
        )
    )
    assert b"ok" in door.ask(
        f"GET http://site.test:{server.port}/a HTTP/1.1\r\nHost: site.test:{server.port}\r\nConnection: close\r\n\r\n".encode()
    )
    server.close()


def test_its_port_takes_nobody_else(place: Place) -> None:
    with socket.create_connection(("127.0.0.1", place.interception._port), timeout=20) as sock:
        sock.sendall(f"CONNECT site.test:{place.site.port} HTTP/1.1\r\nHost: site.test\r\n\r\n".encode())
        assert b" 407 " in sock.recv(1000)
    folder = Path(place.interception._folder)
    assert folder.stat().st_mode & 0o077 == 0
    assert not place.site.seen


@needs("curl is not installed", there=CURL is not None)
def test_curl_by_http_2_and_by_socks(place: Place, door: Door) -> None:
    def curl(*words: str) -> str:
        command = [str(CURL), "-sS", "--max-time", "20", "--noproxy", "", "--cacert", str(place.authorities), *words]
        done = subprocess.run(command, capture_output=True, text=True, env={}, check=False)
        return done.stdout + done.stderr

    port = place.site.port
    through = ["-x", f"http://127.0.0.1:{door.port}"]
    assert "GET /two" in curl(*through, "--http2", f"https://site.test:{port}/two")
    assert "rule `x` says so" in curl(*through, "--http2", "-X", "DELETE", f"https://site.test:{port}/two")
    assert "GET /socks" in curl("-x", f"socks5h://127.0.0.1:{door.port}", f"https://site.test:{port}/socks")
    assert "rule `x` says so" in curl("-x", f"socks5h://127.0.0.1:{door.port}", f"https://site.test:{port}/secret")


def test_a_websocket_is_decided_as_its_request(place: Place, door: Door) -> None:
    key = base64.b64encode(b"0" * 16).decode()
    upgrade = (
        "GET /{} HTTP/1.1\nHost: site.test:{{port}}\nUpgrade: websocket\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: "
        + key
    )
    assert b"403" in place.ask(door, upgrade.format("secret"))
    assert not place.site.seen


# credentials


@pytest.mark.parametrize(
    "header",
    ["Authorization: Bearer {}", "authorization: token {}", "X-Api-Key: {}", "Private-Token: {}", "X-Vault-Token: {}"],
)
def test_a_secret_stands_where_its_placeholder_stood(place: Place, door: Door, header: str) -> None:
    said = place.ask(door, "GET /me HTTP/1.1\nHost: site.test:{port}\n" + header.format(place.token.placeholder))
    assert SECRET.encode() in place.site.seen[-1]
    assert SECRET.encode() not in said
    assert place.token.placeholder.encode() in said
    assert place.sent == [("TOKEN", f"site.test:{place.site.port}")]


def test_basic_authentication(place: Place, door: Door) -> None:
    def basic(word: str) -> str:
        return base64.b64encode(f"x-access-token:{word}".encode()).decode()

    said = place.ask(
        door, "GET /me HTTP/1.1\nHost: site.test:{port}\nAuthorization: Basic " + basic(place.token.placeholder)
    )
    assert basic(SECRET).encode() in place.site.seen[-1]
    assert basic(SECRET).encode() not in said
    assert basic(place.token.placeholder).encode() in said


@pytest.mark.parametrize(
    "line",
    [
        "User-Agent: {}", "Cookie: a={}", "Referer: https://site.test/{}", "X-Note: {}", "X-Amz-Meta-Token: {}",
        "Idempotency-Key: {}", "Surrogate-Key: {}",
    ],
)  # fmt: skip
def test_other_headers_keep_the_placeholder(place: Place, door: Door, line: str) -> None:
    place.ask(door, "GET /x HTTP/1.1\nHost: site.test:{port}\n" + line.format(place.token.placeholder))
    assert place.token.placeholder.encode() in place.site.seen[-1]
    assert SECRET.encode() not in place.site.seen[-1]


def test_bodies_and_urls_keep_the_placeholder(place: Place, door: Door) -> None:
    with place.secure(door) as sock:
        body = place.token.placeholder
        sock.sendall(
            f"POST /p?t={body} HTTP/1.1\r\nHost: site.test:{place.site.port}\r\nConnection: close\r\n"
            f"Authorization: Bearer {body}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        read_all(sock)
    assert f"/p?t={body}".encode() in place.site.seen[-1]
    assert place.site.seen[-1].count(SECRET.encode()) == 1


def test_a_secret_goes_to_no_other_host(place: Place, door: Door) -> None:
    for head in (
        "Authorization: Bearer {}",
        "Authorization: Basic " + base64.b64encode(f"u:{place.token.placeholder}".encode()).decode(),
    ):
        text = "GET /me HTTP/1.1\nHost: other.test:{port}\n" + head.format(place.token.placeholder)
        said = place.ask(door, text, "other.test")
        assert b"403" in said
        assert b"`TOKEN` may not go to `other.test" in said
    assert not place.site.seen


def answers(secret: bytes) -> dict[str, bytes]:
    """Answers that give a secret back in several ways."""
    packed = gzip.compress(b"<" + secret + b">")
    halves = (secret[:9], secret[9:])
    plain = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
    return {
        "/body": plain + b"Content-Length: %d\r\n\r\n" % (len(secret) + 2) + b"<" + secret + b">",
        "/open": plain + b"\r\n<" + secret + b">",
        "/chunks": plain
        + b"Transfer-Encoding: chunked\r\n\r\n"
        + b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (b"<", *halves, b">"))
        + b"0\r\n\r\n",
        "/gzip": plain + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed,
        "/header": plain + b"X-Token: " + secret + b"\r\nContent-Length: 2\r\n\r\n<>",
        "/location": b"HTTP/1.1 302 Found\r\nConnection: close\r\nLocation: https://x/?t="
        + secret
        + b"\r\nContent-Length: 2\r\n\r\n<>",
        "/base64": plain + b"\r\n<" + base64.b64encode(b"u:" + secret) + b">",
        "/named": plain + b"X-" + secret + b": 1\r\nContent-Length: 2\r\n\r\n<>",
        "/reason": b"HTTP/1.1 200 " + secret + b"\r\nConnection: close\r\nContent-Length: 2\r\n\r\n<>",
        "/trailer": plain + b"Transfer-Encoding: chunked\r\n\r\n3\r\n<>\n\r\n0\r\nX-End: " + secret + b"\r\n\r\n",
        "/within": plain + b"\r\n<" + b"".join(base64.b64encode(b"x" * n + secret + b"y") for n in range(4)) + b">",
        "/hex": plain + b"\r\n<" + secret.hex().encode() + b">",
        "/often": plain + b"\r\n<" + b" ".join([secret] * 5000) + b">",
    }


def unreadable(secret: bytes) -> dict[str, bytes]:
    """Answers that hold a secret and cannot be read, or are malformed."""
    plain = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
    packed = gzip.compress(secret)
    return {
        "/packed-on-the-way": plain + b"Transfer-Encoding: gzip\r\n\r\n" + packed,
        "/packed-in-chunks": plain
        + b"Transfer-Encoding: gzip, chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(packed), packed),
        "/part": b"HTTP/1.1 206 Partial Content\r\nConnection: close\r\n\r\n" + secret[:9],
        "/twice": plain + b"Content-Encoding: gzip, gzip\r\n\r\n" + gzip.compress(packed),
        "/cut": plain + b"X: " + secret + b"\r\n",
        "/length": plain + b"Content-Length: " + secret + b"\r\n\r\n",
        "/transfer": plain + b"Transfer-Encoding: " + secret + b"\r\n\r\n",
        "/line": b"HTTP/1.1 200 OK\r\n" + secret + b"\r\n\r\n",
        "/version": b"HTTP/1." + secret + b" 200 OK\r\n\r\n",
    }


@pytest.mark.parametrize("path", unreadable(b""))
def test_an_answer_that_cannot_be_read_tells_nothing(place: Place, door: Door, path: str) -> None:
    place.site.answers.update(unreadable(SECRET.encode()))
    token = place.token.placeholder
    said = place.ask(door, f"GET {path} HTTP/1.1\nHost: site.test:{{port}}\nAuthorization: Bearer {token}")
    assert len(place.site.seen) == 1
    assert SECRET[:9].encode() not in said
    assert b"\x1f\x8b" not in said


def test_an_answer_that_grows_when_it_is_unpacked() -> None:
    from policy_lang.egress import interceptor

    headers = {"content-encoding": "gzip"}
    for more in (0, 1):
        packed = gzip.compress(bytes(interceptor._UNPACKED + more), 1)
        answer = types.SimpleNamespace(headers=headers, status_code=200, raw_content=packed)
        with contextlib.nullcontext() if not more else pytest.raises(ValueError):
            assert len(interceptor._unpacked(answer)) == interceptor._UNPACKED


def test_a_later_answer_holds_no_secret(place: Place, door: Door) -> None:
    """A host may tell later what it was sent before."""
    place.site.answers["/log"] = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<" + SECRET.encode() + b">"
    place.ask(door, f"GET /me HTTP/1.1\nHost: site.test:{{port}}\nAuthorization: Bearer {place.token.placeholder}")
    said = place.ask(door, "GET /log HTTP/1.1\nHost: site.test:{port}\nRange: bytes=0-9\nTE: gzip")
    assert f"<{place.token.placeholder}>".encode() in said
    assert b"range:" not in place.site.seen[-1].lower()
    assert b"te:" not in place.site.seen[-1].lower()
    place.ask(door, "GET /log HTTP/1.1\nHost: site.test:{port}\nTE: trailers")
    assert b"te: trailers" in place.site.seen[-1].lower()


def test_how_an_answer_is_cut_does_not_tell_how_a_secret_begins() -> None:
    from policy_lang.egress.interceptor import _forms, _Redactor

    for guess in (SECRET[:9], "ghp_99999", "?" * 9):
        one = _Redactor(_forms(SECRET, "ghp_" + "p" * 18))
        assert [len(part) for part in one(b"x " * 99 + guess.encode())] == [198]
        assert one(b"") == [guess.encode()]


@pytest.mark.parametrize("path", answers(b""))
def test_what_comes_back_holds_no_secret(place: Place, door: Door, path: str) -> None:
    place.site.answers.update(answers(SECRET.encode()))
    basic = base64.b64encode(f"u:{place.token.placeholder}".encode()).decode()
    value = f"Basic {basic}" if path == "/base64" else f"Bearer {place.token.placeholder}"
    said = place.ask(door, f"GET {path} HTTP/1.1\nHost: site.test:{{port}}\nAuthorization: {value}")
    assert SECRET.encode() not in said
    assert SECRET.encode().hex().encode() not in said
    assert base64.b64encode(f"u:{SECRET}".encode()) not in said
    assert not [n for n in range(4) if base64.b64encode(b"x" * n + SECRET.encode() + b"y")[8:20] in said]
    head, _, body = said.partition(b"\r\n\r\n")
    if b"gzip" in head.lower():
        body = gzip.decompress(body)
    if b"chunked" in head.lower():
        body = re.sub(rb"(?:^|\r\n)[0-9a-f]+\r\n", b"", body)
    assert b"<" in body
    assert b">" in body
    assert b"accept-encoding: identity" in place.site.seen[-1].lower()


def test_no_part_is_asked_for(place: Place, door: Door) -> None:
    """Half a secret is none that is looked for."""
    token = place.token.placeholder
    place.ask(door, f"GET /x HTTP/1.1\nHost: site.test:{{port}}\nRange: bytes=0-9\nAuthorization: Bearer {token}")
    assert b"range:" not in place.site.seen[-1].lower()
    place.ask(door, "GET /x HTTP/1.1\nHost: other.test:{port}\nRange: bytes=0-9", "other.test")
    assert b"range:" in place.site.seen[-1].lower()


def test_a_long_body_that_is_refused_is_broken_off(place: Place, door: Door) -> None:
    for framing in ("Content-Length: 100000000", "Transfer-Encoding: chunked"):
        with place.secure(door) as sock:
            sock.sendall(f"POST /secret HTTP/1.1\r\nHost: site.test:{place.site.port}\r\n{framing}\r\n\r\n".encode())
            assert read_all(sock) == b""
    assert not place.site.seen


def test_pushes_at_once(place: Place, door: Door) -> None:
    from policy_lang.egress import interceptor

    head = f"POST /r/git-receive-pack HTTP/1.1\r\nHost: site.test:{place.site.port}\r\nContent-Length: 50\r\n\r\n"
    with contextlib.ExitStack() as stack:
        for number in range(interceptor._PUSHES + 1):
            sock = stack.enter_context(place.secure(door))
            sock.sendall(head.encode())
            wait_for(lambda n=number: len(place.decide.asked) > 2 * n)
        sock.sendall(b"0" * 50)
        assert b"503" in read_until(sock, b"\r\n").split(b"\r\n")[0]
    wait_for(
        lambda: (
            b"403" in place.ask(door, "POST /r/git-receive-pack HTTP/1.1\nHost: site.test:{port}\nContent-Length: 0")
        )
    )
    assert not place.site.seen


def test_what_cannot_be_read_is_not_passed_on(place: Place, door: Door) -> None:
    text = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\nnot gzip!"
    place.site.answers["/broken"] = text
    said = place.ask(
        door, f"GET /broken HTTP/1.1\nHost: site.test:{{port}}\nAuthorization: Bearer {place.token.placeholder}"
    )
    assert b"502" in said.split(b"\r\n")[0]


def test_an_answer_comes_as_it_is_sent(place: Place, door: Door, tmp_path: Path) -> None:
    """The words of a model are not kept until the last."""
    more = threading.Event()

    def slow(_: Server, sock: socket.socket) -> None:
        read_until(sock, b"\r\n\r\n")
        sock.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n" + b"first." * 10
        )
        more.wait(20)
        sock.sendall(b"last.")

    server = Server(tls(place.folder / "site.pem", slow))
    context = ssl.create_default_context(cafile=str(place.authorities))
    with context.wrap_socket(door.tunnel(f"site.test:{server.port}"), server_hostname="site.test") as sock:
        token = place.token.placeholder
        sock.sendall(
            f"GET /s HTTP/1.1\r\nHost: site.test:{server.port}\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
        )
        assert read_until(sock, b"first.")
        more.set()
        assert b"last." in read_all(sock)
    server.close()


# pushes


@pytest.fixture(scope="module")
def hub(place: Place) -> Iterator[tuple[Path, int]]:
    folder = place.folder / "hub"
    folder.mkdir()
    for name in ("known.git", "other.git"):
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", name], cwd=folder, check=True)
        subprocess.run(["git", "config", "http.receivepack", "true"], cwd=folder / name, check=True)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Hub", (GitBackend,), {"root": str(folder)}))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(place.folder / "site.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, server.server_port
    server.shutdown()
    server.server_close()


class Clone:
    """A repository with two commits, whose remote lies behind the proxy."""

    def __init__(self, folder: Path, place: Place, door: Door, url: str) -> None:
        self.folder = folder / "clone"
        self.folder.mkdir()
        self.environment = {
            "PATH": os.environ["PATH"], "HOME": str(folder), "https_proxy": f"http://127.0.0.1:{door.port}", "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_SSL_CAINFO": str(place.authorities), "GIT_TERMINAL_PROMPT": "0", "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b",
            "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b",
        }  # fmt: skip
        self.git("init", "-q", "-b", "main")
        self.git("remote", "add", "origin", url)
        for text in ("one", "two"):
            self.commit(text)

    def git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", *words], cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        return done.stdout + done.stderr

    def commit(self, text: str, *words: str) -> None:
        (self.folder / text).write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", text, *words)


def test_pushes_are_decided_by_what_they_do(place: Place, door: Door, hub: tuple[Path, int], tmp_path: Path) -> None:
    folder, port = hub
    clone = Clone(tmp_path, place, door, f"https://site.test:{port}/known.git")
    branch = ("push", "origin:refs/heads/agent/1")

    def refs() -> str:
        return subprocess.run(
            ["git", "for-each-ref", "--format=%(refname)"],
            cwd=folder / "known.git",
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    refused = clone.git("push", "origin", "main")
    assert "[remote rejected] main -> main (no `push` there)" in refused, refused
    assert refs() == ""
    assert not list((folder / "known.git/objects").glob("??"))  # no object has gone there
    place.refs.granted = {branch}
    assert "new branch" in clone.git("push", "origin", "main:agent/1")
    clone.commit("three")
    assert "main -> agent/1" in clone.git("push", "origin", "main:agent/1")
    clone.commit("four", "--amend")
    refused = clone.git("push", "-f", "origin", "main:agent/1")
    assert "[remote rejected]" in refused
    assert "no `force-push` there; the commits that are sent do not show" in refused
    place.refs.granted.add(("force-push", branch[1]))
    assert "forced update" in clone.git("push", "-f", "origin", "main:agent/1")
    assert "no `delete-ref` there" in clone.git("push", "origin", ":agent/1")
    both = clone.git("push", "origin", "main:agent/1", "main:agent/2")
    assert "another ref of the same push is refused" in both or "agent/2 (no `push` there)" in both
    assert refs() == "refs/heads/agent/1\n"
    place.refs.granted.add(("delete-ref", branch[1]))
    assert "[deleted]" in clone.git("push", "origin", ":agent/1")


def test_a_server_that_no_remote_names(place: Place, door: Door, hub: tuple[Path, int], tmp_path: Path) -> None:
    clone = Clone(tmp_path, place, door, f"https://site.test:{hub[1]}/other.git")
    place.refs.granted = {("push", "origin:refs/heads/main")}
    assert "[remote rejected]" in clone.git("push", "origin", "main")
    assert place.refs.asked == [("push", "*:refs/heads/main")]
    place.refs.granted = {("push", "*:refs/heads/main")}
    assert "new branch" in clone.git("push", "origin", "main")


@pytest.mark.parametrize(
    "path",
    [
        "/known.git/git%2Dreceive-pack",
        "/known.git/%2567it-receive-pack",
        "//known.git/git-receive-pack/",
        "/x/git-receive-pack;a",
        "/known.git/GIT-Receive-Pack",
        "/known.git\\git-receive-pack",
        "/known.git/?service=git-receive-pack",
    ],
)
def test_a_push_by_another_path_is_one_as_well(place: Place, door: Door, path: str) -> None:
    with place.secure(door) as sock:
        sock.sendall(
            f"POST {path} HTTP/1.1\r\nHost: site.test:{place.site.port}\r\nConnection: close\r\nContent-Length: 4\r\n\r\nPACK".encode()
        )
        assert b"403" in read_all(sock).split(b"\r\n")[0]
    assert not place.site.seen


def test_a_push_that_is_packed_once_more(place: Place, door: Door) -> None:
    body = gzip.compress(b"0000")
    with place.secure(door) as sock:
        head = f"POST /known.git/git-receive-pack HTTP/1.1\r\nHost: site.test:{place.site.port}\r\nConnection: close\r\nContent-Encoding: gzip\r\n"
        sock.sendall(head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        assert b"415" in read_all(sock).split(b"\r\n")[0]
    assert not place.site.seen


def test_a_push_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    most = 100_000
    monkeypatch.setattr(made_by, "_MOST_BODY", most)
    monkeypatch.setitem(made_by._OPTIONS, "body_size_limit", str(most))
    pem = certificate(tmp_path, "site.test")
    site, refs = Site(pem), Refs()
    one = Interception(Decider(), refs, resolve=lambda *_: ["127.0.0.1"], trusted=str(pem))
    one.start()
    (tmp_path / "a.pem").write_text(one.authorities)
    context = ssl.create_default_context(cafile=str(tmp_path / "a.pem"))
    begun = b"0067" + f"{'0' * 40} {'1' * 40} refs/heads/a".encode() + b"\0x"
    begun = f"{len(begun):04x}".encode() + begun[4:] + b"0000"
    try:
        with proxy(Decider(), ADDRESSES, interception=one) as door:
            for size, asked in ((most, 1), (most + 1, 1)):
                with context.wrap_socket(door.tunnel(f"site.test:{site.port}"), server_hostname="site.test") as sock:
                    head = f"POST /r/git-receive-pack HTTP/1.1\r\nHost: site.test:{site.port}\r\nConnection: close\r\nContent-Length: {size}\r\n\r\n"
                    with contextlib.suppress(OSError):
                        sock.sendall(head.encode() + begun.ljust(size, b"p"))
                    said = read_all(sock).split(b"\r\n")[0]
                assert (b"403" if size == most else b"413") in said
                assert len(refs.asked) == asked
        assert not site.seen
    finally:
        one.stop()
        site.server.close()


# faults


def test_a_program_that_does_not_start(tmp_path: Path) -> None:
    for program in ("/bin/false", "/nowhere/mitmdump"):
        one = Interception(Decider(), Refs(), program=program, trusted=str(tmp_path))
        with pytest.raises(InterceptionError, match="mitmproxy"):
            one.start()
        assert one._folder == ""


@pytest.mark.parametrize(("more", "says"), [(-(64 << 20), "has it"), (1, "MemoryError")])
def test_a_program_has_so_much_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: int, says: str) -> None:
    monkeypatch.setattr(made_by, "_MEMORY", 512 << 20)
    script = tmp_path / "large"
    held = (512 << 20) + more
    script.write_text(
        f"#!{sys.executable} -IS\nimport mmap, time\ntime.sleep(0.5)\ntry: mmap.mmap(-1, {held})\nexcept OSError: exit('MemoryError')\nexit('has it')\n"
    )
    script.chmod(0o755)
    one = Interception(Decider(), Refs(), program=str(script), trusted=str(tmp_path))
    with pytest.raises(InterceptionError, match=says):
        one.start()


def test_mitmproxy_has_so_much_memory(place: Place) -> None:
    assert place.interception._process is not None
    text = Path(f"/proc/{place.interception._process.pid}/limits").read_text()
    (line,) = [one for one in text.splitlines() if one.startswith("Max address space")]
    assert line.split()[3:5] == [str(limit("interceptor_bytes"))] * 2


def test_a_program_that_takes_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "slow"
    script.write_text(f"#!{sys.executable}\nimport time\ntime.sleep(60)\n")
    script.chmod(0o755)
    monkeypatch.setattr(made_by, "_SECONDS", 0)
    one = Interception(Decider(), Refs(), program=str(script), trusted=str(tmp_path))
    with pytest.raises(InterceptionError, match="does not start"):
        one.start()


def test_when_it_dies_nothing_goes_on(tmp_path: Path) -> None:
    pem = certificate(tmp_path, "site.test")
    site = Site(pem)
    one = Interception(Decider(), Refs(), resolve=lambda *_: ["127.0.0.1"], trusted=str(pem))
    one.start()
    folder = Path(one._folder)
    try:
        with proxy(Decider(), ADDRESSES, interception=one) as door:
            assert one._process is not None
            one._process.send_signal(signal.SIGKILL)
            one._process.wait()
            with pytest.raises((ssl.SSLError, ConnectionError)):
                ssl.create_default_context().wrap_socket(
                    door.tunnel(f"site.test:{site.port}"), server_hostname="site.test"
                )
            assert not site.seen
    finally:
        one.stop()
        site.server.close()
    assert not folder.exists()


def test_it_ends_with_its_launcher(tmp_path: Path) -> None:
    one = Interception(Decider(), Refs(), trusted=str(certificate(tmp_path, "site.test")))
    one.start()
    try:
        assert one._process is not None
        assert one._process.stdin is not None
        one._process.stdin.close()  # as the system does when its holder is killed
        assert one._process.wait(20) == 0
    finally:
        one.stop()


def test_who_decides_is_gone(tmp_path: Path) -> None:
    pem = certificate(tmp_path, "site.test")
    site = Site(pem)
    one = Interception(Decider(), Refs(), resolve=lambda *_: ["127.0.0.1"], trusted=str(pem))
    one.start()
    authorities = tmp_path / "a.pem"
    authorities.write_text(one.authorities)
    try:
        with proxy(Decider(), ADDRESSES, interception=one) as door:
            assert one._serving is not None
            one._serving.stop()
            context = ssl.create_default_context(cafile=str(authorities))
            with context.wrap_socket(door.tunnel(f"site.test:{site.port}"), server_hostname="site.test") as sock:
                sock.sendall(f"GET / HTTP/1.1\r\nHost: site.test:{site.port}\r\nConnection: close\r\n\r\n".encode())
                said = read_all(sock)
            assert b"502" in said.split(b"\r\n")[0]
            assert b"who decides cannot be asked" in said
        assert not site.seen
    finally:
        one.stop()
        site.server.close()
