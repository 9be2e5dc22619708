"""Several requests on one connection, at both ends: each decided of its own, none taken for another."""

from __future__ import annotations

import re
import socket
import time

import pytest

from policy_lang.domain import limits
from tests.egress.outside import OK, Decider, Ruling, Server, proxy, read_all, read_until, web
from tests.egress.test_proxy import get
from tests.needs import require

require("httptools")


def keeps(server: Server, sock: socket.socket) -> None:
    """A web server that answers until the connection ends, and notes which connection a request came by."""
    number, data = server.taken, b""
    while part := sock.recv(65536):
        data += part
        while b"\r\n\r\n" in data:
            head, _, data = data.partition(b"\r\n\r\n")
            server.seen.append((number, head.split(b" ")[1].decode()))
            sock.sendall(server.replies.get(head.split(b" ")[1].decode(), OK))


@pytest.fixture
def origin():
    server = Server(keeps)
    server.replies = {}
    yield server
    server.close()


@pytest.fixture
def shorter(monkeypatch):
    """Makes a limit another one."""
    return lambda name, value: monkeypatch.setitem(limits._BY_NAME, name, value)


def asked(sock: socket.socket, data: bytes, end: bytes = b"ok") -> bytes:
    sock.sendall(data)
    return read_until(sock, end)


def test_one_connection_serves_several_requests_at_both_ends(origin) -> None:
    decide = Decider()
    with proxy(decide) as door, door.dial() as sock:
        for n in range(3):
            assert asked(sock, get(origin.port, path=f"/{n}")).startswith(b"HTTP/1.1 200 ")
    assert origin.seen == [(1, "/0"), (1, "/1"), (1, "/2")]
    assert [a for _, _, a in decide.asked] == [(), ("127.0.0.1",)] * 3


def test_the_connection_to_one_host_is_not_another_s(origin) -> None:
    with proxy(Decider()) as door, door.dial() as sock:
        asked(sock, get(origin.port, path="/a"))
        asked(sock, get(origin.port, "other.test", path="/b"))
        asked(sock, get(origin.port, path="/c"))
    with proxy(Decider()) as door:
        for path in ("/d", "/e"):  # nor is one client's another client's
            with door.dial() as sock:
                asked(sock, get(origin.port, path=path))
    assert [number for number, _ in origin.seen] == [1, 2, 3, 4, 5]


def test_a_connection_whose_address_is_not_permitted_any_more_is_not_used(origin) -> None:
    answers = iter([["127.0.0.1"], ["127.0.0.9"], ["127.0.0.9"]])
    decide = Decider(lambda url, method, addresses: addresses in {(), ("127.0.0.1",)})
    with proxy(decide, lambda name: next(answers)) as door, door.dial() as sock:
        asked(sock, get(origin.port, path="/a"))
        assert asked(sock, get(origin.port, path="/b"), b"so\n").startswith(b"HTTP/1.1 403 ")
    assert origin.seen == [(1, "/a")]


def test_what_has_a_body_has_a_connection_of_its_own(origin) -> None:
    with proxy(Decider()) as door, door.dial() as sock:
        asked(sock, get(origin.port, path="/a"))
        asked(sock, get(origin.port, path="/b").replace(b"GET", b"POST")[:-2] + b"Content-Length: 0\r\n\r\n")
        asked(sock, get(origin.port, path="/c"))
    assert origin.seen == [(1, "/a"), (2, "/b"), (3, "/c")]


def test_a_peer_that_has_closed_meanwhile_is_asked_anew(origin) -> None:
    server = Server(web)  # answers one request for each connection
    with proxy(Decider()) as door, door.dial() as sock:
        for n in range(3):
            assert asked(sock, get(server.port, path=f"/{n}")).startswith(b"HTTP/1.1 200 ")
    assert server.taken == 3
    server.close()


def test_a_reply_that_nobody_asked_for_reaches_nobody(origin) -> None:
    origin.replies = {"/a": OK + OK.replace(b"ok", b"NO")}
    with proxy(Decider()) as door, door.dial() as sock:
        asked(sock, get(origin.port, path="/a"))
        reply = asked(sock, get(origin.port, path="/b"))
        assert reply.count(b"HTTP/1.1 ") == 1 and b"NO" not in reply
    assert origin.seen == [(1, "/a"), (2, "/b")]


@pytest.mark.parametrize(
    ("reply", "kept"),
    [
        (OK, True), (b"HTTP/1.1 204 No Content\r\n\r\n", True), (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nok\r\n0\r\nX: y\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok", True), (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", True),
    ],
)  # fmt: skip
def test_the_end_of_a_reply_is_known(origin, reply: bytes, kept: bool) -> None:
    origin.replies = {"/a": reply}
    with proxy(Decider()) as door, door.dial() as sock:
        sock.sendall(get(origin.port, path="/a") + get(origin.port, path="/b"))
        sock.shutdown(socket.SHUT_WR)
        found = read_all(sock)
    assert len(re.findall(rb"HTTP/1\.[01] \d+", found)) == 2 and b"X: y" not in found
    assert [path for _, path in origin.seen] == ["/a", "/b"]


def test_a_reply_until_the_end_ends_the_connection() -> None:
    def serve(server, sock):
        read_until(sock, b"\r\n\r\n")
        sock.sendall(b"HTTP/1.1 200 OK\r\n\r\nall of it")

    server = Server(serve)
    with proxy(Decider()) as door, door.dial() as sock:
        sock.sendall(get(server.port) + get(server.port))
        found = read_all(sock)
    assert found == b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it" and server.taken == 1
    server.close()


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 2\r\nTransfer-Encoding: chunked", b"Content-Length: 2\r\nContent-Length: 2", b"Content-Length: 2\r\nContent-Length: 3", b"Content-Length: +2",
        b"Transfer-Encoding: chunked\r\n\r\nnot", b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: identity", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    ],
)  # fmt: skip
def test_a_reply_with_two_lengths_is_none(origin, framing: bytes) -> None:
    origin.replies = {"/a": b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\nok"}
    with proxy(Decider()) as door:
        reply = door.ask(get(origin.port, path="/a"))
    assert reply.startswith(b"HTTP/1.1 502 ") and b"\r\nProxy-Status: policy-lang; error=http_" in reply
    with proxy(Decider()) as door, door.dial() as sock:  # and what is left of it is nobody's reply
        asked(sock, get(origin.port, path="/a"), b"\r\n\r\n")
        reply = asked(sock, get(origin.port, path="/b"))
    assert origin.seen[-2][0] != origin.seen[-1][0] and reply.endswith(OK.replace(b"Content-Length", b"content-length"))


@pytest.mark.parametrize(
    "reply",
    [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nok"],
)  # fmt: skip
def test_a_reply_that_is_cut_short_is_not_taken_for_whole(reply: bytes) -> None:
    def serve(server, sock):
        read_until(sock, b"\r\n\r\n")
        sock.sendall(reply)

    server = Server(serve)
    with proxy(Decider()) as door, door.dial() as sock:
        sock.sendall(get(server.port))
        with pytest.raises(ConnectionResetError):
            while sock.recv(100):
                pass
    server.close()


def test_an_old_client_gets_no_chunks(origin) -> None:
    origin.replies = {"/a": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"}
    with proxy(Decider()) as door:
        reply = door.ask(get(origin.port, path="/a").replace(b"HTTP/1.1", b"HTTP/1.0"))
    assert reply == b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok"


def test_a_client_that_wants_to_close_is_let_go(origin) -> None:
    with proxy(Decider()) as door:
        for last in (b"Connection: close", b"Proxy-Connection: close", b"Connection: x, Close"):
            with door.dial() as sock:
                sock.sendall(get(origin.port)[:-2] + last + b"\r\n\r\n" + get(origin.port))
                reply = read_all(sock)
            assert reply.count(b"HTTP/1.1 ") == 1 and b"\r\nConnection: close\r\n" in reply
        with door.dial() as sock:
            sock.sendall(get(origin.port).replace(b"HTTP/1.1", b"HTTP/1.0") + get(origin.port))
            assert read_all(sock).count(b"HTTP/1.1 ") == 1


def test_a_refusal_does_not_end_the_connection_where_the_request_was_taken_whole(origin) -> None:
    with proxy(Decider(lambda url, *_: Ruling("no" not in url, "not that"))) as door, door.dial() as sock:
        for words in (get(origin.port, path="/no"), b"CONNECT no.test:443 HTTP/1.1\r\nHost: no.test:443\r\n\r\n"):
            reply = asked(sock, words, b"that\n")
            assert reply.startswith(b"HTTP/1.1 403 ") and b"Connection: close" not in reply
        assert asked(sock, get(origin.port)).startswith(b"HTTP/1.1 200 ")
        sock.sendall(get(origin.port, path="/no").replace(b"GET", b"PUT")[:-2] + b"Content-Length: 9\r\n\r\n")
        assert b"\r\nConnection: close\r\n" in read_all(sock)


def test_egress_keep_seconds_at_the_limit(origin, shorter) -> None:
    shorter("egress_keep_seconds", 0.3)
    with proxy(Decider()) as door:
        with door.dial() as sock:
            asked(sock, get(origin.port))
            assert read_all(sock) == b""
        assert not door.refused


def test_what_a_refusal_says() -> None:
    class Asked:
        allowed, reason, ticket, tiers = False, 'a "person"\r\nX: \\y', "0a1b", ("review", "boss")

    with proxy(lambda *_: Asked()) as door:
        reply = door.ask(get(80)).decode()
    assert (
        r'Proxy-Status: policy-lang; error=http_request_denied; details="a \"person\" X: \\y"; ticket="0a1b"; tiers="review boss"'
        in reply
    )
    assert "\r\nX:" not in reply and "\r\nCache-Control: no-store\r\n" in reply
    Asked.ticket = 'x"; y="'
    with proxy(lambda *_: Asked()) as door:
        assert "ticket" not in door.ask(get(80)).decode()
    with proxy(Decider()) as door:
        assert "error=dns_error" in door.ask(get(80, "unknown.test")).decode()
        assert "error=http_request_error" in door.ask(b"GET / HTTP/1.1\r\n\r\n").decode()


def test_a_client_that_breaks_off_ends_its_request() -> None:
    ended = []

    def serve(server, sock):
        read_until(sock, b"\r\n\r\n")
        try:
            ended.append(sock.recv(1))
        except OSError:
            ended.append(b"")

    server = Server(serve)
    with proxy(Decider()) as door:
        for words in (get(server.port), get(server.port).replace(b"GET", b"PUT")[:-2] + b"Content-Length: 1\r\n\r\na"):
            ended.clear()
            sock = door.dial()
            sock.sendall(words[:-1] if words.endswith(b"a") else words)
            if words.endswith(b"a"):
                sock.sendall(b"a")
            late = time.monotonic() + 10
            while server.taken == 0 and time.monotonic() < late:
                time.sleep(0.01)
            time.sleep(0.1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            sock.close()
            while not ended and time.monotonic() < late:
                time.sleep(0.01)
            assert ended
    server.close()
