"""The proxy that is the way out of the walls: real sockets on loopback, honest clients and others."""

from __future__ import annotations

import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy_lang.domain import limits
from policy_lang.domain.errors import RequestError
from policy_lang.egress.proxy import Proxy, ProxyUnavailableError, Tunnel
from tests.egress.outside import (
    OK,
    RETRY,
    Decider,
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
    server_hello,
    server_name,
    tls,
    tunnel,
    vector,
    web,
)
from tests.lanes import share
from tests.needs import needs, require

require("httptools")
CURL = shutil.which("curl")


@pytest.fixture
def origin():
    server = Server(web)
    yield server
    server.close()


@pytest.fixture
def parrot():
    server = Server(echo)
    yield server
    server.close()


@pytest.fixture
def shorter(monkeypatch):
    """Makes a limit another one."""
    return lambda name, value: monkeypatch.setitem(limits._BY_NAME, name, value)


def get(port: int, host: str = "site.test", path: str = "/") -> bytes:
    return f"GET http://{host}:{port}{path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode()


def wait_for(what, seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it has not come about"
        time.sleep(0.01)


# plain HTTP


def test_a_request_is_decided_with_method_url_and_addresses(origin) -> None:
    decide = Decider()
    with proxy(decide) as door:
        reply = door.ask(get(origin.port, path="/a/b?c=d"))
    url = f"http://site.test:{origin.port}/a/b?c=d"
    assert decide.asked == [(url, "GET", ()), (url, "GET", ("127.0.0.1",))]
    assert reply == b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
    assert origin.seen == [f"GET /a/b?c=d HTTP/1.1\r\nHost: site.test:{origin.port}\r\n\r\n".encode()]


def test_a_refused_request_is_told_the_reason_and_nothing_is_reached(origin) -> None:
    decide = Decider(lambda url, method, _: Ruling(method == "GET", "no pörsts\r\nX-Evil: 1"))
    with proxy(decide) as door:
        reply = door.ask(get(origin.port).replace(b"GET", b"POST"))
    head, _, page = reply.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 403 Forbidden: no p?rsts X-Evil: 1\r\n") and b"\r\nX-Evil" not in head
    assert page.decode() == "no pörsts X-Evil: 1\n"
    assert not origin.taken and not door.refused


def test_the_page_of_a_refused_head_is_a_head_alone(origin) -> None:
    with proxy(Decider(False)) as door:
        reply = door.ask(get(origin.port).replace(b"GET", b"HEAD"))
    assert reply.startswith(b"HTTP/1.1 403 ") and reply.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("length", [0, 5, 300_000])
def test_bodies_with_a_length_and_in_chunks(origin, length) -> None:
    body = bytes(range(256)) * (length // 256 + 1)
    body = body[:length]
    head = get(origin.port).replace(b"GET", b"PUT")[:-2]
    chunks = b"".join(b"%X;ext=1\r\n%s\r\n" % (len(c), c) for i in range(0, length, 7000) if (c := body[i : i + 7000]))
    with proxy(Decider()) as door:
        assert door.ask(head + b"Content-Length: %d\r\n\r\n" % length + body).endswith(b"ok")
        trailers = b"0\r\nX-Trailer: 1\r\n\r\n"
        assert door.ask(head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + trailers).endswith(b"ok")
    plain, chunked = (seen.partition(b"\r\n\r\n") for seen in origin.seen)
    assert plain[2] == body and b"Content-Length: %d" % length in plain[0]
    found, rest = b"", chunked[2]
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        count = int(size, 16)
        found, rest = found + rest[:count], rest[count + 2 :]
    assert found == body and b"ext" not in chunked[2] and b"X-Trailer" not in chunked[2]


def test_headers_of_the_connection_end_at_the_proxy(origin) -> None:
    own = b"Connection: keep-alive, X-Mine, Host\r\nX-Mine: 1\r\nProxy-Authorization: Basic eDp5\r\nTE: trailers\r\nKeep-Alive: 5\r\nProxy-Connection: keep-alive\r\nX-Other: 2\r\n\r\n"
    with proxy(Decider()) as door:
        assert door.ask(get(origin.port)[:-2] + own).endswith(b"ok")
    assert origin.seen[0].split(b"\r\n")[1:] == [
        b"Host: site.test:%d" % origin.port, b"x-other: 2", b"", b"",
    ]  # fmt: skip


def test_an_offer_of_http_2_is_passed_over(origin) -> None:
    offer = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nContent-Length: 3\r\n\r\nabc"
    with proxy(Decider()) as door:
        assert door.ask(get(origin.port).replace(b"GET", b"PUT")[:-2] + offer).endswith(b"ok")
    assert origin.seen[0].endswith(b"\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc")
    assert b"pgrade" not in origin.seen[0] and b"ettings" not in origin.seen[0]


def test_a_reply_that_comes_before_the_body_has_gone() -> None:
    def serve(server, sock):
        read_until(sock, b"\r\n\r\n")
        sock.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nno\n")

    server = Server(serve)
    with proxy(Decider()) as door, door.dial() as sock:
        sock.sendall(
            get(server.port).replace(b"GET", b"PUT")[:-2] + b"Content-Length: 10000000\r\n\r\n" + b"a" * 200_000
        )
        assert read_until(sock, b"no\n").startswith(b"HTTP/1.1 413 Too Large\r\n")
    server.close()


def test_what_follows_a_request_is_a_request_of_its_own(origin) -> None:
    decide = Decider(lambda url, *_: "secret" not in url)
    post = get(origin.port, path="/two").replace(b"GET", b"POST")[:-2]
    bodies = (b"Content-Length: 3\r\n\r\nabc", b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n")
    with proxy(decide) as door:
        for body in bodies:
            origin.seen.clear()
            rest = (
                get(origin.port, "other.test", "/three")
                + get(origin.port, path="/secret")
                + get(origin.port, path="/4")
            )
            reply = door.ask(get(origin.port, path="/one") + post + body + rest)
            assert re.findall(rb"HTTP/1\.1 (\d+)", reply) == [b"200", b"200", b"200", b"403", b"200"]
            assert [s.split(b" ")[1] for s in origin.seen] == [b"/one", b"/two", b"/three", b"/4"]
            assert [s.split(b"\r\n")[1][6:15] for s in origin.seen] == [
                b"site.test",
                b"site.test",
                b"other.tes",
                b"site.test",
            ]
    assert [url for url, _, addresses in decide.asked if not addresses][:4] == [
        f"http://{host}:{origin.port}{path}" for host, path in (
            ("site.test", "/one"), ("site.test", "/two"), ("other.test", "/three"), ("site.test", "/secret"),
        )
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "x-method-override", "X-HTTP-Method"])
def test_a_header_does_not_change_the_method(origin, name: str) -> None:
    with proxy(Decider()) as door:
        for value, status in (("DELETE", b"400"), ("get", b"200")):
            request = f"GET http://site.test:{origin.port}/a HTTP/1.1\r\nHost: site.test:{origin.port}\r\n{name}: {value}\r\nConnection: close\r\n\r\n"
            assert status in door.ask(request.encode()).split(b"\r\n")[0]
    assert len(origin.seen) == 1


def test_interim_replies_are_handed_on_and_an_upgrade_is_not() -> None:
    def serve(server, sock):
        read_until(sock, b"\r\n\r\n")
        sock.sendall(server.reply)

    server = Server(serve)
    with proxy(Decider()) as door:
        server.reply = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK
        assert door.ask(get(server.port)).startswith(b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\n")
        assert door.ask(get(server.port).replace(b"HTTP/1.1", b"HTTP/1.0")).startswith(b"HTTP/1.1 200 OK\r\n")
        for reply in (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", b"SSH-2.0-x\r\n\r\n", b"", b"HTTP/1.1 200 OK\r\n",
            b"HTTP/1.1 200 OK\n\n", b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", b"\x15\3\1\0\2\2\x28",
        ):  # fmt: skip
            server.reply = reply
            assert door.ask(get(server.port)).startswith(b"HTTP/1.1 502 Bad Gateway: "), reply
    server.close()


def test_a_reply_that_breaks_off_is_not_taken_for_whole() -> None:
    def serve(server, sock):
        read_until(sock, b"\r\n\r\n")
        sock.sendall(b"HTTP/1.1 200 OK\r\n\r\nhalf")
        time.sleep(0.2)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    server = Server(serve)
    with proxy(Decider()) as door, door.dial() as sock:
        sock.sendall(get(server.port))
        assert read_until(sock, b"half").endswith(b"half")
        with pytest.raises(ConnectionResetError):
            sock.recv(10)
    server.close()


SMUGGLED = {
    "a length and chunks": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and a length": b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two lengths": b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
    "the same length twice": b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nabcde",
    "a list of lengths": b"Content-Length: 5, 5\r\n\r\nabcde",
    "a signed length": b"Content-Length: +5\r\n\r\nabcde",
    "a negative length": b"Content-Length: -5\r\n\r\nabcde",
    "a hexadecimal length": b"Content-Length: 0x5\r\n\r\nabcde",
    "no length": b"Content-Length:\r\n\r\n",
    "a long length": b"Content-Length: 1234567890123456789\r\n\r\n",
    "an unknown coding": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "two codings": b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "gzip": b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a vertical tab": b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "a quoted coding": b'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n',
    "a space before the colon": b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a space before the name": b" Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a name with a space": b"Transfer Encoding: chunked\r\n\r\n",
    "a name with NUL": b"Transfer-Encoding\0: chunked\r\n\r\n",
    "a name with another letter": "Transfer-Encöding: chunked\r\n\r\n".encode(),
    "a folded header": b"X: a\r\n\tTransfer-Encoding: chunked\r\n\r\n",
    "a bare LF": b"X: a\nTransfer-Encoding: chunked\r\n\r\n",
    "a bare LF at the end": b"X: a\r\n\n",
    "a bare CR": b"X: a\rTransfer-Encoding: chunked\r\n\r\n",
    "NUL": b"X: a\0b\r\n\r\n",
    "no colon": b"X\r\n\r\n",
    "no name": b": x\r\n\r\n",
    "another host": b"Host: other.test\r\n\r\n",
    "an upgrade": b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    "two upgrades": b"Upgrade: h2c, websocket\r\n\r\n",
    "one upgrade and another": b"Upgrade: h2c\r\nUpgrade: websocket\r\n\r\n",
}


@pytest.mark.parametrize("name", SMUGGLED)
def test_nothing_is_smuggled(origin, name) -> None:
    decide = Decider()
    with proxy(decide) as door:
        reply = door.ask(get(origin.port).replace(b"GET", b"POST")[:-2] + SMUGGLED[name])
        assert reply.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 501 ")), reply
        assert not origin.taken and not decide.asked
        assert len(door.refused) == 1


CHUNKS = [
    b"5\nabcde\r\n0\r\n\r\n", b"5\r\nabcdeX\r\n0\r\n\r\n", b"5 \r\nabcde\r\n0\r\n\r\n", b"0x5\r\nabcde\r\n0\r\n\r\n", b"-5\r\nabcde\r\n", b"\r\n", b"5\r\nabcde\n0\r\n\r\n",
    b"FFFFFFFFFFFFFFFFF\r\na", b"5;a\nb\r\nabcde\r\n0\r\n\r\n", b"5;a\0b\r\nabcde\r\n0\r\n\r\n", b"5\r\nabcde0\r\n\r\n",
]  # fmt: skip


@pytest.mark.parametrize("chunks", CHUNKS)
def test_malformed_chunks_end_the_connection(chunks) -> None:
    server = Server(lambda s, sock: s.seen.append(read_all(sock)))
    with proxy(Decider()) as door:
        reply = door.ask(get(server.port).replace(b"GET", b"PUT")[:-2] + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)
        assert reply.startswith(b"HTTP/1.1 400 ")
    wait_for(lambda: server.seen)
    assert not server.seen[0].endswith(b"0\r\n\r\n")
    server.close()


def test_a_body_that_is_cut_short_is_not_whole_at_the_other_end() -> None:
    server = Server(lambda s, sock: s.seen.append(read_all(sock)))
    with proxy(Decider()) as door, door.dial() as sock:
        sock.sendall(get(server.port).replace(b"GET", b"PUT")[:-2] + b"Content-Length: 9\r\n\r\nabc")
        sock.shutdown(socket.SHUT_WR)
        assert read_all(sock).startswith(b"HTTP/1.1 400 ")
    server.close()


LINES = [
    b"GET /path HTTP/1.1", b"GET https://site.test/ HTTP/1.1", b"GET ftp://site.test/ HTTP/1.1", b"GET http://site.test/ HTTP/2.0", b"GET http://site.test/",
    b"GET  http://site.test/ HTTP/1.1", b"GET http://site.test/ x HTTP/1.1", b"GET http://site.test/\t HTTP/1.1", b"GET http:// HTTP/1.1", b"GET * HTTP/1.1",
    b"GET http://u:p@site.test/ HTTP/1.1", b"GET http://site.test#x HTTP/1.1", b"GET http://site.test/#x HTTP/1.1", b"GET http://site.test:/ HTTP/1.1", b"GET http://site.test:0/ HTTP/1.1", b"FOO http://site.test/ HTTP/1.1",
    b"GET http://site.test:65536/ HTTP/1.1", b"GET http://site%2etest/ HTTP/1.1", b"GET http://[fe80::1%25lo]/ HTTP/1.1", b"GET http://site.test\\@x/ HTTP/1.1", "GET http://sité.test/ HTTP/1.1".encode(),
    b"CONNECT site.test HTTP/1.1", b"CONNECT site.test: HTTP/1.1", b"CONNECT http://site.test:443 HTTP/1.1", b"CONNECT site.test:443/x HTTP/1.1", b"CONNECT u@site.test:443 HTTP/1.1", b"CONNECT :443 HTTP/1.1",
    b"CONNECT ::1:443 HTTP/1.1", b"CONNECT site.test:0443x HTTP/1.1", b"CONNECT site..test:443 HTTP/1.1", b"connect site.test:443 HTTP/1.1", b"get http://site.test/ HTTP/1.1",
]  # fmt: skip


@pytest.mark.parametrize("line", LINES)
def test_lines_that_name_no_host_for_sure(line) -> None:
    decide = Decider()
    with proxy(decide) as door:
        for headers in (b"\r\nHost: site.test\r\n\r\n", b"\r\nHost: site.test:443\r\n\r\n"):
            assert door.ask(line + headers).startswith(b"HTTP/1.1 400 ")
    assert not decide.asked


def test_a_request_needs_its_host() -> None:
    with proxy(Decider(False)) as door:
        for line, status in (
            (b"GET http://site.test/ HTTP/1.1\r\n", 400), (b"CONNECT site.test:443 HTTP/1.1\r\n", 400),
            (b"GET http://site.test/ HTTP/1.1\r\nHost:\r\n", 400), (b"GET http://site.test/ HTTP/1.1\r\nHost: site.test\r\nhost: site.test\r\n", 400),
            (b"GET http://site.test/ HTTP/1.1\r\nHost: site.test:81\r\n", 400), (b"CONNECT site.test:443 HTTP/1.1\r\nHost: site.test:80\r\n", 400),
            (b"GET http://site.test/ HTTP/1.0\r\n", 403), (b"PUT http://site.test/ HTTP/1.0\r\nTransfer-Encoding: chunked\r\n", 400), (b"CONNECT site.test:443 HTTP/1.0\r\n", 403), (b"CONNECT site.test:443 HTTP/1.1\r\nHost: site.test\r\n", 403),
            (b"GET http://SITE.test./ HTTP/1.1\r\nHost: site.test:80\r\n", 403),
        ):  # fmt: skip
            assert door.ask(line + b"\r\n").startswith(b"HTTP/1.1 %d " % status), line


def test_hosts_are_decided_in_one_spelling() -> None:
    decide = Decider(False)
    with proxy(decide) as door:
        for target in ("http://SITE.Test.", "http://0x7f.1/", "http://[::ffff:10.0.0.1]:81/x", "http://2130706433?q"):
            door.ask(f"GET {target} HTTP/1.0\r\n\r\n".encode())
        door.ask(b"CONNECT [0:0::1]:443 HTTP/1.0\r\n\r\n")
    assert [(url, addresses) for url, _, addresses in decide.asked] == [
        ("http://site.test/", ()), ("http://127.0.0.1/", ("127.0.0.1",)), ("http://10.0.0.1:81/x", ("10.0.0.1",)),
        ("http://127.0.0.1/?q", ("127.0.0.1",)), ("https://[::1]:443", ("::1",)),
    ]  # fmt: skip


# names and addresses


def test_a_name_that_leads_elsewhere_the_second_time_leads_to_what_was_decided(origin) -> None:
    answers = iter([["127.0.0.1"], ["127.0.0.2"], ["127.0.0.2"]])
    decide = Decider(lambda url, method, addresses: addresses in {(), ("127.0.0.1",)})
    with proxy(decide, lambda name: next(answers)) as door:
        assert door.ask(get(origin.port)).endswith(b"ok")
        assert [a for _, _, a in decide.asked] == [(), ("127.0.0.1",)]
        assert door.ask(get(origin.port)).startswith(b"HTTP/1.1 403 ")
        assert decide.asked[-1][2] == ("127.0.0.2",)
    assert origin.taken == 1


def test_a_name_that_rules_do_not_permit_is_not_looked_up() -> None:
    looked: list[str] = []
    with proxy(Decider(False), lambda name: looked.append(name) or ["127.0.0.1"]) as door:
        assert door.ask(get(80, "c2VjcmV0.evil.test")).startswith(b"HTTP/1.1 403 ")
        assert door.ask(b"CONNECT c2VjcmV0.evil.test:443 HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 403 ")
    assert looked == []


def test_who_foresees_is_asked_once(origin) -> None:
    def foresee(url, method):
        if "broken" in url:
            raise ValueError("broken")
        return method == "GET"

    decide = Decider(lambda url, method, addresses: addresses == ("127.0.0.1",))
    with proxy(decide, foresee=foresee) as door:
        assert door.ask(get(origin.port)).endswith(b"ok")
        assert len(decide.asked) == 1
        assert door.ask(get(origin.port).replace(b"GET", b"PUT")).startswith(b"HTTP/1.1 403 ")
        assert door.ask(get(origin.port, path="/broken")).startswith(b"HTTP/1.1 403 ")
        assert [a for _, _, a in decide.asked[1:]] == [(), ()]


def test_all_addresses_are_decided_and_the_first_that_answers_is_taken(origin) -> None:
    decide = Decider()
    with proxy(decide, {"site.test": ["127.0.0.9", "::1", "127.0.0.1", "127.0.0.9"]}) as door:
        assert door.ask(get(origin.port)).endswith(b"ok")
    assert decide.asked[-1][2] == ("127.0.0.9", "::1", "127.0.0.1")


def test_ipv6() -> None:
    server = Server(web, "::1")
    decide = Decider()
    with proxy(decide) as door:
        assert door.ask(get(server.port, "six.test")).endswith(b"ok")
        assert door.ask(get(server.port, "[::1]", "/x")).endswith(b"ok")
        assert door.ask(get(server.port, "localhost", "/y")).endswith(b"ok")
    assert decide.asked[1:] == [
        (f"http://six.test:{server.port}/", "GET", ("::1",)), (f"http://[::1]:{server.port}/x", "GET", ("::1",)),
        (f"http://localhost:{server.port}/y", "GET", ()),
    ]  # fmt: skip
    assert f"Host: [::1]:{server.port}".encode() in server.seen[1]
    server.close()


def test_peers_that_cannot_be_reached() -> None:
    with listen() as gone:
        port = gone.getsockname()[1]
    with proxy(Decider(), {"site.test": ["127.0.0.1"], "nothing.test": [], "odd.test": ["example.com"]}) as door:
        for host in ("site.test", "nothing.test", "odd.test", "unknown.test"):
            assert door.ask(get(port, host)).startswith(b"HTTP/1.1 502 "), host
            assert door.ask(f"CONNECT {host}:{port} HTTP/1.0\r\n\r\n".encode()).startswith(b"HTTP/1.1 502 "), host


def test_resolved_addresses_at_the_limit(origin) -> None:
    most = limits.limit("resolved_addresses")
    for count, status in ((most, 200), (most + 1, 502)):
        addresses = ["127.0.0.1", *(f"127.0.1.{n}" for n in range(1, count))]
        with proxy(Decider(), {"site.test": addresses}) as door:
            assert door.ask(get(origin.port)).startswith(b"HTTP/1.1 %d " % status)


def test_a_lookup_that_takes_too_long(shorter, origin) -> None:
    shorter("egress_lookup_seconds", 0.3)
    waiting = threading.Event()
    with proxy(Decider(), lambda name: waiting.wait(20) and []) as door:
        assert door.ask(get(origin.port)).startswith(b"HTTP/1.1 504 ")
    waiting.set()


def test_egress_lookups_at_the_limit(shorter) -> None:
    shorter("egress_lookups", 2)
    running, free = [], threading.Event()

    def resolve(name):
        running.append(name)
        free.wait(20)
        return ["127.0.0.1"]

    with proxy(Decider(), resolve) as door, ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(door.ask, get(9, f"n{n}.test")) for n in range(3)]
        wait_for(lambda: len(running) == 2)
        time.sleep(0.2)
        assert len(running) == 2
        free.set()
        assert all(a.result().startswith(b"HTTP/1.1 502 ") for a in asked) and len(running) == 3


def test_a_peer_that_does_not_answer(shorter) -> None:
    shorter("egress_connect_seconds", 0.4)
    full = listen(backlog=0)
    held = []
    for _ in range(4):  # its queue is full: the system drops what comes now
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex(full.getsockname())
        held.append(sock)
    with proxy(Decider()) as door:
        assert door.ask(get(full.getsockname()[1])).startswith(b"HTTP/1.1 504 ")
    for sock in (full, *held):
        sock.close()


# decisions


@pytest.mark.parametrize("raised", [ValueError("x"), KeyError(), SystemExit(1), StopIteration(), TimeoutError()])
def test_a_decision_that_fails_is_a_refusal(origin, raised) -> None:
    def decide(url, method, addresses):
        raise raised

    with proxy(decide) as door:
        assert door.ask(get(origin.port)).startswith((b"HTTP/1.1 403 ", b"HTTP/1.1 504 "))
        assert door.ask(f"CONNECT site.test:{origin.port} HTTP/1.0\r\n\r\n".encode())[9:12] in {b"403", b"504"}
        assert len(door.refused) == 2
    assert not origin.taken


@pytest.mark.parametrize("answer", [None, "yes", Ruling("yes"), Ruling(1), Ruling(None)])
def test_what_is_not_a_ruling_is_a_refusal(origin, answer) -> None:
    with proxy(lambda url, method, addresses: answer) as door:
        assert door.ask(get(origin.port)).startswith(b"HTTP/1.1 403 ")
    assert not origin.taken


def test_a_mistake_in_the_request_is_told(origin) -> None:
    def decide(url, method, addresses):
        raise RequestError("PLR026", "unknown method `LINK`")

    with proxy(decide) as door:
        assert b"unknown method `LINK`" in door.ask(get(origin.port).replace(b"GET", b"LINK"))


def test_one_decision_that_waits_delays_no_other(origin) -> None:
    waiting = threading.Event()
    decide = Decider(lambda url, method, addresses: waiting.wait(20) if "slow" in url else True)
    with proxy(decide) as door, ThreadPoolExecutor(20) as pool:
        assert door.ask(get(origin.port)).endswith(b"ok")
        slow = [pool.submit(door.ask, get(origin.port, path="/slow")) for _ in range(20)]
        wait_for(lambda: len(decide.asked) >= 22)
        assert door.ask(get(origin.port)).endswith(b"ok")
        waiting.set()
        assert all(one.result().endswith(b"ok") for one in slow)


def test_a_decision_that_takes_too_long(shorter, origin) -> None:
    shorter("egress_decision_seconds", 0.3)
    waiting = threading.Event()
    with proxy(Decider(lambda *_: waiting.wait(20))) as door:
        assert door.ask(get(origin.port)).startswith(b"HTTP/1.1 504 ")
    waiting.set()


def test_the_end_waits_for_nobody(origin) -> None:
    waiting = threading.Event()
    decide = Decider(lambda url, *_: waiting.wait(30) if "slow" in url else True)
    with proxy(decide) as door:
        slow, open_ = door.dial(), door.tunnel(f"localhost:{origin.port}")
        slow.sendall(get(origin.port, path="/slow"))
        wait_for(lambda: len(decide.asked) == 2)
        begun = time.monotonic()
        door.served.stop()
        assert time.monotonic() - begun < 2
        for sock in (slow, open_):
            assert read_all(sock) == b""
            sock.close()
        with pytest.raises(OSError):
            door.dial()
    waiting.set()


def test_a_proxy_that_never_started_can_be_stopped() -> None:
    listener = listen()
    served = Proxy(Decider(), listener)
    served.stop()
    served.stop()
    assert listener.fileno() == -1


def test_without_httptools_there_is_no_proxy(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "httptools", None)
    monkeypatch.delitem(sys.modules, "policy_lang.egress.messages")
    with listen() as listener, pytest.raises(ProxyUnavailableError, match=r"policy-lang\[serve\]"):
        Proxy(Decider(), listener)


# tunnels


@pytest.fixture(scope="module")
def pem(tmp_path_factory) -> Path:
    require("cryptography")
    return certificate(tmp_path_factory.mktemp("tls"), "site.test", "other.test")


@pytest.fixture
def secure(pem):
    server = Server(tls(pem, web))
    yield server
    server.close()


def speak(sock: socket.socket, pem: Path, name: str | None) -> bytes:
    """What a web server says through TLS."""
    context = ssl.create_default_context(cafile=str(pem))
    if name is None:
        context.check_hostname = False
    with context.wrap_socket(sock, server_hostname=name) as inner:
        inner.sendall(b"GET /inside HTTP/1.1\r\n\r\n")
        return read_all(inner)


def test_tls_goes_through(secure, pem) -> None:
    decide = Decider()
    with proxy(decide) as door:
        assert speak(door.tunnel(f"site.test:{secure.port}"), pem, "site.test") == OK
        assert speak(door.tunnel(f"SITE.test.:{secure.port}"), pem, "site.test") == OK
        assert not door.refused
    url = f"https://site.test:{secure.port}"
    assert decide.asked[:2] == [(url, None, ()), (url, None, ("127.0.0.1",))]


def test_a_tunnel_that_is_refused(secure) -> None:
    with proxy(Decider(False)) as door:
        reply = door.ask(f"CONNECT site.test:{secure.port} HTTP/1.1\r\nHost: site.test:{secure.port}\r\n\r\n".encode())
    assert reply.startswith(b"HTTP/1.1 403 Forbidden: rule `x` says so\r\n") and reply.endswith(b"rule `x` says so\n")
    assert not secure.taken


@pytest.mark.parametrize("name", ["other.test", None])
def test_tls_for_another_host_is_cut(secure, pem, name) -> None:
    with proxy(Decider()) as door:
        with pytest.raises(ssl.SSLError, match=r"(?i)access.denied"):
            speak(door.tunnel(f"site.test:{secure.port}"), pem, name)
        wait_for(lambda: door.refused)
        assert door.refused[0][0] == f"https://site.test:{secure.port}"
        assert (name or "no server name") in door.refused[0][1]
    assert not secure.seen


SERVER_HELLO = server_hello()
TWO_NAMES = b"\0\0" + vector(2, vector(2, b"\0" + vector(2, b"site.test") + b"\0" + vector(2, b"other.test")))
ADDRESS = "93.184.216.34"


def hold(server, sock, answers=(SERVER_HELLO,)) -> None:
    """Notes what it gets until the end; has an answer for what it gets first, and what it gets then."""
    server.seen.append(b"")
    left = list(answers)
    while data := sock.recv(65536):
        server.seen[-1] += data
        if left:
            sock.sendall(left.pop(0))


@pytest.mark.parametrize(
    ("authority", "first", "passes"),
    [
        ("site.test", records(hello(server_name(b"site.test"))), True),
        ("site.test", records(hello(server_name(b"SITE.test"))), True),
        ("site.test", records(hello(server_name(b"site.test")), 1), True),
        ("site.test", records(hello(b"\xfe\x0d\0\4abcd", server_name(b"site.test"), b"\0\x15\0\0")), True),
        ("site.test", records(hello(server_name(b"site.test"))) + b"\x17\3\3\0\5early", True),
        ("site.test", records(hello(server_name(b"other.test"))), False),
        ("site.test", records(hello(server_name(b"site.test."))), False),
        ("site.test", records(hello(server_name(b"site.test\0.other.test"))), False),
        ("site.test", records(hello(server_name(b""))), False),
        ("site.test", records(hello(server_name(b"site.test", kind=1))), False),
        ("site.test", records(hello(server_name(b"site.test"), server_name(b"other.test"))), False),
        ("site.test", records(hello(server_name(b"site.test"), b"\0\x15\0\0", b"\0\x15\0\0")), False),
        ("site.test", records(hello()), False),
        ("site.test", records(hello(b"\0\x15\0\0")), False),
        ("site.test", records(hello(server_name(b"site.test"), tail=b"x")), False),
        ("site.test", records(hello(server_name(b"site.test")) + hello(server_name(b"other.test"))), False),
        ("site.test", records(hello(server_name(b"site.test"))[:-3]) + b"\x17\3\3\0\1x", False),
        ("site.test", records(hello() + vector(2, server_name(b"site.test"))), False),
        ("site.test", records(hello(TWO_NAMES)), False),
        ("site.test", records(hello(b"\0\0" + vector(2, server_name(b"site.test")[4:] + b"x"))), False),
        ("site.test", records(b"\2" + hello(server_name(b"site.test"))[1:]), False),
        ("site.test", b"\x16\3\1\0\0" + records(hello(server_name(b"site.test"))), False),
        ("site.test", b"\x14\3\1\0\1\1" + records(hello(server_name(b"site.test"))), False),
        ("site.test", records(hello(server_name(b"site.test"))).replace(b"\x16\3", b"\x16\2"), False),
        ("site.test", b"\x80\x2e\1\0\2" + bytes(60), False),
        ("site.test", b"SSH-2.0-OpenSSH_9.2\r\n", False),
        ("site.test", get(80), False),
        ("site.test", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", False),
        ("site.test", b"\0\0\0\x08\4\xd2\x16\x2f", False),  # PostgreSQL asks for TLS
        ("127.0.0.1", b"SSH-2.0-x\r\n", True),
        ("localhost", b"\0\0\0\x08\4\xd2\x16\x2f", True),
    ],
)  # fmt: skip
def test_the_first_words_of_a_tunnel(authority, first, passes) -> None:
    server = Server(hold)
    with proxy(Decider()) as door, door.tunnel(f"{authority}:{server.port}") as sock:
        sock.sendall(first)
        if passes:
            wait_for(lambda: server.seen and server.seen[0] == first)
            sock.sendall(b"more")
            wait_for(lambda: server.seen[0] == first + b"more")
        else:
            read_all(sock)
            wait_for(lambda: door.refused)
            assert not any(server.seen)
    server.close()


def test_an_address_may_go_without_a_server_name(monkeypatch) -> None:
    from policy_lang.egress import peers

    server = Server(hold)
    real = peers.connect

    async def connect(addresses, port):
        assert addresses == (ADDRESS,)
        return await real(("127.0.0.1",), port)

    monkeypatch.setattr("policy_lang.egress.proxy.connect", connect)
    with proxy(Decider()) as door:
        for extensions, passes in (
            ((), True),
            ((server_name(ADDRESS.encode()),), True),
            ((server_name(b"site.test"),), False),
        ):
            server.seen.clear()
            with door.tunnel(f"{ADDRESS}:{server.port}") as sock:
                sock.sendall(records(hello(*extensions)))
                if passes:
                    wait_for(lambda: any(server.seen))
                else:
                    read_all(sock)
                    assert not any(server.seen)
    server.close()


def test_a_client_that_begins_again_asks_for_the_same(pem) -> None:
    first, second = (records(hello(server_name(name))) for name in (b"site.test", b"other.test"))
    one = hello(server_name(b"site.test"))
    secret, early = b"\x17\3\3\0\6secret", b"\x14\3\3\0\1\1\x17\3\3\0\5early"
    server = Server(lambda server, sock: hold(server, sock, (server_hello(RETRY), server_hello())))

    def all_of(sent: bytes) -> bool:
        return server.seen == [sent]

    with proxy(Decider()) as door:
        for sent, passes in (
            ((first, secret), True), ((early + first, secret), True), ((records(hello(server_name(b"site.test")), 7), b""), True),
            ((second,), False), ((early + second,), False), ((early + records(hello(server_name(b"other.test")), 7),), False), ((b"\x15\3\3\0\2\1\0" + second,), False),
            ((records(one[:9]) + early[6:] + records(one[9:]),), False), ((b"EHLO",), False), ((first[:-1],), False),
        ):  # fmt: skip
            server.seen.clear()
            with door.tunnel(f"site.test:{server.port}") as sock:
                sock.sendall(first)
                assert read_until(sock, RETRY).count(RETRY) == 1
                for part in sent:
                    sock.sendall(part)
                if passes:
                    wait_for(partial(all_of, b"".join((first, *sent))))
                    assert b"r" * 32 in read_until(sock, b"r" * 32)
                else:
                    sock.shutdown(socket.SHUT_WR)
                    read_all(sock)
                    assert server.seen == [first]
    server.close()
    real = Server(tls(pem, web, "secp384r1"))
    with proxy(Decider()) as door:
        assert speak(door.tunnel(f"site.test:{real.port}"), pem, "site.test") == OK
    real.close()


@pytest.mark.parametrize(
    ("answer", "passes"),
    [
        (server_hello(), True), (b"\x15\3\3\0\2\2\x28", True), (b"\x15\3\1\0\2\2\x28", True), (server_hello() + b"\x17\3\3\0\1x", True),
        (b"220 mail.test ESMTP\r\n", False), (b"HTTP/1.1 400 Bad Request\r\n\r\n", False), (b"\x17\3\3\0\1x", False), (b"\x16\3\3\0\4\2\0\0\0", False),
        (records(hello()), False), (b"\x16\3\3\xff\xff", False), (server_hello()[:20], False),
    ],
)  # fmt: skip
def test_a_server_that_does_not_speak_tls_is_not_spoken_to(answer, passes) -> None:
    """A service may overlook the words that it does not know, and listen to those behind them."""

    def serve(server, sock):
        server.seen.append(b"")
        sock.recv(65536)
        sock.sendall(answer)
        sock.shutdown(socket.SHUT_WR)
        while data := sock.recv(65536):
            server.seen[-1] += data

    server = Server(serve)
    with proxy(Decider()) as door, door.tunnel(f"site.test:{server.port}") as sock:
        sock.sendall(records(hello(server_name(b"site.test"))))
        if passes:
            assert read_until(sock, answer) == answer
            sock.sendall(b"EHLO")
            wait_for(lambda: server.seen[0] == b"EHLO")
        else:
            assert read_all(sock) == b""
            wait_for(lambda: door.refused)
            assert server.seen in ([], [b""])
    server.close()


def test_a_name_that_leads_to_this_machine_is_not_this_machine(parrot) -> None:
    """Raw bytes are for what is asked for as `localhost`."""
    with proxy(Decider()) as door:
        for words in (b"hello\r\n", b"\0hello\r\n"):
            with door.tunnel(f"site.test:{parrot.port}") as sock:
                sock.sendall(words)
                assert b"hello" not in read_all(sock)


def test_a_server_that_speaks_first_is_not_heard_before_the_client() -> None:
    def serve(server, sock):
        sock.sendall(b"SSH-2.0-secret\r\n")
        read_all(sock)

    server = Server(serve)
    with proxy(Decider()) as door, door.tunnel(f"site.test:{server.port}") as sock:
        sock.settimeout(0.3)
        with pytest.raises(TimeoutError):
            sock.recv(100)
    server.close()


def test_words_that_come_with_the_request_for_a_tunnel_count(parrot) -> None:
    with proxy(Decider()) as door, door.dial() as sock:
        sock.sendall(f"CONNECT localhost:{parrot.port} HTTP/1.0\r\n\r\nearly".encode())
        assert read_until(sock, b"early").endswith(b"\r\n\r\nearly")


def test_half_closed_both_ways(parrot) -> None:
    def speaks_and_ends(server, sock):
        sock.sendall(b"bye")
        sock.shutdown(socket.SHUT_WR)
        server.seen.append(read_all(sock))

    server = Server(speaks_and_ends)
    with proxy(Decider()) as door:
        with door.tunnel(f"localhost:{parrot.port}") as sock:
            sock.sendall(b"abc")
            sock.shutdown(socket.SHUT_WR)
            assert read_all(sock) == b"abcend"
        with door.tunnel(f"localhost:{server.port}") as sock:
            assert read_all(sock) == b"bye"
            sock.sendall(b"still here")
            sock.shutdown(socket.SHUT_WR)
            wait_for(lambda: server.seen == [b"still here"])
    server.close()


def test_a_broken_connection_is_broken_on_the_other_side() -> None:
    broken = []

    def serve(server, sock):
        sock.sendall(b"x")
        try:
            sock.recv(10)
        except ConnectionResetError:
            broken.append(True)

    server = Server(serve)
    with proxy(Decider()) as door:
        sock = door.tunnel(f"localhost:{server.port}")
        sock.recv(1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        sock.close()
        wait_for(lambda: broken)
    server.close()


def test_much_goes_through_both_ways_at_once(parrot) -> None:
    data = bytes(range(256)) * 40_000
    with proxy(Decider()) as door, door.tunnel(f"localhost:{parrot.port}") as sock, ThreadPoolExecutor(1) as pool:
        got = pool.submit(read_all, sock)
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        assert got.result() == data + b"end"


def test_two_hundred_at_once(origin, parrot) -> None:
    with proxy(Decider()) as door:
        tunnels = [door.tunnel(f"localhost:{parrot.port}") for _ in range(100)]
        with ThreadPoolExecutor(100) as pool:
            replies = list(pool.map(lambda n: door.ask(get(origin.port, path=f"/{n}")), range(100)))
        assert all(reply.endswith(b"ok") for reply in replies)
        assert sorted(int(s.split(b" ")[1][1:]) for s in origin.seen) == list(range(100))
        for n, sock in enumerate(tunnels):
            sock.sendall(b"%d" % n)
        for n, sock in enumerate(tunnels):
            sock.shutdown(socket.SHUT_WR)
            assert read_all(sock) == b"%dend" % n
            sock.close()


# limits


def test_egress_connections_at_the_limit(shorter, origin, parrot) -> None:
    shorter("egress_connections", 3)
    with proxy(Decider()) as door:
        open_ = [door.tunnel(f"localhost:{parrot.port}") for _ in range(2)]
        assert door.ask(get(origin.port)).endswith(b"ok")  # the third
        open_.append(door.tunnel(f"localhost:{parrot.port}"))
        with door.dial() as fourth:
            fourth.sendall(get(origin.port))
            fourth.settimeout(0.4)
            with pytest.raises(TimeoutError):
                fourth.recv(10)
            fourth.settimeout(20)
            open_.pop().close()
            assert read_until(fourth, b"ok").endswith(b"ok")
        for sock in open_:
            sock.close()


def test_egress_head_bytes_at_the_limit(origin) -> None:
    most = limits.limit("egress_head_bytes")
    head = get(origin.port)[:-2] + b"X: %s\r\n\r\n"
    room = most - len(head) + 2
    with proxy(Decider()) as door:
        assert door.ask(head % (b"a" * room)).endswith(b"ok")
        assert door.ask(head % (b"a" * (room + 1))).startswith(b"HTTP/1.1 431 ")
        assert door.ask(b"GET http://site.test/" + b"a" * (most + 1)).startswith(b"HTTP/1.1 431 ")
    assert len(origin.seen) == 1


def test_egress_headers_at_the_limit(origin) -> None:
    most = limits.limit("egress_headers")
    with proxy(Decider()) as door:
        assert door.ask(get(origin.port)[:-2] + b"X: a\r\n" * (most - 1) + b"\r\n").endswith(b"ok")
        assert door.ask(get(origin.port)[:-2] + b"X: a\r\n" * most + b"\r\n").startswith(b"HTTP/1.1 431 ")


def test_egress_reply_head_bytes_at_the_limit() -> None:
    most = limits.limit("egress_reply_head_bytes")

    def serve(server, sock):
        read_until(sock, b"\r\n\r\n")
        sock.sendall(server.reply)

    server = Server(serve)
    interim, head = b"HTTP/1.1 103 Early Hints\r\n\r\n", b"HTTP/1.1 204 No\r\nX: %s\r\n\r\n"
    room = most - len(head) - len(interim) + 2
    with proxy(Decider()) as door:
        server.reply = interim + head % (b"a" * room)
        assert b"HTTP/1.1 204 No" in door.ask(get(server.port))
        server.reply = interim + head % (b"a" * (room + 1))
        assert b"HTTP/1.1 204 No" not in door.ask(get(server.port))
        server.reply = interim * (most // len(interim) + 1)
        door.ask(get(server.port))
    server.close()


def test_egress_hello_bytes_at_the_limit() -> None:
    most = limits.limit("egress_hello_bytes")
    server = Server(hold)
    small = hello(server_name(b"site.test"), b"\0\x15\0\0")
    with proxy(Decider()) as door:
        for extra, passes in ((most - len(small) - 5, True), (most - len(small) - 4, False)):
            server.seen.clear()
            first = records(hello(server_name(b"site.test"), b"\0\x15" + extra.to_bytes(2, "big") + bytes(extra)))
            assert len(first) == most + (not passes)
            with door.tunnel(f"site.test:{server.port}") as sock:
                sock.sendall(first)
                if passes:
                    wait_for(lambda: server.seen and len(server.seen[0]) == most)
                else:
                    read_all(sock)
                    assert not any(server.seen)
        with door.tunnel(f"site.test:{server.port}") as sock:  # a hello that never ends
            sock.sendall(b"\x16\3\1\0\4\1\0\x3f\xf0" + b"\x16\3\1\0\1\0" * (most // 6 + 1))
            assert read_all(sock) == b""
    server.close()


def test_egress_buffer_bytes_at_the_limit(shorter) -> None:
    """A reader that does not read is not read for: what is held is the buffer, and the system's own."""
    shorter("egress_buffer_bytes", 1000)
    sizes = []

    def serve(server, sock):
        sock.settimeout(0.5)
        sent = 0
        try:
            while sent < 100_000_000:
                sent += sock.send(b"a" * 1_000_000)
        except TimeoutError:
            sizes.append(sent)

    server = Server(serve)
    with proxy(Decider()) as door, door.tunnel(f"localhost:{server.port}"):
        wait_for(lambda: sizes)
    assert sizes[0] < 30_000_000
    server.close()


def test_what_is_read_at_once_is_the_buffer(shorter) -> None:
    import asyncio

    from policy_lang.egress.wires import Wire

    shorter("egress_buffer_bytes", 1000)

    async def read() -> list[int]:
        near, far = socket.socketpair()
        with far:
            far.sendall(b"a" * 1001)
            wire = Wire(near)
            found = [len(await wire.receive()), len(await wire.receive())]
            wire.close()
            return found

    assert asyncio.run(read()) == [1000, 1]


def test_slow_heads_are_cut(shorter, origin) -> None:
    shorter("egress_head_seconds", 0.5)
    with proxy(Decider()) as door:
        begun = time.monotonic()
        with door.dial() as sock:
            for byte in get(origin.port)[:-1]:
                try:
                    sock.sendall(bytes([byte]))
                except OSError:
                    break
                time.sleep(0.05)
            assert time.monotonic() - begun < 3
            assert read_all(sock)[:13] in {b"HTTP/1.1 408 ", b""}
        with door.dial() as silent:
            assert read_all(silent) == b""
        with door.tunnel(f"site.test:{origin.port}") as sock:
            sock.sendall(records(hello(server_name(b"site.test")))[:20])
            assert read_all(sock) == b""
        wait_for(lambda: any("TLS has not begun" in reason for _, reason in door.refused))
        assert door.ask(get(origin.port)).endswith(b"ok")


def test_idle_connections_are_cut(shorter, parrot) -> None:
    shorter("egress_idle_seconds", 0.6)
    silent = Server(lambda server, sock: time.sleep(5))
    with proxy(Decider()) as door:
        with door.tunnel(f"localhost:{parrot.port}") as sock:
            for _ in range(4):  # one way is enough
                time.sleep(0.3)
                sock.sendall(b"a")
                assert sock.recv(1) == b"a"
            begun = time.monotonic()
            assert read_all(sock) == b""
            assert 0.3 < time.monotonic() - begun < 3
        assert door.ask(get(silent.port)).startswith(b"HTTP/1.1 504 ")
    silent.close()


def test_last_words_are_taken_in_their_time(shorter) -> None:
    shorter("egress_linger_seconds", 0.3)
    with proxy(Decider(False)) as door, door.dial() as sock:
        sock.sendall(
            b"PUT http://site.test/ HTTP/1.1\r\nHost: site.test\r\nContent-Length: 100000\r\n\r\n" + b"a" * 50_000
        )
        assert read_all(sock).endswith(b"says so\n")
        time.sleep(0.6)
        with pytest.raises(OSError):
            for _ in range(10):
                sock.sendall(b"a" * 1000)
                time.sleep(0.02)


def test_egress_reason_characters_at_the_limit() -> None:
    most = limits.limit("egress_reason_characters")
    for count in (most, most + 1):
        with proxy(Decider(lambda *_, count=count: Ruling(False, "ä" * count))) as door:
            page = door.ask(get(80)).partition(b"\r\n\r\n")[2].decode()
        assert page == "ä" * most + "\n"


# tunnels to one service


def test_a_service_of_this_machine(parrot) -> None:
    decide = Decider()
    with tunnel(decide, ("127.0.0.1", parrot.port)) as door, door.dial() as sock:
        sock.sendall(b"\0\1raw")
        sock.shutdown(socket.SHUT_WR)
        assert read_all(sock) == b"\0\1rawend"
    assert decide.asked == [(f"localhost:{parrot.port}", None, ())]


def test_a_service_that_is_refused_or_gone(parrot) -> None:
    with tunnel(Decider(False), ("127.0.0.1", parrot.port)) as door:
        assert door.ask(b"x") == b""
        assert not door.refused and not parrot.taken
    with listen() as gone:
        port = gone.getsockname()[1]
    with tunnel(Decider(), ("127.0.0.1", port)) as door:
        assert door.ask(b"x") == b""
        wait_for(lambda: door.refused and "cannot be reached" in door.refused[0][1])


def test_a_tunnel_leads_to_this_machine_only() -> None:
    with listen() as listener, pytest.raises(AssertionError):
        Tunnel(Decider(), listener, ("192.0.2.1", 80))


# real clients


@needs("curl is not installed", there=CURL is not None)
def test_curl(origin, secure, pem) -> None:
    def curl(*words: str) -> str:
        command = [CURL, "-sS", "--max-time", "20", "-x", f"http://127.0.0.1:{door.port}", "--noproxy", "", *words]
        done = subprocess.run(command, capture_output=True, text=True, env={}, check=False)
        return done.stdout + done.stderr

    decide = Decider(lambda url, method, _: "secret" not in url)
    with proxy(decide) as door:
        assert curl(f"http://site.test:{origin.port}/a") == "ok"
        assert curl("-d", "@-", f"http://site.test:{origin.port}/a") == "ok"
        assert curl("-H", "Transfer-Encoding: chunked", "-d", "abc", f"http://site.test:{origin.port}/a") == "ok"
        assert curl("-d", "a" * 100_000, "-H", "Expect: 100-continue", f"http://site.test:{origin.port}/a") == "ok"
        assert curl("-0", f"http://site.test:{origin.port}/a") == "ok"
        assert curl("--cacert", str(pem), f"https://site.test:{secure.port}/b") == "ok"
        assert curl("-p", f"http://localhost:{origin.port}/c") == "ok"
        assert "rule `x` says so" in curl(f"http://site.test:{origin.port}/secret")
        assert "403" in curl(f"https://secret.test:{secure.port}/")
        assert (
            curl("--cacert", str(pem), f"http://site.test:{origin.port}/1", f"http://site.test:{origin.port}/2")
            == "okok"
        )


def test_python_s_own_client(origin, secure, pem) -> None:
    import urllib.request

    with proxy(Decider()) as door:
        handler = urllib.request.ProxyHandler(dict.fromkeys(("http", "https"), f"http://127.0.0.1:{door.port}"))
        context = ssl.create_default_context(cafile=str(pem))
        opener = urllib.request.build_opener(handler, urllib.request.HTTPSHandler(context=context))
        assert opener.open(f"http://site.test:{origin.port}/", timeout=20).read() == b"ok"
        assert opener.open(f"https://site.test:{secure.port}/", timeout=20).read() == b"ok"


def test_no_thread_outlives_the_proxy(origin) -> None:
    before = threading.active_count()
    with proxy(Decider()) as door, ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda n: door.ask(get(origin.port)), range(60)))
    wait_for(lambda: threading.active_count() <= before)


# whatever comes

PIECES = [
    b"GET", b"POST", b"CONNECT", b" ", b"  ", b"\t", b"\r\n", b"\n", b"\r", b"\0", b":", b": ", b"http://site.test/", b"http://", b"site.test", b":80", b"site.test:443", b"/a?b", b"@", b"#",
    b"HTTP/1.1", b"HTTP/1.0", b"Host", b"Host: site.test\r\n", b"Content-Length", b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding", b"chunked", b"5", b"0",
    b"Connection: host, content-length\r\n", b"Connection: close\r\n", b"Upgrade: x\r\n", b"X: y\r\n", b",", b"\xff", b"\x0b", b"[::1]", b"GET http://site.test/ HTTP/1.1\r\nHost: site.test\r\n",
]  # fmt: skip


@settings(max_examples=share(900, 50_000))
@given(st.lists(st.sampled_from(PIECES), max_size=9), st.booleans())
def test_what_is_handed_on_is_one_request_that_was_decided(pieces, whole) -> None:
    from policy_lang.egress.messages import HttpRequest
    from policy_lang.egress.wires import EgressError

    begin = b"POST http://site.test/ HTTP/1.1\r\nHost: site.test\r\n" if whole else b""
    try:
        request = HttpRequest(begin + b"".join(pieces) + b"\r\n\r\n")
    except EgressError as error:
        assert error.status in {400, 431, 501}
        return
    if request.tunnel:
        assert request.url.startswith("https://") and request.url.count("/") == 2
        return
    first, *lines, last, end = request.onward().split(b"\r\n")
    assert (last, end) == (b"", b"")
    assert not any(c in line for line in (first, *lines) for c in b"\r\n\0")
    method, path, version = first.decode().split(" ")
    names = [line.partition(b":")[0].lower() for line in lines]
    assert names.count(b"host") == names.count(b"connection") == 1
    assert names.count(b"content-length") + names.count(b"transfer-encoding") <= 1
    assert not {b"upgrade", b"te", b"trailer", b"keep-alive"} & set(names)
    host = lines[names.index(b"host")].removeprefix(b"Host: ").decode()
    assert (request.method, request.url) == (method, f"http://{host}{path}")
    assert version in {"HTTP/1.1", "HTTP/1.0"}


@settings(max_examples=share(900, 50_000))
@given(st.data())
def test_a_hello_is_read_or_refused(data) -> None:
    from policy_lang.egress.clienthello import server_name as read
    from policy_lang.egress.wires import EgressError

    message = bytearray(hello(b"\0\x15\0\2ab", server_name(b"site.test"), b"\0\x2b\0\3\2\3\4"))
    for _ in range(data.draw(st.integers(0, 3))):
        place = data.draw(st.integers(0, len(message) - 1))
        message[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    try:
        found = read(bytes(message))
    except EgressError as error:
        assert error.status == 403
    else:
        assert found is None or (found.isprintable() and found.encode() in bytes(message).lower())
