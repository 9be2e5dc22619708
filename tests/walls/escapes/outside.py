"""What stands outside the box and hears of it when something gets out: listeners, FIFOs, a proxy, shared memory, queues."""

from __future__ import annotations

import array
import contextlib
import ctypes
import os
import selectors
import socket
import threading
from collections.abc import Callable
from urllib.parse import urlsplit

X_DISPLAY = 4242
"""A display that nobody has."""


def own_address(family: int, far: str) -> str:
    """The machine's address in a network, without sending anything; empty when it has none."""
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as s:
        s.connect((far, 9))
        found: str = s.getsockname()[0]
        return found
    return ""


class Outside:
    """Listeners of all kinds on the host, and what they received."""

    def __init__(self, ws: str, home: str, base: str, nonce: str, *, proxy: bool) -> None:
        self.base, self.nonce = base, nonce
        self.received: list[tuple[str, bytes]] = []
        self.known: dict[str, int | str] = {}
        self.made: list[str] = []
        self._open: list[socket.socket | int] = []
        self._selector = selectors.DefaultSelector()
        self._stop = False
        self.hidden = f"secret@hidden@{nonce}"
        self._network()
        self._unix(ws, home)
        for name, path in (
            ("fifo_generated", f"{ws}/generated/fifo"), ("fifo_outside", f"{base}/outside/fifo"),
            ("fifo_home", f"{home}/fifo"), ("fifo_pem", f"{ws}/src/fifo.pem"),
        ):  # fmt: skip
            os.mkfifo(path)
            fd = os.open(path, os.O_RDWR | os.O_NONBLOCK)
            self._open.append(fd)
            self._selector.register(fd, selectors.EVENT_READ, self._reader(name, fd))
            self.known[name] = path
        if proxy:
            self.known["proxy"] = self._listen("proxy", socket.AF_INET, ("127.0.0.1", 0), self._proxy)
        self._shared()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _network(self) -> None:
        four = own_address(socket.AF_INET, "198.51.100.1")
        six = own_address(socket.AF_INET6, "2001:db8::1")
        for name, family, host in (
            ("tcp", socket.AF_INET, "127.0.0.1"), ("tcp6", socket.AF_INET6, "::1"),
            ("tcp_far", socket.AF_INET, four), ("tcp6_far", socket.AF_INET6, six),
        ):  # fmt: skip
            self.known[name] = self._listen(name, family, (host, 0)) if host else 0
        for name, family, host in (
            ("udp", socket.AF_INET, "127.0.0.1"), ("udp6", socket.AF_INET6, "::1"), ("udp_far", socket.AF_INET, four),
        ):  # fmt: skip
            self.known[name] = self._datagrams(name, family, (host, 0)) if host else 0
        self.known |= {"address": four, "address6": six}
        with contextlib.suppress(OSError):
            self.known["mptcp"] = self._listen("mptcp", socket.AF_INET, ("127.0.0.1", 0), protocol=262)
        with contextlib.suppress(OSError):
            self.known["udplite"] = self._datagrams("udplite", socket.AF_INET, ("127.0.0.1", 0), protocol=136)
        with contextlib.suppress(OSError):
            self.known["fast"] = self._listen("fast", socket.AF_INET, ("127.0.0.1", 0), fast=True)

    def _unix(self, ws: str, home: str) -> None:
        run = f"{self.base}/run"
        for folder in ("gnupg", "podman"):
            os.makedirs(f"{run}/{folder}")
        paths = {
            "sock": f"{ws}/host.sock", "sock_pem": f"{ws}/src/host.pem", "sock_home": f"{home}/agent.sock",
            "sock_vault": f"{ws}/vault/host.sock", "sock_generated": f"{ws}/generated/host.sock",
            "bus": f"{run}/bus", "docker": f"{run}/docker.sock", "gpg": f"{run}/gnupg/S.gpg-agent", "wayland": f"{run}/wayland-0",
            "podman": f"{run}/podman/podman.sock", "operator": f"{run}/operator.sock",
            "x11": f"/tmp/.X11-unix/X{X_DISPLAY}{self.nonce[:4]}", "tmp_sock": f"/tmp/escape-{self.nonce}.sock",
        }  # fmt: skip
        if os.geteuid() == 0:
            paths["system"] = f"/run/escape-{self.nonce}.sock"
        if not os.path.isdir("/tmp/.X11-unix"):
            os.mkdir("/tmp/.X11-unix", 0o1777)
            os.chmod("/tmp/.X11-unix", 0o1777)
        for name, path in paths.items():
            self._listen(name, socket.AF_UNIX, path)
            self.known[name] = path
            self.made.append(path)
        self.known["fds"] = f"{ws}/generated/fds.sock"
        self._listen("fds", socket.AF_UNIX, self.known["fds"], self._hand_over)
        for name, path in (("dgram", f"{ws}/host.dgram"), ("dgram_home", f"{home}/log.dgram")):
            self._datagrams(name, socket.AF_UNIX, path)
            self.known[name] = path
        self.known["seq"] = f"{ws}/host.seq"
        self._listen("seq", socket.AF_UNIX, self.known["seq"], kind=socket.SOCK_SEQPACKET)
        for name in ("abstract", "abstract_x11"):
            self.known[name] = f"/tmp/.X11-unix/X{self.nonce}" if "x11" in name else f"escape-{self.nonce}"
            self._listen(name, socket.AF_UNIX, f"\0{self.known[name]}")
        self.known["abstract_dgram"] = f"escape-dgram-{self.nonce}"
        self._datagrams("abstract_dgram", socket.AF_UNIX, f"\0{self.known['abstract_dgram']}")
        self._listen("hidden", socket.AF_UNIX, f"\0{self.hidden}")

    def listen_late(self, path: str) -> None:
        """A further socket, made while attempts run."""
        self._listen("late", socket.AF_UNIX, path)

    def _listen(
        self, name: str, family: int, address: object, answer: Callable[[socket.socket], None] | None = None,
        *, kind: int = socket.SOCK_STREAM, protocol: int = 0, fast: bool = False,
    ) -> int:  # fmt: skip
        s = socket.socket(family, kind, protocol)
        s.bind(address)
        if fast:
            s.setsockopt(socket.IPPROTO_TCP, 23, 5)
        s.listen(64)
        s.setblocking(False)
        self._open.append(s)

        def accept() -> None:
            with contextlib.suppress(OSError):
                peer, _ = s.accept()
                threading.Thread(target=self._hear, args=(name, peer, answer), daemon=True).start()

        self._selector.register(s, selectors.EVENT_READ, accept)
        found = s.getsockname()
        return found[1] if isinstance(found, tuple) else 0

    def _datagrams(self, name: str, family: int, address: object, protocol: int = 0) -> int:
        s = socket.socket(family, socket.SOCK_DGRAM, protocol)
        s.bind(address)
        s.setblocking(False)
        self._open.append(s)
        self._selector.register(s, selectors.EVENT_READ, self._reader(name, s.fileno()))
        found = s.getsockname()
        return found[1] if isinstance(found, tuple) else 0

    def _reader(self, name: str, fd: int) -> Callable[[], None]:
        def read() -> None:
            with contextlib.suppress(OSError):
                self.received.append((name, os.read(fd, 65536)))

        return read

    def _hear(self, name: str, peer: socket.socket, answer: Callable[[socket.socket], None] | None) -> None:
        peer.settimeout(5)
        with contextlib.suppress(OSError), peer:
            if answer:
                answer(peer)
                return
            while block := peer.recv(65536):
                self.received.append((name, block))
                if block.startswith((b"GET ", b"POST ")):
                    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    def _hand_over(self, peer: socket.socket) -> None:
        """Hands whoever names itself a descriptor of its file outside."""
        name = peer.recv(200).decode()
        fd = os.open(f"{self.base}/outside/{os.path.basename(name)}.txt", os.O_WRONLY)
        peer.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))])
        os.close(fd)
        with contextlib.suppress(OSError):
            peer.recv(1)

    def _proxy(self, peer: socket.socket) -> None:
        """A forward proxy that refuses nothing: what a box without rules would have."""
        head = b""
        while b"\r\n\r\n" not in head:
            if not (block := peer.recv(65536)):
                return
            head += block
        method, target, _ = head.split(b" ", 2)
        if method == b"CONNECT":
            host, _, port = target.decode().rpartition(":")
            start = b""
        else:
            parts = urlsplit(target.decode())
            host, port, start = parts.hostname or "", str(parts.port or 80), head
        far = socket.create_connection((host.strip("[]").rstrip("."), int(port)), 3)
        if start:
            far.sendall(start)
        else:
            peer.sendall(b"HTTP/1.1 200 ok\r\n\r\n")
        with contextlib.suppress(OSError), far, selectors.DefaultSelector() as both:
            both.register(peer, selectors.EVENT_READ, far)
            both.register(far, selectors.EVENT_READ, peer)
            while ready := both.select(3):
                for key, _ in ready:
                    if not (block := key.fileobj.recv(65536)):
                        return
                    key.data.sendall(block)

    def _shared(self) -> None:
        """Memory and a message queue that lie outside, by name or number."""
        libc = ctypes.CDLL(None, use_errno=True)
        libc.shmat.restype = ctypes.c_void_p
        self._libc = libc
        self.known["shm_key"] = key = int(self.nonce[:7], 16)
        self._segment = libc.shmget(key, 4096, 0o1600)
        self._memory = libc.shmat(self._segment, None, 0)
        self.shared_secret = f"secret@shm@{self.nonce}"
        ctypes.memmove(self._memory, self.shared_secret.encode(), len(self.shared_secret))
        self.known["queue"] = f"/escape-{self.nonce}"
        self._queue = libc.mq_open(self.known["queue"].encode(), os.O_CREAT | os.O_RDWR | os.O_NONBLOCK, 0o600, None)
        self.known["message_key"] = key + 1
        self._messages = libc.msgget(key + 1, 0o1600)

    def _read_shared(self) -> None:
        self.received.append(("shared memory", ctypes.string_at(self._memory, 4096)))
        buffer = ctypes.create_string_buffer(65536)
        while self._libc.mq_receive(self._queue, buffer, 65536, None) >= 0:
            self.received.append(("message queue", buffer.value))
        while self._libc.msgrcv(self._messages, buffer, 8000, 0, 0o4000) >= 0:
            self.received.append(("System V queue", buffer.raw[8:500]))

    def _work(self) -> None:
        while not self._stop:
            for key, _ in self._selector.select(0.1):
                key.data()

    def end(self) -> None:
        """Takes down what was put up; more than once is once."""
        if self._stop:
            return
        self._read_shared()
        self._stop = True
        self._thread.join()
        for one in self._open:
            if isinstance(one, int):
                os.close(one)
            else:
                one.close()
        self._selector.close()
        self._libc.shmdt(ctypes.c_void_p(self._memory))
        self._libc.shmctl(self._segment, 0, None)
        self._libc.msgctl(self._messages, 0, None)
        os.close(self._queue)
        self._libc.mq_unlink(self.known["queue"].encode())
        for path in self.made:
            with contextlib.suppress(OSError):
                os.unlink(path)
