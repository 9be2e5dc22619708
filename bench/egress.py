"""What the proxy costs: connections a second of one core, bytes a second, memory for a thousand at once; and a soak.

`python -m bench egress`, with `--soak SECONDS` for real clients, peers, a resolver and a service that fail meanwhile.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

GIGABYTE = 1 << 30
BLOCK = 1 << 16
CROWD = 1_000
CLIENTS = 8
COUNT = 4_000
RESET = b"\1\0\0\0\0\0\0\0"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Child:
    """A process of ours, ended with `close`."""

    def __init__(self, work: Callable[[], None]) -> None:
        self.pid = os.fork()
        if not self.pid:
            try:
                work()
            finally:
                os._exit(0)

    def close(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def accepting(listener: socket.socket, serve: Callable[[socket.socket], None]) -> None:
    """Serve each connection in a thread, for ever."""
    threading.stack_size(1 << 18)

    def one(sock: socket.socket) -> None:
        with contextlib.suppress(OSError), sock:
            serve(sock)

    while True:
        threading.Thread(target=one, args=(listener.accept()[0],), daemon=True).start()


def answers(sock: socket.socket) -> None:
    """A web server that says `ok`."""
    while sock.recv(BLOCK):
        sock.sendall(OK)


def echoes(sock: socket.socket) -> None:
    while data := sock.recv(BLOCK):
        sock.sendall(data)


def pours(sock: socket.socket) -> None:
    """A gigabyte for a byte."""
    sock.recv(1)
    block = bytes(1 << 20)
    for _ in range(GIGABYTE >> 20):
        sock.sendall(block)
    sock.shutdown(socket.SHUT_WR)
    sock.recv(1)


def relays(to: tuple[str, int]) -> Callable[[socket.socket], None]:
    """The bare relay: two threads for a connection, blocking calls, one buffer each."""

    def copy(source: socket.socket, sink: socket.socket) -> None:
        buffer = bytearray(BLOCK)
        view = memoryview(buffer)
        with contextlib.suppress(OSError):
            while count := source.recv_into(buffer):
                sink.sendall(view[:count])
            sink.shutdown(socket.SHUT_WR)

    def serve(sock: socket.socket) -> None:
        with socket.create_connection(to) as onward:
            up = threading.Thread(target=copy, args=(sock, onward))
            up.start()
            copy(onward, sock)
            up.join()

    return serve


@contextlib.contextmanager
def served(serve: Callable[[socket.socket], None], core: int | None = None) -> Iterator[tuple[int, int]]:
    """The port of a server in a process of its own, perhaps on one core, and its number."""

    def work() -> None:
        if core is not None:
            os.sched_setaffinity(0, {core})
        accepting(listener, serve)

    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        child = Child(work)
        try:
            yield int(listener.getsockname()[1]), child.pid
        finally:
            child.close()


class Proxied:
    """`policy proxy` as a process, perhaps on one core."""

    def __init__(self, *words: str, core: int | None = None) -> None:
        command = [sys.executable, "-m", "policy_lang", "proxy", "--agent", "a", *words]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1])
        assert self.process.stdout is not None
        if core is not None:
            os.sched_setaffinity(self.process.pid, {core})
        self.port = int(self.process.stdout.readline().rpartition(":")[2])
        if core is not None:
            for task in os.listdir(f"/proc/{self.process.pid}/task"):
                os.sched_setaffinity(int(task), {core})

    def close(self) -> None:
        self.process.terminate()
        self.process.wait()

    def dial(self) -> socket.socket:
        return dial(self.port)

    def size(self) -> dict[str, int]:
        """Megabytes, descriptors and threads."""
        place = f"/proc/{self.process.pid}"
        status = dict(line.split(":", 1) for line in Path(f"{place}/status").read_text().splitlines())
        return {
            "MB": int(status["VmRSS"].split()[0]) // 1024, "descriptors": len(os.listdir(f"{place}/fd")), "threads": int(status["Threads"]),
        }  # fmt: skip


def spent(pid: int) -> float:
    """Seconds of the processor that a process has had."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def by_policy(rules: str, core: int | None = None) -> Iterator[Proxied]:
    """A proxy with these rules."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "p.policy")
        path.write_text(f'policy "bench"\n{rules}\n')
        proxied = Proxied("--policy", str(path), core=core)
        try:
            yield proxied
        finally:
            proxied.close()


def until(sock: socket.socket, end: bytes) -> bytes:
    data = b""
    while not data.endswith(end) and (part := sock.recv(BLOCK)):
        data += part
    return data


def rates() -> Iterator[str]:
    """Connections a second, by the wall and by the processor of the proxy, which has one core."""
    os.sched_setaffinity(0, set(range(1, os.cpu_count() or 1)) or {0})
    with served(answers) as (port, _), by_policy(f'allow connect "127.0.0.1:{port}"', core=0) as proxied:
        host = f"127.0.0.1:{port}"
        get = f"GET http://{host}/ HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
        tunnel = f"CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
        denied = b"CONNECT denied.test:443 HTTP/1.1\r\nHost: denied.test:443\r\n\r\n"
        socks = b"\5\1\0" + b"\5\1\0\1\x7f\0\0\1" + port.to_bytes(2, "big")
        kinds = {
            "refused tunnel": (denied, b"\n", False), "granted tunnel": (tunnel, b"\r\n\r\n", False), "granted tunnel of SOCKS": (socks, b"\5\0\5\0\0\1" + bytes(6), False),
            "granted request": (get, b"ok", False), "granted request, connection kept": (get, b"ok", True),
        }  # fmt: skip
        for name, (words, end, kept) in kinds.items():
            yield _rate(name, proxied.port, proxied.process.pid, words, end, kept)
        with served(relays(("127.0.0.1", port)), core=0) as (relay, pid):
            yield _rate("bare relay", relay, pid, get, b"ok", False)
    os.sched_setaffinity(0, range(os.cpu_count() or 1))


def _rate(name: str, port: int, pid: int, words: bytes, end: bytes, kept: bool) -> str:
    """A row: so many connections to a port, and what they took of a process."""
    _many(port, words, end, kept, COUNT // 10)
    wall, used = time.perf_counter(), spent(pid)
    _many(port, words, end, kept, COUNT)
    wall, used = time.perf_counter() - wall, spent(pid) - used
    return f"{name:<36}{COUNT / wall:>10,.0f}{COUNT / used:>14,.0f}{used / COUNT * 1e6:>10.0f}"


def dial(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), 60)


def _many(port: int, words: bytes, end: bytes, kept: bool, count: int) -> None:
    def work() -> None:
        if kept:
            with dial(port) as sock:
                for _ in range(count // CLIENTS):
                    sock.sendall(words)
                    until(sock, end)
            return
        for _ in range(count // CLIENTS):
            with dial(port) as sock:
                sock.sendall(words)
                until(sock, end)

    threads = [threading.Thread(target=work) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def bulk(rounds: int = 3) -> Iterator[str]:
    """Seconds for a gigabyte: bare, by the bare relay and by the proxy, in turn."""
    with (
        served(pours) as (port, _),
        served(relays(("127.0.0.1", port))) as (relay, _),
        by_policy(f'allow connect "localhost:{port}"') as proxied,
    ):

        def fetch(sock: socket.socket, words: bytes) -> float:
            with sock:
                sock.sendall(words)
                if words:
                    until(sock, b"\r\n\r\n")
                buffer, count, began = bytearray(1 << 20), 0, time.perf_counter()
                sock.sendall(b"x")
                while part := sock.recv_into(buffer):
                    count += part
                assert count == GIGABYTE
                return time.perf_counter() - began

        tunnel = f"CONNECT localhost:{port} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode()
        found: dict[str, list[float]] = {"bare": [], "bare relay": [], "proxy": []}
        for _ in range(rounds):
            found["bare"].append(fetch(socket.create_connection(("127.0.0.1", port)), b""))
            found["bare relay"].append(fetch(socket.create_connection(("127.0.0.1", relay)), b""))
            found["proxy"].append(fetch(proxied.dial(), tunnel))
        for name, times in found.items():
            yield f"1 GB, {name:<30}{median(times):>10.2f} s{median(found['bare relay']) / median(times):>10.2f}"


def crowd() -> Iterator[str]:
    """The size of the proxy with a thousand tunnels at once, in which something has gone both ways."""
    with served(echoes) as (port, _), by_policy(f'allow connect "localhost:{port}"') as proxied:
        words = f"CONNECT localhost:{port} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode()
        yield f"{'size before':<36}{proxied.size()}"
        with contextlib.ExitStack() as stack:
            socks = []
            for _ in range(CROWD):
                sock = stack.enter_context(proxied.dial())
                sock.sendall(words)
                until(sock, b"\r\n\r\n")
                socks.append(sock)
            for sock in socks:
                sock.sendall(b"x" * 10_000)
            for sock in socks:
                got = 0
                while got < 10_000:
                    got += len(sock.recv(BLOCK))
            yield f"{f'size with {CROWD:,} tunnels':<36}{proxied.size()}"


# the soak


def fails(sock: socket.socket) -> None:
    """A peer that does what its request names."""
    sock.settimeout(5)
    what = sock.recv(BLOCK).partition(b" /")[2][:5]
    match what:
        case b"reset":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        case b"short":
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        case b"chunk":
            sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\nzz")
        case b"noise":
            sock.sendall(random.randbytes(500))
        case b"large":
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + bytes(1_000_000))
        case b"still":
            time.sleep(1)
        case _:
            sock.sendall(OK)


def misbehave(proxied: Proxied, port: int, ends: float, count: list[int]) -> None:
    """Do what clients do and should not, until then."""
    dice = random.Random()
    while time.monotonic() < ends:
        count[0] += 1
        with contextlib.suppress(OSError), proxied.dial() as sock:
            sock.settimeout(5)
            host = dice.choice(
                [f"localhost:{port}", f"127.0.0.1:{port}", f"nowhere.invalid:{port}", "denied.test:80", "localhost:9"]
            )
            path = dice.choice(["ok", "ok", "reset", "short", "chunk", "noise", "large", "still"])
            get = f"GET http://{host}/{path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
            post = get.replace(b"GET", b"POST")[:-2] + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
            tunnel = f"CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
            words = dice.choice(
                [
                    get,
                    get,
                    get * 3,
                    get[:30],
                    post,
                    post + b"0\r\n\r\n",
                    tunnel,
                    tunnel + get,
                    b"\5\1\0\5\1\0\3\x09localhost" + port.to_bytes(2, "big") + get,
                    random.randbytes(100),
                ]
            )
            sock.sendall(words)
            match dice.randrange(4):
                case 0:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                case 1:
                    sock.recv(BLOCK)
                case _:
                    sock.shutdown(socket.SHUT_WR)
                    while sock.recv(BLOCK):
                        pass


class Service:
    """`policy serve`, which can be killed and begun again."""

    def __init__(self, folder: Path, rules: str) -> None:
        self._folder = folder
        self.socket = str(folder / "s")
        self.token = str(folder / "operator.token")
        for name, text in (
            ("p.policy", f'policy "bench"\n{rules}\n'),
            ("operator.token", "o" * 40),
            ("agent.token", "a" * 40),
        ):
            (folder / name).write_text(text)
            (folder / name).chmod(0o600)
        config = (
            '[[principal]]\ntoken-file = "agent.token"\nagents = ["b"]\n[operators]\ntoken-file = "operator.token"\n'
        )
        (folder / "serve.toml").write_text(config)
        (folder / "serve.toml").chmod(0o600)
        self.begin()

    def begin(self) -> None:
        words = [
            "serve",
            "--policy",
            str(self._folder / "p.policy"),
            "--socket",
            self.socket,
            "--config",
            str(self._folder / "serve.toml"),
        ]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "policy_lang", *words], stderr=subprocess.DEVNULL, cwd=Path(__file__).parents[1]
        )
        for _ in range(600):
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as sock:
                sock.connect(self.socket)
                return
            time.sleep(0.05)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def soak(seconds: int) -> Iterator[str]:
    """Sizes of the proxy over time while everything around it fails; the service is gone one second of ten."""
    with tempfile.TemporaryDirectory() as name, served(fails) as (port, _):
        service = Service(
            Path(name), f'allow connect "localhost:{port}", "127.0.0.1:{port}", "nowhere.invalid:{port}", "localhost:9"'
        )
        proxied = Proxied("--socket", service.socket, "--token-file", service.token)
        try:
            began, count = time.monotonic(), [0]
            clients = [
                threading.Thread(target=misbehave, args=(proxied, port, began + seconds, count), daemon=True)
                for _ in range(CLIENTS)
            ]
            for client in clients:
                client.start()
            shown = 0.0
            while (now := time.monotonic() - began) < seconds:
                time.sleep(min(9, seconds - now))
                service.kill()
                time.sleep(1)
                service.begin()
                if now - shown >= seconds / 12 or not shown:
                    shown = now
                    yield f"after {time.monotonic() - began:>6.0f} s, {count[0]:>9,} connections  {proxied.size()}"
            for client in clients:
                client.join()
            time.sleep(12)  # what was half said is cut by now
            yield f"at rest, {count[0]:>18,} connections  {proxied.size()}"
            get = f"GET http://localhost:{port}/ok HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode()
            with proxied.dial() as sock:
                sock.sendall(get)
                yield "it still serves" if until(sock, b"ok").endswith(b"ok") else "it does not serve any more"
        finally:
            proxied.close()
            service.kill()


def run(soak_seconds: int) -> None:
    """Print the table."""
    if soak_seconds:
        for line in soak(soak_seconds):
            print(line, flush=True)
        return
    print(f"{'a new connection each':<36}{'a second':>10}{'a CPU second':>14}{'us':>10}")
    for line in rates():
        print(line, flush=True)
    print(f"\n{'':<36}{'':>12}{'of the relay':>10}")
    for line in bulk():
        print(line, flush=True)
    print()
    for line in crowd():
        print(line, flush=True)
