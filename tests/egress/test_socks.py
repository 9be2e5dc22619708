"""SOCKS 5 at the same port: what is asked for, what is let through, and what is not."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
from pathlib import Path

import pytest

from tests.egress.outside import (
    OK,
    Decider,
    Door,
    Ruling,
    Server,
    certificate,
    echo,
    hello,
    listen,
    proxy,
    read_all,
    read_until,
    records,
    server_name,
    tls,
    web,
)
from tests.needs import needs, require

require("httptools")
CURL = shutil.which("curl")
GREETING = b"\5\1\0"
GRANTED = b"\5\0\0\1\0\0\0\0\0\0"


def named(host: bytes, port: int) -> bytes:
    return b"\5\1\0\3" + bytes([len(host)]) + host + port.to_bytes(2, "big")


def v4(address: str, port: int) -> bytes:
    return b"\5\1\0\1" + socket.inet_aton(address) + port.to_bytes(2, "big")


def v6(address: str, port: int) -> bytes:
    return b"\5\1\0\4" + socket.inet_pton(socket.AF_INET6, address) + port.to_bytes(2, "big")


def socks(door: Door, request: bytes) -> tuple[socket.socket, bytes]:
    """A connection with a request made on it, and the reply."""
    sock = door.dial()
    sock.sendall(GREETING)
    assert sock.recv(2, socket.MSG_WAITALL) == b"\5\0"
    sock.sendall(request)
    return sock, sock.recv(10, socket.MSG_WAITALL)


@pytest.fixture
def origin():
    server = Server(web)
    yield server
    server.close()


@pytest.fixture(scope="module")
def pem(tmp_path_factory) -> Path:
    require("cryptography")
    return certificate(tmp_path_factory.mktemp("tls"), "site.test", "other.test")


def test_a_name_is_decided_before_it_is_looked_up_and_with_its_addresses(pem) -> None:
    server, decide = Server(tls(pem, web)), Decider()
    with proxy(decide) as door:
        sock, reply = socks(door, named(b"SITE.test", server.port))
        assert reply == GRANTED
        context = ssl.create_default_context(cafile=str(pem))
        with context.wrap_socket(sock, server_hostname="site.test") as inner:
            inner.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert read_all(inner) == OK
    url = f"https://site.test:{server.port}"
    assert decide.asked == [(url, None, ()), (url, None, ("127.0.0.1",))]
    server.close()


def test_a_name_that_is_refused_is_not_looked_up() -> None:
    looked: list[str] = []
    with proxy(Decider(False), lambda name: looked.append(name) or ["127.0.0.1"]) as door:
        sock, reply = socks(door, named(b"c2VjcmV0.evil.test", 443))
        sock.close()
    assert reply[:2] == b"\5\2" and looked == [] and door.refused == []


@pytest.mark.parametrize(("address", "family"), [("127.0.0.1", "4"), ("::1", "6"), ("::ffff:127.0.0.1", "6")])
def test_addresses(address: str, family: str) -> None:
    shown = "::1" if address == "::1" else "127.0.0.1"
    parrot, decide = Server(echo, shown), Decider()
    with proxy(decide) as door:
        sock, reply = socks(door, (v4 if family == "4" else v6)(address, parrot.port))
        assert reply == GRANTED
        with sock:
            sock.sendall(b"\0raw")
            sock.shutdown(socket.SHUT_WR)
            assert read_all(sock) == b"\0rawend"
    host = f"[{shown}]" if ":" in shown else shown
    assert decide.asked == [(f"https://{host}:{parrot.port}", None, (shown,))]
    parrot.close()


@pytest.mark.parametrize(
    "first", [records(hello(server_name(b"other.test"))), records(hello()), b"\0\1\2", b"SSH-2.0-x\r\n"]
)
def test_what_begins_otherwise_is_cut(first: bytes) -> None:
    server = Server(lambda s, sock: s.seen.append(read_all(sock)))
    with proxy(Decider()) as door:
        sock, reply = socks(door, named(b"site.test", server.port))
        assert reply == GRANTED
        with sock:
            sock.sendall(first)
            assert b"SSH" not in read_all(sock)
    assert not any(server.seen)
    server.close()


def test_plain_requests_in_it_are_decided_each_and_go_to_that_host_alone(origin) -> None:
    decide = Decider(lambda url, *_: "secret" not in url)
    host = f"site.test:{origin.port}".encode()
    with proxy(decide) as door:
        sock, reply = socks(door, named(b"site.test", origin.port))
        assert reply == GRANTED
        with sock:
            sock.sendall(b"GET /a HTTP/1.1\r\nHost: %s\r\n\r\n" % host)
            assert read_until(sock, b"ok").startswith(b"HTTP/1.1 200 ")
            sock.sendall(b"GET /secret HTTP/1.1\r\nHost: %s\r\n\r\n" % host)
            assert read_until(sock, b"so\n").startswith(b"HTTP/1.1 403 ")
            sock.sendall(b"GET /b HTTP/1.1\r\nHost: other.test\r\n\r\n")
            assert read_all(sock).startswith(b"HTTP/1.1 400 ")
        for request in (
            b"GET http://site.test/ HTTP/1.1\r\nHost: site.test\r\n\r\n",
            b"CONNECT other.test:443 HTTP/1.1\r\nHost: other.test:443\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"GET * HTTP/1.1\r\nHost: %s\r\n\r\n" % host,
        ):  # fmt: skip
            sock, _ = socks(door, named(b"site.test", origin.port))
            with sock:
                sock.sendall(request)
                assert read_all(sock).startswith(b"HTTP/1.1 400 ")
    assert [seen.split(b" ")[1] for seen in origin.seen] == [b"/a"]
    assert (f"http://site.test:{origin.port}/secret", "GET", ("127.0.0.1",)) in decide.asked or (
        f"http://site.test:{origin.port}/secret", "GET", (),
    ) in decide.asked  # fmt: skip


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (b"\5\2\0\1\x7f\0\0\1\0\x50", 7), (b"\5\3\0\1\x7f\0\0\1\0\x50", 7), (b"\5\0\0\1\x7f\0\0\1\0\x50", 7), (b"\5\xf0\0\1\x7f\0\0\1\0\x50", 7),
        (b"\5\1\0\2\x7f\0\0\1\0\x50", 8), (b"\5\1\0\0\x7f\0\0\1\0\x50", 8), (b"\5\1\1\1\x7f\0\0\1\0\x50", 1), (b"\4\1\0\1\x7f\0\0\1\0\x50", 1),
        (named(b"", 80), 1), (named(b"site.test", 0), 1), (named(b"site.test\0", 80), 1), (named(b"u@site.test", 80), 1), (named(b"site.test:81", 80), 1),
        (named(b"::1", 80), 1), (named(b"[::1]", 80), 1), (named(b"site test", 80), 1), (named("sité.test".encode(), 80), 1), (named(b"site%2etest", 80), 1),
        (named(b"a" * 255, 80), 1), (named(b"1.2.3.4.5", 80), 1), (v4("0.0.0.0", 0), 1),
    ],
)  # fmt: skip
def test_what_is_no_request_of_socks(request_: bytes, code: int) -> None:
    decide = Decider()
    with proxy(decide) as door:
        sock, reply = socks(door, request_)
        with sock:
            assert reply[:2] == bytes((5, code))
            assert read_all(sock) == b""
        assert len(door.refused) == 1
    assert not decide.asked


@pytest.mark.parametrize("greeting", [b"\5\1\2", b"\5\2\1\2", b"\5\0", b"\5\1\xff"])
def test_a_login_is_not_taken(greeting: bytes) -> None:
    with proxy(Decider()) as door:
        assert door.ask(greeting) == b"\5\xff"


@pytest.mark.parametrize(
    "words",
    [b"\4\1\0\x50\x7f\0\0\1\0", b"\4\1\0\x50\0\0\0\1\0site.test\0", b"\5", b"\5\3\0", GREETING + b"\5\1\0\3\xff"],
)
def test_words_that_are_cut_short_or_of_version_4(words: bytes) -> None:
    decide = Decider()
    with proxy(decide) as door:
        assert door.ask(words).removeprefix(b"\5\0").startswith((b"\5\1", b"HTTP/1.1 400 "))
    assert not decide.asked


def test_refusals_have_their_codes() -> None:
    with listen() as gone:
        port = gone.getsockname()[1]
    with proxy(Decider(lambda url, *_: Ruling("denied" not in url, "no"))) as door:
        for host, code in ((b"site.test", 5), (b"unknown.test", 4), (b"denied.test", 2)):
            sock, reply = socks(door, named(host, port))
            sock.close()
            assert reply[:2] == bytes((5, code)), host


def test_words_ahead_of_the_reply_are_the_tunnels(origin) -> None:
    host = f"site.test:{origin.port}".encode()
    with proxy(Decider()) as door:
        request = b"GET /early HTTP/1.1\r\nHost: %s\r\n\r\n" % host
        assert door.ask(GREETING + named(b"site.test", origin.port) + request).endswith(b"ok")


@needs("curl is not installed", there=CURL is not None)
def test_curl(origin, pem) -> None:
    secure = Server(tls(pem, web))

    def curl(*words: str) -> str:
        command = [CURL, "-sS", "--max-time", "20", "-x", f"socks5h://127.0.0.1:{door.port}", "--noproxy", "", *words]
        done = subprocess.run(command, capture_output=True, text=True, env={}, check=False)
        return done.stdout + done.stderr

    with proxy(Decider(lambda url, *_: "denied" not in url)) as door:
        assert curl("--cacert", str(pem), f"https://site.test:{secure.port}/") == "ok"
        assert curl(f"http://site.test:{origin.port}/1", f"http://site.test:{origin.port}/2") == "okok"
        assert curl("-d", "a" * 100_000, f"http://site.test:{origin.port}/") == "ok"
        assert "(97)" in curl("https://denied.test/")
    secure.close()
