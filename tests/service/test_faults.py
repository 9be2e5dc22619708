"""What goes wrong around the service: no wrong allow, and nobody hangs. The deep profile multiplies the counts."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import random
import resource
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import Any, Self

import pytest

from policy_lang.client import Client
from policy_lang.compiler.binary import compile_binary
from policy_lang.domain.codes import PAGES
from policy_lang.domain.limits import limit
from tests.console.support import policy as command
from tests.hooks.support import hook, workspace
from tests.lanes import pick
from tests.promises import count, tried

from .support import POLICY, Running, service

READ = json.dumps({"action": "read", "resource": "src/a"}).encode()
CALL = b"POST /v1/decide HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%s" % (len(READ), READ)


class Load:
    """Clients in a closed loop, each decision checked."""

    def __init__(self, running: Running, clients: int = 8) -> None:
        self.running = running
        self.stop = threading.Event()
        self.allowed = self.failed = 0
        self.wrong: list[Any] = []
        self.slowest = 0.0
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._loop, args=(i,)) for i in range(clients)]

    def _loop(self, number: int) -> None:
        with Client(self.running.socket, timeout=2) as client:
            while not self.stop.is_set():
                bad = number % 2
                began = time.monotonic()
                answer = client.decide(action="read", resource="src/secret" if bad else "src/a")
                took = time.monotonic() - began
                with self._lock:
                    self.slowest = max(self.slowest, took)
                    self.allowed += answer.allowed
                    self.failed += bool(answer.failed)
                    if answer.allowed and bad:
                        self.wrong.append(answer)

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        for thread in self._threads:
            thread.join()


def test_f1_killed_under_load(tmp_path: Path) -> None:
    ws = workspace(tmp_path, POLICY)
    payload = {
        "tool_name": "Read",
        "tool_input": {"file_path": str(ws / "src/a")},
        "cwd": str(ws),
        "hook_event_name": "PreToolUse",
    }
    denied = []
    for _ in range(pick(1, 2, 20)):
        with service() as running, Load(running) as load:
            time.sleep(0.2)
            running.process.send_signal(signal.SIGKILL)
            running.process.wait(5)
            began = time.monotonic()
            answer = hook("claude", payload, "--socket", running.socket, cwd=ws)
            assert (answer.code, answer.verdict) == (2, "deny")
            denied.append(time.monotonic() - began)
            assert denied[-1] < 2
            time.sleep(0.1)
            # the socket's name is left behind; a new service takes its place
            again = subprocess.Popen(list(map(str, running.process.args)), stderr=subprocess.DEVNULL)  # type: ignore[arg-type]
            try:
                client = Client(running.socket, timeout=1)
                end = time.monotonic() + 10
                while not client.decide(action="read", resource="src/a").allowed:
                    assert time.monotonic() < end
                client.close()
            finally:
                load.stop.set()
                again.kill()
                again.wait()
        assert load.wrong == []
        assert load.allowed > 0
        assert load.failed > 0
        assert load.slowest < 2.5
    tried("F1", 0, denied_ms=max(denied) * 1000)


def loads(running: Running) -> str:
    """What the metrics say of policies that were loaded or refused."""
    return str(running.call("GET", "/metrics")[1]).partition("loads_total")[2][:200]


def tried_anew(running: Running, before: str) -> None:
    """Wait until a policy has been loaded or refused."""
    end = time.monotonic() + 10
    while loads(running) == before:
        assert time.monotonic() < end
        time.sleep(0.02)


def test_f6_garbage_never_takes_the_place_of_a_policy(tmp_path: Path) -> None:
    source = tmp_path / "p.policy"
    source.write_text(POLICY)
    good = compile_binary(str(source), "0.1.0")
    chance = random.Random(6)
    with service(POLICY) as running:
        digest = running.wait_for()["digest"]
        for number in range(count("F6")):
            kind = number % 4
            size = chance.choice([1, 20, 4096, 1 << 16, 1 << 20])
            data = chance.randbytes(size) if kind == 0 else POLICY.encode()[: chance.randrange(1, 90)] + b"\xff"
            data = (
                good
                if kind == 2
                else bytes(chance.randrange(32, 127) for _ in range(min(size, 4096))) + b"{"
                if kind == 3
                else data
            )
            before = loads(running)
            running.policy.write_bytes(data)
            tried_anew(running, before)
            state = running.call("GET", "/v1/policy")[1]
            assert state["digest"] == digest
            assert state["error"]
            assert running.decide(action="read", resource="src/a") == "allow"
            assert running.decide(action="read", resource="src/secret") == "deny"
    tried("F6", count("F6"))


def test_f7_every_answer_is_of_one_whole_policy() -> None:
    one = 'policy "p"\nallow read "one/**"\ndeny read "two/**"\n'
    two = 'policy "p"\nallow read "two/**"\ndeny read "one/**"\n'
    with service(one) as running:
        seen: dict[str, set[tuple[str, str]]] = {}
        first = running.memory()
        stop = threading.Event()
        number = answered = 0

        def storm() -> None:
            nonlocal number
            while not stop.wait(0.02):
                number += 1
                text = two if number // 3 % 2 else one
                part = running.folder / "part"
                part.write_text(text)
                part.rename(running.policy)
                running.process.send_signal(signal.SIGHUP)

        writer = threading.Thread(target=storm)
        writer.start()
        least, most = count("F7"), time.monotonic() + max(90, count("F7") / 10)
        try:
            with Client(running.socket) as client:
                while number < least or (len(seen) < 2 and time.monotonic() < most):
                    for name in ("one", "two"):
                        answer = client.decide(action="read", resource=f"{name}/x")
                        assert not answer.failed
                        answered += 1
                        seen.setdefault(answer.decision["policy_digest"], set()).add((name, answer.effect))
        finally:
            stop.set()
            writer.join()
        assert len(seen) == 2
        for answers in seen.values():
            assert answers <= {("one", "allow"), ("two", "deny")} or answers <= {("one", "deny"), ("two", "allow")}
        more = running.memory() - first
        assert more < 16 << 20
    tried("F7", number, memory_percent=more / first * 100, decisions=answered)


def test_f10_slow_callers_are_cut_and_others_served() -> None:
    with service() as running:
        for _ in range(-(-count("F10") // 60)):
            slow_ones(running)


def slow_ones(running: Running) -> None:
    with contextlib.ExitStack() as stack:
        slow: list[socket.socket] = []
        for number in range(60):
            connection = stack.enter_context(socket.socket(socket.AF_UNIX))
            connection.connect(running.socket)
            connection.sendall(CALL[: number % len(CALL)] if number % 3 else b"")
            slow.append(connection)
        began = time.monotonic()
        took: list[float] = []
        with Client(running.socket) as client:
            while time.monotonic() - began < 2:
                start = time.monotonic()
                assert client.decide(action="read", resource="src/a").allowed
                took.append(time.monotonic() - start)
        p99 = sorted(took)[int(len(took) * 0.99)]
        assert p99 < 0.1
        for number, connection in enumerate(slow):
            connection.settimeout(2)
            if number % 3 and number % len(CALL):
                data = connection.recv(4096)
                assert data.startswith(b"HTTP/1.1 408 "), (number, data)
            connection.close()
        assert 'policy_refused_total{reason="slow"}' in running.call("GET", "/metrics")[1]
    tried("F10", len(slow), others_p99_ms=p99 * 1000)


def test_f10_a_call_that_begins_behind_another_is_cut_as_well(one: Running) -> None:
    began = time.monotonic()
    answer = one.raw(CALL + CALL[:40], wait=4)
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"HTTP/1.1 408" in answer
    assert time.monotonic() - began < 2.5


def test_f10_a_peer_has_so_many_connections() -> None:
    with service() as running, contextlib.ExitStack() as stack:
        held = []
        for _ in range(64):
            connection = stack.enter_context(socket.socket(socket.AF_UNIX))
            connection.settimeout(2)
            connection.connect(running.socket)
            connection.sendall(CALL)
            assert connection.recv(4096).startswith(b"HTTP/1.1 200")
            held.append(connection)
        answer = running.raw(CALL)
        assert answer.startswith(b"HTTP/1.1 503")
        assert b'"effect":"deny"' in answer
        with Client(running.socket) as client:
            assert client.decide(action="read", resource="src/a").effect == "deny"
        held[0].close()
        time.sleep(0.1)
        assert running.raw(CALL.replace(b"host: x", b"host: x\r\nconnection: close")).startswith(b"HTTP/1.1 200")


BIG = [
    (b"POST /v1/decide HTTP/1.1\r\nhost: x\r\ncontent-length: 100000000\r\n\r\n", b"413"),
    (b"POST /v1/decide HTTP/1.1\r\nhost: x\r\ncontent-length: 4194305\r\n\r\n", b"413"),
    (b"POST /v1/decide HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n", b"400"),
    (b"POST /v1/decide HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 5\r\n\r\nhello", b"400"),
    (b"POST /v1/decide HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", b"411"),
    (b"POST /v1/decide HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n5\r\nhello\r\n0\r\n\r\n", b"4"),
    (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nhost: x\r\n\r\n", b"431"), (b"GET /healthz HTTP/1.1\r\nx: " + b"a" * 9000, b"431"),
    (b"GET /healthz HTTP/1.1\r\nhost: x\r\n" + b"".join(b"x%d: y\r\n" % i for i in range(64)) + b"\r\n", b"431"),
    (b"GET /healthz HTTP/1.0\r\nhost: x\r\n\r\n", b"400"), (b"GET /healthz HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n", b"400"),
    (b"GET /healthz HTTP/1.1\r\nhost: x\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n", b"400"), (b"\x16\x03\x01\x02\x00\x01", b"400"),
    (b"GET /healthz HTTP/1.1\nhost: x\n\n", b"400"), (b"\0" * 10, b"400"),
    (b"GET /healthz HTTP/1.1\r\nhost : x\r\n\r\n", b"400"), (b"GET /healthz HTTP/1.1\r\nhost: x\r\n folded: y\r\n\r\n", b"400"),
    (b"GET /healthz HTTP/1.1\r\nhost: x\r\norigin: http://evil.example\r\n\r\n", b"403"),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"400"), (b"POST /v1/decide HTTP/1.1\r\ncontent-length: 5\r\n\r\nhello", b"400"),
]  # fmt: skip


@pytest.fixture(scope="module")
def one() -> Any:
    with service() as running:
        yield running


@pytest.mark.parametrize(("data", "status"), BIG, ids=range(len(BIG)))
def test_f11_what_is_too_large_or_malformed(one: Running, data: bytes, status: bytes) -> None:
    before = one.memory()
    began = time.monotonic()
    answer = one.raw(data, wait=1.5)
    if data.endswith(b"hello") and b"host" not in data:
        assert answer.startswith(b"HTTP/1.1 400")  # the body is not valid JSON; the connection stays
        return
    assert answer.startswith(b"HTTP/1.1 " + status), answer[:200]
    assert b'"effect":"deny"' in answer
    assert PAGES[json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"]].status == int(answer[9:12])
    assert answer.count(b"\r\ncontent-length") == 1
    assert time.monotonic() - began < 1  # and it was closed
    assert one.memory() - before < 8 << 20


def test_f11_again_and_again(one: Running) -> None:
    """The same at random, and lengths above the limit by 1 byte to some GB: each is refused, and nothing grows."""
    chance = random.Random(11)
    one.decide(action="read", resource="src/a")
    before, took = one.memory(), []
    for _ in range(count("F11")):
        above = b"%d" % ((4 << 20) + 1 + chance.choice([0, 1, chance.randrange(1 << 32)]))
        data = chance.choice(
            [*[b for b, _ in BIG if not b.endswith(b"hello") or b"host" in b], BIG[0][0].replace(b"100000000", above)]
        )
        began = time.monotonic()
        answer = one.raw(data, wait=1.5)
        took.append(time.monotonic() - began)
        assert answer.startswith(b"HTTP/1.1 4") and b'"effect":"deny"' in answer, answer[:200]
    took.sort()
    more = (one.memory() - before) / (1 << 20)
    assert took[len(took) // 2] < 0.5 and more < 8
    tried(
        "F11", len(took), refused_p99_ms=took[int(len(took) * 0.99)] * 1000, slowest_ms=took[-1] * 1000, memory_mib=more
    )


def test_f11_limits_hold_at_their_value(one: Running) -> None:
    head = b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
    assert one.raw(head + b"".join(b"x%d: y\r\n" % i for i in range(62)) + b"\r\n").startswith(b"HTTP/1.1 200")
    assert one.raw(head + b"".join(b"x%d: y\r\n" % i for i in range(63)) + b"\r\n").startswith(b"HTTP/1.1 431")
    rest = 8192 - len(head) - len(b"x: \r\n\r\n")
    assert one.raw(head + b"x: " + b"a" * rest + b"\r\n\r\n").startswith(b"HTTP/1.1 200")
    text = json.dumps({"action": "run", "resource": "git status"})
    for size, status in ((1 << 20, 200), ((1 << 20) + 1, 413)):
        assert one.call("POST", "/v1/decide", text[:-1] + " " * (size - len(text)) + "}")[0] == status
    text = json.dumps({"requests": [{"action": "run", "resource": "git status"}]})
    for size, status in ((limit("batch_bytes"), 200), (limit("batch_bytes") + 1, 413)):
        assert one.call("POST", "/v1/decide/batch", text[:-1] + " " * (size - len(text)) + "}")[0] == status


def test_f11_many_keys_and_deep_nesting(one: Running) -> None:
    before = one.memory()
    many = "{" + ",".join(f'"k{i}":1' for i in range(60_000)) + "}"
    for body in (
        many,
        "[" * 900_000,
        '{"a":' * 100_000,
        '{"action":"read","resource":"x","context":' + many + "}",
        '"' + "\\" * 900_000,
    ):
        status, reply = one.call("POST", "/v1/decide", body)
        assert status in {400, 413}
        assert reply["effect"] == "deny"
    assert one.memory() - before < 48 << 20
    assert one.decide(action="read", resource="src/a") == "allow"


def test_f11_a_caller_that_does_not_read_its_answers(one: Running) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(3)
        connection.connect(one.socket)
        before = one.memory()
        with contextlib.suppress(OSError):
            for _ in range(20_000):
                connection.sendall(CALL)
        assert one.memory() - before < 16 << 20
        assert one.decide(action="read", resource="src/a") == "allow"


def test_f12_no_files_are_left() -> None:
    def few() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))

    with service(limits=few) as running:
        for _ in range(count("F12")):
            no_files(running)


def cpu(running: Running) -> float:
    """Seconds of CPU that the service has used."""
    fields = Path(f"/proc/{running.process.pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def no_files(running: Running) -> None:
    with contextlib.ExitStack() as stack:
        held: list[socket.socket] = []
        statuses: list[bytes] = []
        for _ in range(60):
            connection = stack.enter_context(socket.socket(socket.AF_UNIX))
            connection.settimeout(2)
            connection.connect(running.socket)
            held.append(connection)
            with contextlib.suppress(OSError):
                connection.sendall(CALL)
            with contextlib.suppress(OSError):
                statuses.append(connection.recv(4096)[9:12])
        assert b"503" in statuses
        assert set(statuses) <= {b"200", b"503", b""}
        began, used = time.monotonic(), cpu(running)
        time.sleep(0.3)
        busy = (cpu(running) - used) / (time.monotonic() - began)
        assert busy < 0.9
        for connection in held:
            connection.close()
        freed = time.monotonic()
        end = freed + 1.5
        while True:
            with contextlib.suppress(OSError, AssertionError):
                assert running.decide(action="read", resource="src/a") == "allow"
                break
            assert time.monotonic() < end
        recovered = time.monotonic() - freed
        assert 'reason="files"' in running.call("GET", "/metrics")[1]
        time.sleep(0.2)
        assert running.files() < 30
    tried("F12", 1, recovered_ms=recovered * 1000, cpu_percent=busy * 100)


def test_f13_a_policy_that_does_not_fit_is_refused() -> None:
    """Little memory above what the service has; a set of many rules, cut at what a file may hold and above it."""
    with service() as running:
        digest = running.wait_for()["digest"]
        mapped = int(Path(f"/proc/{running.process.pid}/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        resource.prlimit(running.process.pid, resource.RLIMIT_AS, (mapped + (16 << 20),) * 2)
        for number in range(count("F13")):
            most = 100_000 if number % 2 == 0 else 24_000
            before = loads(running)
            running.change('policy "p"\n' + "".join(f'allow read "other/{number}/{n}/**"\n' for n in range(most)))
            end = time.monotonic() + 90
            while loads(running) == before:
                assert running.decide(action="read", resource="src/a") == "allow"
                assert time.monotonic() < end
                time.sleep(0.05)
            state = running.call("GET", "/v1/policy")[1]
            assert state["digest"] == digest, most
            assert ("PLE004" if most == 100_000 else "memory") in state["error"], state
            assert running.decide(action="read", resource="src/secret") == "deny"
        running.change(POLICY.replace("git status", "git log"))
        running.wait_for(digest, seconds=30)
        assert running.decide(action="run", resource="git log") == "allow"
    tried("F13", count("F13"))


def test_connections_leak_nothing() -> None:
    with service() as running:
        running.decide(action="read", resource="src/a")
        before = running.files()
        for number in range(100):
            running.raw(CALL[: number % len(CALL)] or b"x", wait=0.001)
        end = time.monotonic() + 5
        while running.files() > before + 2 or "policy_connections 1\n" not in running.call("GET", "/metrics")[1]:
            assert time.monotonic() < end
            time.sleep(0.05)
        assert running.decide(action="read", resource="src/a") == "allow"


def unsafe_places(folder: Path) -> list[tuple[list[str], str]]:
    def made(name: str, mode: int) -> Path:
        path = folder / name
        path.mkdir()
        path.chmod(mode)
        return path

    other = made("other", 0o700)
    (other / "file").write_text("x")
    (other / "link").symlink_to(other / "s")
    secret = folder / "token"
    secret.write_text("t" * 40)
    secret.chmod(0o644)
    short = folder / "short"
    short.write_text("t" * 31)
    short.chmod(0o600)
    config = folder / "serve.toml"
    config.write_text('[[principal]]\nuid = 0\nagents = ["a"]\n')
    config.chmod(0o666)
    places = [
        (["--socket", str(made("world", 0o777) / "s")], "everyone can write it"), (["--socket", str(made("group", 0o770) / "s")], "its group can write"),
        (["--socket", str(made("sticky", 0o1777) / "s")], "others can write it"), (["--socket", str(other / "file")], "not a socket"),
        (["--socket", str(other / "link")], "a symbolic link"), (["--socket", str(folder / "world/below/s")], "there is no folder"),
        (["--tcp", "0.0.0.0:1", "--token-file", str(secret)], "others can read it"),
        (["--tcp", "127.0.0.1:1", "--token-file", str(short)], "no token of at least 32"), (["--state", str(folder / "world")], "unsafe"),
    ]  # fmt: skip
    (folder / "world/deep").mkdir(mode=0o700)
    places.append((["--socket", str(folder / "world/deep/s")], "everyone can write it"))
    return places


def test_f15_unsafe_places_are_refused(tmp_path: Path) -> None:
    policy = tmp_path / "p.policy"
    policy.write_text(POLICY)
    places = unsafe_places(tmp_path)
    for arguments, message in places:
        socket_ = [] if "--socket" in arguments else ["--socket", str(tmp_path / "s")]
        done = command("serve", "--policy", policy, "--agent", "a", *socket_, *arguments)
        assert done.code == 2, (arguments, done)
        assert message in done.err, (arguments, done.err)
    done = command("serve", "--policy", policy, "--config", tmp_path / "serve.toml", "--socket", tmp_path / "s")
    assert "everyone can write it (mode 0666)" in done.err
    good = tmp_path / "good"
    good.write_text("t" * 40)
    good.chmod(0o600)
    for address in ("0.0.0.0:8080", "example.com:80", "127.0.0.1:", "127.0.0.1:99999", "8080"):
        done = command(
            "serve",
            "--policy",
            policy,
            "--agent",
            "a",
            "--socket",
            tmp_path / "s2",
            "--tcp",
            address,
            "--token-file",
            good,
        )
        assert "not a loopback address" in done.err, address
    tried("F15", len(places) + 6)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to give files away")
def test_f15_what_belongs_to_somebody_else_is_refused(tmp_path: Path) -> None:
    policy = tmp_path / "p.policy"
    policy.write_text(POLICY)
    folder = tmp_path / "theirs"
    folder.mkdir(mode=0o700)
    os.chown(folder, 12345, 12345)
    done = command("serve", "--policy", policy, "--agent", "a", "--socket", folder / "s")
    assert "belongs to the user 12345" in done.err
    with service() as running:
        digest = running.wait_for()["digest"]
        running.policy.write_text(POLICY.replace("src/**", "**"))
        os.chown(running.policy, 12345, 12345)
        end = time.monotonic() + 10
        while "12345" not in str(running.call("GET", "/v1/policy")[1]["error"]):
            assert time.monotonic() < end
            time.sleep(0.05)
        assert running.call("GET", "/v1/policy")[1]["digest"] == digest
    tried("F15", 2)


def test_f15_a_policy_that_others_can_write_is_not_loaded() -> None:
    with service() as running:
        digest = running.wait_for()["digest"]
        running.policy.write_text(POLICY.replace("src/**", "**"))
        running.policy.chmod(0o666)
        end = time.monotonic() + 10
        while "everyone can write it" not in str(running.call("GET", "/v1/policy")[1]["error"]):
            assert time.monotonic() < end
            time.sleep(0.05)
        assert running.call("GET", "/v1/policy")[1]["digest"] == digest
    tried("F15", 1)


def test_f15_one_service_a_socket() -> None:
    with service() as running:
        done = command("serve", "--policy", running.policy, "--agent", "a", "--socket", running.socket)
        assert (done.code, "another service listens" in done.err) == (2, True)
        assert running.decide(action="read", resource="src/a") == "allow"
    tried("F15", 1)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to be somebody else")
def test_f16_a_foreign_user_is_refused() -> None:
    with service(POLICY, "--agent", "a", "--group", "root") as running:
        os.chmod(running.folder, 0o755)
        os.chmod(running.socket, 0o666)
        code = (
            "import socket,sys\ns=socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[1])\ntry:\n"
            "    s.sendall(b'GET /v1/policy HTTP/1.1\\r\\nhost: x\\r\\n\\r\\n')\nexcept OSError:\n    pass\nprint(s.recv(4096).decode())\n"
        )
        done = subprocess.run(
            ["/usr/bin/env", "python3", "-c", code, running.socket], capture_output=True, text=True, check=False, timeout=10, user=65534, group=65534,
            cwd="/", env={"PATH": "/usr/bin:/bin:/usr/local/bin"},
        )  # fmt: skip
        if done.returncode:
            pytest.skip(f"no interpreter for another user: {done.stderr[-200:]}")
        assert done.stdout.startswith("HTTP/1.1 503")
        assert '"effect":"deny"' in done.stdout
        running.stop()
        refused = [e for e in running.log() if e["event"] == "refused"]
        assert refused[0]["uid"] == 65534
        assert refused[0]["program"].startswith("python")


def test_f17_stopped_under_load() -> None:
    stopped, slowest = 0.0, 0.0
    for _ in range(count("F17")):
        with service() as running, Load(running) as load:
            time.sleep(0.3)
            began = time.monotonic()
            assert running.stop() == 0
            stopped = max(stopped, time.monotonic() - began)
            assert stopped < 2.5
            time.sleep(0.05)
        assert load.wrong == []
        assert load.allowed > 0
        assert load.slowest < 2.5
        slowest = max(slowest, load.slowest)
    tried("F17", count("F17"), stopped_ms=stopped * 1000, answered_ms=slowest * 1000)


HEAVY_POLICY = 'policy "p"\nallow run "rm **"\nallow delete "**/a*b*c*/**", "x*/**/y*z/**"\nallow read "src/**"\n'
HEAVY = {"action": "run", "resource": "; ".join(f"rm -rf $A/b{i}*/c?d*/$B" for i in range(400))}


def test_many_heavy_questions_of_one_call_are_bounded() -> None:
    with service(HEAVY_POLICY) as running:
        requests = [{**HEAVY, "resource": f"{HEAVY['resource']}; rm $X{n}"} for n in range(60)]
        began = time.monotonic()
        status, reply = running.call("POST", "/v1/decide/batch", {"requests": requests})
        assert time.monotonic() - began < 3
        assert status == 200
        assert len(reply["decisions"]) == 60
        assert all(d["effect"] == "deny" for d in reply["decisions"])
        assert any("undecided within limits" in d["reasons"][0] for d in reply["decisions"])


def test_a_log_that_nobody_reads_holds_nothing_up() -> None:
    with service() as running:
        assert running.process.stderr is not None
        fcntl.fcntl(running.process.stderr.fileno(), fcntl.F_SETPIPE_SZ, 4096)
        for number in range(pick(10, 16, 16)):
            before = loads(running)
            running.policy.write_text("\n".join(f"allow raed {number}" for _ in range(6)))
            running.process.send_signal(signal.SIGHUP)
            tried_anew(running, before)
            assert running.decide(action="read", resource="src/a") == "allow"
        assert running.decide(action="read", resource="src/secret") == "deny"
        assert running.stop() == 0


def test_slow_decisions_do_not_make_others_wait_long() -> None:
    """Many commands that take their whole budget: those that cannot be answered soon are refused, not kept waiting."""
    heavy = json.dumps(HEAVY)
    with service(HEAVY_POLICY) as running:
        threads = [threading.Thread(target=lambda: running.call("POST", "/v1/decide", heavy)) for _ in range(12)]
        for thread in threads:
            thread.start()
        began = time.monotonic()
        with Client(running.socket, timeout=2) as client:
            answer = client.decide(action="read", resource="src/a")
        took = time.monotonic() - began
        for thread in threads:
            thread.join()
        assert took < 2.2
        assert answer.effect in {"allow", "deny"}
        assert running.decide(action="read", resource="src/a") == "allow"
