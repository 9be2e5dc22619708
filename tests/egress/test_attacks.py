"""Attempts to get out by the proxy to what the policy does not grant. The canary listens where none may come.

What goes another way than by the proxy (datagrams, raw sockets, IPv6, `NO_PROXY`) is tried behind real walls, in
`tests/walls/escapes/network.py`.
"""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from policy_lang import Policy
from policy_lang.domain.request import Request
from policy_lang.egress.port import ConnectionPort
from policy_lang.egress.proxy import Proxy
from tests.egress.outside import Door, hello, listen, records, server_name
from tests.needs import require

require("httptools")
GRANTED = "127.0.0.2"
"""Where the one granted host is."""
CANARIES = ("127.0.0.1", "127.0.0.3", "::1")
RULES = """policy "p"
allow connect "http://granted.test:{port}/granted/**", "https://tunnel.test:{port}", "{address}:{port}"
allow connect "http://moved.test:{port}", "http://several.test:{port}", "http://private.test:{port}"
allow connect "http://mapped.test:{port}", "http://metadata.test:{port}", "http://zero.test:{port}", "http://crowd.test:{port}"
"""
NAMES = {
    "granted.test": [GRANTED], "tunnel.test": [GRANTED], "several.test": [GRANTED, "127.0.0.1"], "private.test": ["::1"], "zero.test": ["0.0.0.0"],
    "mapped.test": ["::ffff:127.0.0.1"], "metadata.test": ["169.254.169.254"], "crowd.test": [f"127.0.9.{n}" for n in range(200)],
}  # fmt: skip


@dataclass
class Place:
    """A proxy by a policy, the granted host, and canaries at the same port of other addresses."""

    door: Door
    port: int
    taken: list[bytes] = field(default_factory=list)
    """What canaries got, one entry for each connection."""
    got: list[bytes] = field(default_factory=list)
    """What the granted host got, one entry for each connection."""
    looked_up: list[str] = field(default_factory=list)
    moves: list[list[str]] = field(default_factory=list)


def serve(listener: socket.socket, notes: list[bytes], answer: bytes) -> None:
    def one(sock: socket.socket) -> None:
        place = len(notes)
        notes.append(b"")
        sock.settimeout(20)
        with contextlib.suppress(OSError), sock:
            while data := sock.recv(65536):
                notes[place] += data
                if re.search(rb"\n\r?\n", data):
                    sock.sendall(answer)

    def run() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=one, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=run, daemon=True).start()


def listeners() -> list[socket.socket]:
    """The granted host and the canaries, all at one port."""
    for _ in range(50):
        first = listen(GRANTED)
        port, made = first.getsockname()[1], [first]
        try:
            for address in CANARIES:
                made.append(
                    socket.create_server((address, port), family=socket.AF_INET6 if ":" in address else socket.AF_INET)
                )
        except OSError:  # somebody else has it there
            for one in made:
                one.close()
        else:
            return made
    raise AssertionError("no port is free at every address")


@pytest.fixture
def place(tmp_path) -> Iterator[Place]:
    made = listeners()
    port = made[0].getsockname()[1]
    path = tmp_path / "p.policy"
    path.write_text(RULES.replace("{port}", str(port)).replace("{address}", GRANTED))
    decisions = ConnectionPort(Policy.load(str(path)), Request("connect", "localhost", agent="a"))
    listener = listen()
    found = Place(None, port)  # type: ignore[arg-type]

    def resolve(name: str, _: int) -> list[str]:
        found.looked_up.append(name)
        if name == "moved.test":
            return found.moves.pop(0)
        if name not in NAMES:
            raise socket.gaierror(-2, "Name or service not known")
        return NAMES[name]

    served = Proxy(
        decisions.connection, listener, at_once=decisions.at_once, foresee=decisions.may_connect, resolve=resolve
    )
    found.door = Door(listener, served, [])
    ok = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    serve(made[0], found.got, ok)
    for canary in made[1:]:
        serve(canary, found.taken, ok)
    served.start()
    yield found
    served.stop()
    for one in made:
        one.shutdown(socket.SHUT_RDWR)
        one.close()
    assert found.taken == []


def test_the_granted_host_is_reached_and_a_canary_hears(place: Place) -> None:
    reply = place.door.ask(
        f"GET http://granted.test:{place.port}/granted/a HTTP/1.1\r\nHost: granted.test:{place.port}\r\n\r\n".encode()
    )
    assert reply.endswith(b"ok") and len(place.got) == 1
    for address in CANARIES:
        with socket.create_connection((address, place.port), 20) as sock:
            sock.sendall(b"x\r\n\r\n")
            assert sock.recv(100)
    assert len(place.taken) == len(CANARIES)
    place.taken.clear()


# addresses, in every spelling, by every way

HOSTS = [
    "127.0.0.1", "127.0.0.3", "0.0.0.0", "0", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:7f00:0001]", "[::127.0.0.1]",
    "2130706433", "0177.0.0.1", "0x7f.0.0.1", "0x7f000001", "127.1", "127.0.1", "017700000001", "0x7f.1", "00000177.0.0.01", "127.0.0.1.", "169.254.169.254", "[fe80::1]",
    "[fe80::1%25lo]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "localhost", "LOCALHOST", "localhost.", "foo.localhost", "ip6-localhost", "localhost.localdomain",
    "metadata.google.internal", "127.0.0.1.granted.test", "granted.test.evil.test", "evil-granted.test", "xn--granted-.test", "10.0.0.1", "192.168.1.1", "172.16.0.1", "100.64.0.1", "[fd00::1]", "255.255.255.255", "224.0.0.1",
]  # fmt: skip
MALFORMED = [
    "\uff11\uff12\uff17.0.0.1", "\u246027.0.0.1", "granted.test%00.evil.test", "granted.test\0.evil.test", "granted.test@127.0.0.1", "127.0.0.1#granted.test", "127.0.0.1/granted.test",
    "127.0.0.1?granted.test", "granted.test\\@127.0.0.1", "[127.0.0.1]", "[::1", "::1", "granted.test..", "", "a" * 300, "granted.test\t", "granted..test", "[granted.test]", "256.0.0.1", "1.2.3.4.5", "0x100000000", "127.0.0.0x",
]  # fmt: skip


def socks_name(host: str, port: int) -> bytes:
    data = host.encode()
    return b"\5\1\0\5\1\0\3" + bytes([min(len(data), 255)]) + data[:255] + struct.pack(">H", port)


WAYS = {
    "CONNECT": lambda host, port: f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode(),
    "GET": lambda host, port: f"GET http://{host}:{port}/granted/a HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode(),
    "SOCKS": socks_name,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("host", [*HOSTS, *MALFORMED])
def test_no_spelling_of_another_host_gets_out(place: Place, host: str, way: str) -> None:
    reply = place.door.ask(WAYS[way](host, place.port) + b"GET /granted/a HTTP/1.1\r\n\r\n")
    assert b" 200 " not in reply and not reply.removeprefix(b"\5\0").startswith(b"\5\0")
    assert place.got == [] and place.looked_up == []


@pytest.mark.parametrize(
    "kind", ["127.0.0.1", "0.0.0.0", "169.254.169.254", "::1", "::", "::ffff:127.0.0.1", "::127.0.0.1", "fe80::1"]
)
def test_no_address_of_socks_gets_out(place: Place, kind: str) -> None:
    family = socket.AF_INET6 if ":" in kind else socket.AF_INET
    request = (
        b"\5\1\0\5\1\0"
        + (b"\4" if ":" in kind else b"\1")
        + socket.inet_pton(family, kind)
        + struct.pack(">H", place.port)
    )
    assert place.door.ask(request)[2:4] == b"\5\2"


@pytest.mark.parametrize(
    "port", ["0", "65536", "+80", " 80", "80 ", "-1", "0x50", "\uff18\uff10", "", "99999999999999999999", "80,443"]
)
def test_no_odd_port_gets_out(place: Place, port: str) -> None:
    for way in ("CONNECT", "GET"):
        words = WAYS[way]("granted.test", 77777).decode().replace("77777", port).encode()
        assert not place.door.ask(words).startswith(b"HTTP/1.1 200 ")
    assert place.got == []


# names


@pytest.mark.parametrize(
    "name", ["several.test", "private.test", "mapped.test", "metadata.test", "zero.test", "crowd.test"]
)
def test_a_granted_name_does_not_lead_to_private_addresses(place: Place, name: str) -> None:
    for words in (WAYS["CONNECT"](name, place.port), WAYS["GET"](name, place.port), socks_name(name, place.port)):
        assert b" 200 " not in place.door.ask(words)
    assert place.got == []


def test_a_name_that_moves_is_decided_by_where_it_leads_each_time(place: Place) -> None:
    place.moves[:] = [[GRANTED], ["127.0.0.1"], [GRANTED], ["127.0.0.3"]]
    words = WAYS["GET"]("moved.test", place.port)
    replies = place.door.ask(words * 4)
    assert re.findall(rb"HTTP/1\.1 (\d+)", replies) == [b"200", b"403", b"200", b"403"]
    assert place.looked_up == ["moved.test"] * 4


@pytest.mark.parametrize("way", WAYS)
def test_words_are_not_carried_out_by_look_ups(place: Place, way: str) -> None:
    for label in ("c2VjcmV0", "a" * 63, "x.y.z"):
        place.door.ask(WAYS[way](f"{label}.evil.test", 443))
    assert place.looked_up == []


def test_a_redirect_is_followed_by_nobody_here(place: Place) -> None:
    """The client follows it, and is decided anew."""
    first = WAYS["GET"]("granted.test", place.port)
    replies = place.door.ask(first + WAYS["GET"]("127.0.0.1", place.port))
    assert re.findall(rb"HTTP/1\.1 (\d+)", replies) == [b"200", b"403"]


# requests that two readers take differently

SECRET = b"GET /secret HTTP/1.1\r\nHost: granted.test\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
POST = b"POST http://{host}/granted/a HTTP/1.1\r\nHost: {host}\r\n"
SMUGGLED: dict[str, bytes] = {
    "CL.TE": POST + b"Content-Length: %d\r\n" % (len(SECRET) + 5) + CHUNKED + b"\r\n0\r\n\r\n" + SECRET,
    "TE.CL": POST + CHUNKED + b"Content-Length: 4\r\n\r\n%x\r\n" % len(SECRET) + SECRET + b"\r\n0\r\n\r\n",
    "two lengths": POST + b"Content-Length: 0\r\nContent-Length: %d\r\n\r\n" % len(SECRET) + SECRET,
    "the same length twice": POST + b"Content-Length: 0\r\nContent-Length: 0\r\n\r\n" + SECRET,
    "a list of lengths": POST + b"Content-Length: 0, %d\r\n\r\n" % len(SECRET) + SECRET,
    "the second request is secret": b"GET http://{host}/granted/a HTTP/1.1\r\nHost: {host}\r\n\r\nGET http://{host}/secret HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "the second request has no URL": b"GET http://{host}/granted/a HTTP/1.1\r\nHost: {host}\r\n\r\n" + SECRET,
    "behind a body": POST + b"Content-Length: 1\r\n\r\na" + SECRET,
    "behind the last chunk": POST + CHUNKED + b"\r\n1\r\na\r\n0\r\n\r\n" + SECRET,
    "in a trailer": POST + CHUNKED + b"\r\n0\r\nContent-Length: 9\r\n\r\n" + SECRET,
    "in a trailer's line": POST + CHUNKED + b"\r\n0\r\nX: y\n\nGET /secret HTTP/1.1\r\n\r\n",
    "in a chunk's extension": POST + CHUNKED + b"\r\n1;a=\n" + SECRET + b"\r\na\r\n0\r\n\r\n",
    "in a chunk's extension with CR": POST + CHUNKED + b"\r\n1;a=\r" + SECRET + b"\r\na\r\n0\r\n\r\n",
    "a chunk that is too long": POST + CHUNKED + b"\r\n1\r\nab\r\n0\r\n\r\n" + SECRET,
    "a chunk without its end": POST + CHUNKED + b"\r\n1\r\na0\r\n\r\n" + SECRET,
    "a chunk's size beyond 64 bits": POST + CHUNKED + b"\r\n10000000000000001\r\na\r\n0\r\n\r\n" + SECRET,
    "a negative chunk": POST + CHUNKED + b"\r\n-1\r\na\r\n0\r\n\r\n" + SECRET,
    "a chunk's size with 0x": POST + CHUNKED + b"\r\n0x1\r\na\r\n0\r\n\r\n" + SECRET,
    "a chunk's size with a space": POST + CHUNKED + b"\r\n1 \r\na\r\n0\r\n\r\n" + SECRET,
    "a chunk's size with a line feed": POST + CHUNKED + b"\r\n1\na\r\n0\r\n\r\n" + SECRET,
    "an empty chunk's size": POST + CHUNKED + b"\r\n\r\n0\r\n\r\n" + SECRET,
    "chunks in HTTP/1.0": (POST + CHUNKED).replace(b"HTTP/1.1", b"HTTP/1.0") + b"\r\n0\r\n\r\n" + SECRET,
    "a body for GET": POST.replace(b"POST", b"GET") + b"Content-Length: %d\r\n\r\n" % len(SECRET) + SECRET,
    "a body for HEAD": POST.replace(b"POST", b"HEAD") + b"Content-Length: %d\r\n\r\n" % len(SECRET) + SECRET,
    "CONNECT with a body": b"CONNECT {host} HTTP/1.1\r\nHost: {host}\r\nContent-Length: %d\r\n\r\n" % len(SECRET) + SECRET,
    "CONNECT in chunks": b"CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n" + CHUNKED + b"\r\n0\r\n\r\n" + SECRET,
    "CONNECT and plain words": b"CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n\r\n" + SECRET.replace(b"granted.test", b"{host}"),
    "a tunnel and another host": b"CONNECT {tunnel} HTTP/1.1\r\nHost: {tunnel}\r\n\r\nGET /granted/a HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "a tunnel and a URL": b"CONNECT {tunnel} HTTP/1.1\r\nHost: {tunnel}\r\n\r\nGET http://{host}/secret HTTP/1.1\r\nHost: {tunnel}\r\n\r\n",
    "a tunnel in a tunnel": b"CONNECT {tunnel} HTTP/1.1\r\nHost: {tunnel}\r\n\r\nCONNECT 127.0.0.1:80 HTTP/1.1\r\nHost: 127.0.0.1:80\r\n\r\n" + SECRET,
    "CONNECT and another host": b"CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n\r\nGET /granted/a HTTP/1.1\r\nHost: secret.test\r\n\r\n",
    "an upgrade to h2c": POST + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nContent-Length: 0\r\n\r\n" + SECRET,
    "an upgrade to WebSocket": POST.replace(b"POST", b"GET") + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n" + SECRET,
    "HTTP/2 at once": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SECRET,
    "a request that expects": POST + b"Expect: 100-continue\r\nContent-Length: 1\r\n\r\na" + SECRET,
    "the length named away": POST + b"Connection: content-length\r\nContent-Length: %d\r\n\r\n" % len(SECRET) + SECRET,
    "the host named away": POST.replace(b"POST", b"GET") + b"Connection: host\r\n\r\n",
    "another Host": b"GET http://{host}/granted/a HTTP/1.1\r\nHost: secret.test\r\n\r\n",
    "two Hosts": b"GET http://{host}/granted/a HTTP/1.1\r\nHost: {host}\r\nHost: secret.test\r\n\r\n",
    "a Host with a space before": b"GET http://{host}/granted/a HTTP/1.1\r\n Host: secret.test\r\nHost: {host}\r\n\r\n",
    "a Host with a tab behind": b"GET http://{host}/granted/a HTTP/1.1\r\nHost\t: secret.test\r\nHost: {host}\r\n\r\n",
    "no Host": b"GET http://{host}/granted/a HTTP/1.1\r\n\r\n",
    "a folded line": POST + b"X: y\r\n Content-Length: 0\r\n\r\n" + SECRET,
    "a bare line feed": POST + b"X: y\nContent-Length: 0\r\n\r\n" + SECRET,
    "a bare line feed at the end": POST + b"Content-Length: 0\r\n\n" + SECRET,
    "only line feeds": (POST + b"\r\n").replace(b"\r\n", b"\n") + SECRET,
    "a bare carriage return": POST + b"X: y\rContent-Length: 9\r\n\r\n" + SECRET,
    "NUL in a value": POST + b"X: \0\r\nContent-Length: 0\r\n\r\n" + SECRET,
    "NUL in the target": b"GET http://{host}/granted/\0/secret HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "a space in the target": b"GET http://{host}/granted/a /secret HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "a line feed in the target": b"GET http://{host}/granted/a\nGET /secret HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "HTTP/0.9": b"GET http://{host}/secret\r\n\r\n",
    "HTTP/1.2": b"GET http://{host}/granted/a HTTP/1.2\r\nHost: {host}\r\n\r\n",
    "dots in the path": b"GET http://{host}/granted/../secret HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "escaped dots in the path": b"GET http://{host}/granted/%2e%2e/secret HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "an escaped slash in the path": b"GET http://{host}/granted%2f..%2fsecret HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "a backslash in the path": b"GET http://{host}/granted/..\\secret HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "two slashes": b"GET http://{host}//secret HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "a fragment": b"GET http://{host}/secret#/granted/a HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "no scheme": b"GET {host}/granted/a HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "https in plain words": b"GET https://{host}/granted/a HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "another scheme": b"GET ftp://{host}/granted/a HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "a method in lower case": b"get http://{host}/granted/a HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "an unknown method": b"PROPFIND http://{host}/secret HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "empty lines before": b"\r\n\r\nGET http://{host}/secret HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "a header without a name": POST + b": y\r\nContent-Length: 0\r\n\r\n" + SECRET,
    "a header without a colon": POST + b"Content-Length 0\r\n\r\n" + SECRET,
    "a very long line": POST + b"X: " + b"y" * 70_000 + b"\r\n\r\n" + SECRET,
    "very many headers": POST + b"X: y\r\n" * 2_000 + b"\r\n" + SECRET,
    **{
        f"TE {value!r}": POST + value + b"\r\nContent-Length: %d\r\n\r\n0\r\n\r\n" % (len(SECRET) + 5) + SECRET
        for value in (
            b"Transfer-Encoding: xchunked", b"Transfer-Encoding : chunked", b"Transfer-Encoding: chunked, identity", b"Transfer-Encoding: identity, chunked",
            b"Transfer-Encoding:\x0bchunked", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x", b"Transfer_Encoding: chunked", b"X: y\r\n\tTransfer-Encoding: chunked", b'Transfer-Encoding: "chunked"',
            b"Transfer-Encoding:\r\n chunked", b"Transfer-Encoding: chunked;q=1", b"TE: chunked", b"Transfer-Encoding: CHUNKED", b"\tTransfer-Encoding: chunked", b"Transfer-Encoding\0: chunked",
        )
    },
    **{
        f"CL {value!r}": POST + b"Content-Length: " + value + b"\r\n\r\n" + SECRET
        for value in (b"+0", b"-1", b"0x0", b"0 0", b"1e1", b"", b"0\t1", b"00000000000000000000", b"18446744073709551616", "\u0660".encode(), b"0;", b"0,0")
    },
}  # fmt: skip


def readings(raw: bytes) -> Iterator[bytes]:
    """The targets of all requests that some reader takes these bytes for: by lengths or by chunks first, strict or not."""
    for chunks_first in (True, False):
        rest = raw
        while rest:
            found = re.search(rb"\r?\n\r?\n", rest)
            if not found:
                break
            head, rest = rest[: found.start()], rest[found.end() :]
            words = head.lstrip().split(None, 2)
            yield words[1] if len(words) > 1 else b""
            yield from (m[1] for m in re.finditer(rb"[\r\n][A-Z]+ (\S+) HTTP/1", head))
            yield from (b"host " + m for m in re.findall(rb"(?i)\n\s*host\s*:\s*(\S+)", head))
            chunked = re.search(rb"(?i)transfer.encoding[^\n]*chunked", head)
            length = re.search(rb"(?i)content-length\s*:\s*(\d+)", head)
            if chunked and (chunks_first or not length):
                rest = rest.partition(b"0\r\n\r\n")[2]
            elif length:
                rest = rest[int(length[1]) :]


@pytest.mark.parametrize("name", SMUGGLED)
def test_nothing_is_smuggled(place: Place, name: str) -> None:
    host = f"granted.test:{place.port}".encode()
    place.door.ask(SMUGGLED[name].replace(b"{host}", host).replace(b"{tunnel}", host.replace(b"granted", b"tunnel")))
    for got in place.got:
        for target in readings(got):
            assert target.startswith(b"/granted/") or target == b"host " + host, got
            assert b".." not in target and b"secret" not in target, got


# server names


TLS = {
    "none": records(hello()), "another": records(hello(server_name(b"secret.test"))), "a longer one": records(hello(server_name(b"tunnel.test.secret.test"))),
    "one with a dot behind": records(hello(server_name(b"tunnel.test."))), "an address": records(hello(server_name(b"127.0.0.1"))), "one with NUL": records(hello(server_name(b"tunnel.test\0.secret.test"))),
    "two extensions": records(hello(server_name(b"tunnel.test"), server_name(b"secret.test"))), "two names": records(hello(b"\0\0" + struct.pack(">HH", 27, 25) + b"\0\0\x0btunnel.test\0\0\x08secret.t")),
    "an empty one": records(hello(server_name(b""))), "another kind": records(hello(server_name(b"tunnel.test", kind=1))), "two hellos": records(hello(server_name(b"tunnel.test")) + hello(server_name(b"secret.test"))),
    "a hello of SSL 2": b"\x80\x2e\1\0\2" + bytes(60), "a hello that never ends": records(hello(server_name(b"tunnel.test"))[:-3]) + records(b"x" * 20_000, 5), "SSH": b"SSH-2.0-x\r\n", "SMTP": b"EHLO tunnel.test\r\n", "zeros": bytes(100),
}  # fmt: skip


@pytest.mark.parametrize("way", ["CONNECT", "SOCKS"])
@pytest.mark.parametrize("name", TLS)
def test_no_other_server_name_gets_out(place: Place, name: str, way: str) -> None:
    place.door.ask(WAYS[way]("tunnel.test", place.port) + TLS[name])
    assert not any(place.got)


# who is asking


@pytest.mark.parametrize(
    "header",
    [
        "Proxy-Authorization: Basic b3duZXI6eA==",
        "X-Forwarded-For: 127.0.0.1",
        "Forwarded: for=127.0.0.1;by=owner",
        "X-Policy-Agent: owner",
        "Via: 1.1 policy-lang",
        "X-Confined: true",
    ],
)
def test_nothing_that_is_said_makes_it_somebody_else(place: Place, header: str) -> None:
    words = (
        f"GET http://granted.test:{place.port}/secret HTTP/1.1\r\nHost: granted.test:{place.port}\r\n{header}\r\n\r\n"
    )
    assert place.door.ask(words.encode()).startswith(b"HTTP/1.1 403 ")
    assert place.got == []
