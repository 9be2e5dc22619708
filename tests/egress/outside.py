"""What the tests of the proxy need outside of the walls: small servers, certificates, a port that decides."""

from __future__ import annotations

import contextlib
import datetime as dt
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from policy_lang.egress.proxy import Proxy, Tunnel

ESTABLISHED = b"HTTP/1.1 200 Connection Established\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def listen(address: str = "127.0.0.1", backlog: int = 300) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, 0))
    listener.listen(backlog)
    return listener


class Server:
    """Hands each connection to `serve` in a thread, and closes it afterwards. `seen` is what `serve` notes."""

    def __init__(self, serve: Callable[[Server, socket.socket], None], address: str = "127.0.0.1") -> None:
        self.seen: list[Any] = []
        self.taken = 0
        self._serve = serve
        self._listener = listen(address)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                self.taken += 1
                threading.Thread(target=self._one, args=(sock,), daemon=True).start()

    def _one(self, sock: socket.socket) -> None:
        sock.settimeout(20)
        with contextlib.suppress(OSError), sock:
            self._serve(self, sock)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def read_until(sock: socket.socket, end: bytes) -> bytes:
    data = b""
    while end not in data:
        part = sock.recv(65536)
        if not part:
            break
        data += part
    return data


def read_all(sock: socket.socket) -> bytes:
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while part := sock.recv(65536):
            data += part
    return data


def web(server: Server, sock: socket.socket) -> None:
    """A small web server, which believes the framing of its first request and notes all that it gets."""
    data = read_until(sock, b"\r\n\r\n")
    head, _, body = data.partition(b"\r\n\r\n")
    low = head.lower()
    if b"transfer-encoding: chunked" in low:
        while not body.endswith(b"0\r\n\r\n"):
            if not (part := sock.recv(65536)):
                break
            body += part
    elif b"content-length: " in low:
        length = int(low.partition(b"content-length: ")[2].partition(b"\r")[0])
        while len(body) < length:
            if not (part := sock.recv(65536)):
                break
            body += part
    server.seen.append(head + b"\r\n\r\n" + body)
    sock.sendall(OK)


def echo(server: Server, sock: socket.socket) -> None:
    """Sends back what it gets, and says `end` when it gets no more."""
    while data := sock.recv(65536):
        sock.sendall(data)
    sock.sendall(b"end")


@dataclass(frozen=True)
class Ruling:
    allowed: Any
    reason: str = ""


class Decider:
    """A port of decisions that notes what it was asked."""

    def __init__(self, rule: Callable[[str, str | None, tuple[str, ...]], Any] | bool = True) -> None:
        self.asked: list[tuple[str, str | None, tuple[str, ...]]] = []
        self._rule = rule

    def __call__(self, url: str, method: str | None, addresses: tuple[str, ...]) -> Ruling:
        self.asked.append((url, method, addresses))
        found = self._rule if isinstance(self._rule, bool) else self._rule(url, method, addresses)
        return found if isinstance(found, Ruling) else Ruling(found, "rule `x` says so")


class Door:
    """A running proxy or tunnel on loopback."""

    def __init__(self, listener: socket.socket, served: Proxy | Tunnel, refused: list[tuple[str, str]]) -> None:
        self.place = listener.getsockname()[:2]
        self.port = self.place[1]
        self.served = served
        self.refused = refused

    def dial(self) -> socket.socket:
        return socket.create_connection(self.place, timeout=20)

    def ask(self, data: bytes) -> bytes:
        """All that comes back for these bytes; nothing also when the connection is reset, as early as that may be."""
        try:
            with self.dial() as sock:
                sock.sendall(data)
                sock.shutdown(socket.SHUT_WR)  # no further request follows
                return read_all(sock)
        except ConnectionError:
            return b""

    def tunnel(self, authority: str) -> socket.socket:
        """A connection behind a successful CONNECT."""
        sock = self.dial()
        sock.sendall(f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode())
        reply = sock.recv(len(ESTABLISHED), socket.MSG_WAITALL)  # what follows is the peer's
        assert reply == ESTABLISHED
        return sock


@contextlib.contextmanager
def proxy(decide: Any, names: Any = None, **more: Any) -> Iterator[Door]:
    """A proxy that knows these names, each with its addresses."""
    listener, refused = listen(), []
    table = names or {"site.test": ["127.0.0.1"], "other.test": ["127.0.0.1"], "six.test": ["::1"]}

    def resolve(name: str, port: int) -> list[str]:
        if callable(table):
            return table(name)
        if name not in table:
            raise socket.gaierror(-2, "Name or service not known")
        return table[name]

    served = Proxy(decide, listener, resolve=resolve, refused=lambda *words: refused.append(words), **more)
    door = Door(listener, served, refused)
    served.start()
    try:
        yield door
    finally:
        served.stop()


@contextlib.contextmanager
def tunnel(decide: Any, target: tuple[str, int]) -> Iterator[Door]:
    listener, refused = listen(), []
    served = Tunnel(decide, listener, target, refused=lambda *words: refused.append(words))
    door = Door(listener, served, refused)
    served.start()
    try:
        yield door
    finally:
        served.stop()


def certificate(folder: Path, *names: str) -> Path:
    """A key and a certificate for it that it signed itself, in one file."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "site.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path


def tls(
    path: Path, serve: Callable[[Server, socket.socket], None], curve: str | None = None
) -> Callable[[Server, socket.socket], None]:
    """`serve` behind TLS. With a curve that clients do not begin with, it asks them to begin again."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    if curve:
        context.set_ecdh_curve(curve)

    def wrapped(server: Server, sock: socket.socket) -> None:
        if not sock.recv(1, socket.MSG_PEEK):  # `ssl` loses sight of a socket that is reset before it begins
            return
        with contextlib.suppress(ssl.SSLError), context.wrap_socket(sock, server_side=True) as inner:
            serve(server, inner)

    return wrapped


def vector(size: int, data: bytes) -> bytes:
    return len(data).to_bytes(size, "big") + data


def server_name(name: bytes, kind: int = 0) -> bytes:
    """The extension `server_name` (RFC 6066 3)."""
    return struct.pack(">H", 0) + vector(2, vector(2, bytes([kind]) + vector(2, name)))


def hello(*extensions: bytes, tail: bytes = b"") -> bytes:
    """A ClientHello as a handshake message (RFC 8446 4.1.2)."""
    body = b"\3\3" + bytes(32) + vector(1, b"") + vector(2, b"\x13\1") + vector(1, b"\0")
    body += vector(2, b"".join(extensions)) if extensions else b""
    return b"\1" + vector(3, body + tail)


def records(message: bytes, size: int = 1 << 14) -> bytes:
    """The message in records of at most `size` bytes each."""
    parts = [message[i : i + size] for i in range(0, len(message), size)]
    return b"".join(b"\x16\3\1" + vector(2, part) for part in parts)


RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")


def server_hello(random: bytes = b"r" * 32) -> bytes:
    """The record in which a server answers (RFC 8446 4.1.3)."""
    return records(b"\2" + vector(3, b"\3\3" + random + vector(1, b"") + b"\x13\1\0"))
