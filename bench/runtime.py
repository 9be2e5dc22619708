"""Compiled policies, the service over its socket, and the hook's process."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench import workload
from policy_lang._version import __version__
from policy_lang.compiled.opened import open_compiled
from policy_lang.compiled.writer import Origin, write
from policy_lang.compiler.profiles import builtin, builtin_names
from policy_lang.domain.request import Request
from policy_lang.engine.pdp import Engine

ROOT = Path(__file__).parents[1]
HOOK = ROOT / "policy_lang/pep/hook.py"
POLICY = 'policy "p"\nallow read "src/**"\nallow run "git status", "{grep,cut,sort,uniq,ls} **"\nallow read "./"\n'
SCRIPT = "cd src && grep -rn --include='*.ts' TODO . | sort | uniq -c | sort -rn && git status && ls -la ../docs && cut -d: -f1 a.txt | sort -u"


def _compiled(folder: Path, count: int) -> tuple[Path, int]:
    policy = workload.load(workload.policy_text("path", count))
    profiles = {n: p for n in builtin_names() if (p := builtin(n)) is not None}
    data = write(policy.engine.prepared, Origin(__version__, "1", "bench", ()), profiles)
    path = folder / f"{count}.plc"
    path.write_bytes(data)
    path.chmod(0o644)
    return path, len(data)


def compiled() -> str:
    """Opening, the first decision, and memory, by the number of rules."""
    out = [
        "compiled policies (path rules)",
        f"{'rules':>8} {'bytes':>11} {'B/rule':>7} {'open ms':>8} {'1st us':>7} {'warm ns':>8} {'MB':>6}",
    ]
    with tempfile.TemporaryDirectory() as name:
        base = _compiled(Path(name), 1)[1]
        for count in (10, 1_000, 10_000, 100_000):
            path, size = _compiled(Path(name), count)
            opens: list[float] = []
            for _ in range(15):
                start = time.perf_counter()
                contents = open_compiled(str(path), __version__)
                engine = Engine(contents.prepared, profiles=contents.profile)
                opens.append(time.perf_counter() - start)
            request = Request(workload.ACTION["path"], "services/svc00001/src/app/main.py")
            start = time.perf_counter()
            engine.decide(request)
            first = time.perf_counter() - start
            start = time.perf_counter()
            for _ in range(20_000):
                engine.decide(request)
            warm = (time.perf_counter() - start) / 20_000
            memory = _memory(path)
            rate = (size - base) / count
            out.append(
                f"{count:>8,} {size:>11,} {rate:>7.1f} {statistics.median(opens) * 1e3:>8.2f} {first * 1e6:>7.0f} {warm * 1e9:>8.0f} {memory:>6.1f}"
            )
    return "\n".join(out)


def _memory(path: Path) -> float:
    """What opening and one decision add to a process, in MB."""
    code = (
        "import sys\n"
        "from policy_lang.compiled.opened import open_compiled\nfrom policy_lang.engine.pdp import Engine\nfrom policy_lang.domain.request import Request\n"
        "rss = lambda: int(open('/proc/self/status').read().partition('VmRSS:')[2].split()[0]) / 1024\n"
        "before = rss()\n"
        f"c = open_compiled(sys.argv[1], {__version__!r})\n"
        "e = Engine(c.prepared); e.decide(Request('write', 'services/svc00001/src/app/main.py'))\n"
        "print(rss() - before)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True, cwd=ROOT)
    return float(done.stdout)


# the hook


def hook() -> str:
    """The hook's process against a bare interpreter, and against one that has imported `json`."""
    out = ["hook process, ms (median of 41, interleaved)", f"{'':28} {'ms':>7} {'+ bare':>7} {'/ bare':>7}"]
    with tempfile.TemporaryDirectory() as name, served(Path(name)) as (place, _process):
        folder = Path(name)
        (folder / "ws/src").mkdir(parents=True)
        plc, _ = _compiled_text(folder)
        run = [sys.executable, "-I", "-S"]
        read = _payload(folder, "Read", {"file_path": str(folder / "ws/src/a")})
        shell = _payload(folder, "Bash", {"command": SCRIPT})
        by_file, by_socket = ["--policy", str(plc)], ["--socket", place]
        cases = {
            "python -I -S -c pass": ([*run, "-c", "pass"], b""),
            "python -I -S -c import json": ([*run, "-c", "import json"], b""),
            "compiled, a path": ([*run, str(HOOK), "claude", *by_file], read),
            "compiled, a 140-char script": ([*run, str(HOOK), "claude", *by_file], shell),
            "service, a path": ([*run, str(HOOK), "claude", *by_socket], read),
            "service, a 140-char script": ([*run, str(HOOK), "claude", *by_socket], shell),
        }
        took: dict[str, list[float]] = {name: [] for name in cases}
        for turn in range(44):
            for label, (words, data) in cases.items():
                start = time.perf_counter()
                done = subprocess.run(
                    words,
                    input=data,
                    capture_output=True,
                    check=False,
                    env={"HOME": "/h", "CLAUDE_PROJECT_DIR": str(folder / "ws")},
                )
                if turn >= 3:
                    took[label].append(time.perf_counter() - start)
                assert done.returncode == 0, (label, done)
        bare = statistics.median(took["python -I -S -c pass"])
        for label, times in took.items():
            median = statistics.median(times)
            out.append(f"{label:28} {median * 1e3:>7.1f} {(median - bare) * 1e3:>7.1f} {median / bare:>7.2f}")
    return "\n".join(out)


def _payload(folder: Path, tool: str, given: dict[str, str]) -> bytes:
    value = {
        "hook_event_name": "PreToolUse",
        "cwd": str(folder / "ws"),
        "tool_name": tool,
        "tool_input": given,
        "session_id": "s",
    }
    return json.dumps(value).encode()


def _compiled_text(folder: Path) -> tuple[Path, int]:
    from policy_lang.compiler.binary import compile_binary

    (folder / "b.policy").write_text(POLICY)
    data = compile_binary(str(folder / "b.policy"), __version__)
    (folder / "b.plc").write_bytes(data)
    (folder / "b.plc").chmod(0o644)
    return folder / "b.plc", len(data)


# the service


@contextlib.contextmanager
def served(
    folder: Path, cpu: int | None = None, options: Sequence[str] = ()
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A service on a socket in a folder, for a while."""
    (folder / "p.policy").write_text(POLICY)
    place = str(folder / "s")
    words = [
        sys.executable,
        "-m",
        "policy_lang",
        "serve",
        "--policy",
        str(folder / "p.policy"),
        "--socket",
        place,
        "--agent",
        "a",
        *options,
    ]
    process = subprocess.Popen(words, stderr=subprocess.DEVNULL, cwd=ROOT)
    try:
        for _ in range(500):
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
                probe.connect(place)
                break
            time.sleep(0.02)
        if cpu is not None:
            os.sched_setaffinity(process.pid, {cpu})
        yield place, process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def _client(place: str, call: bytes, seconds: float, out: list[float]) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(place)
        end = time.perf_counter() + seconds
        now = time.perf_counter()
        while now < end:
            connection.sendall(call)
            connection.recv(1 << 16)
            then = time.perf_counter()
            out.append(then - now)
            now = then


def load_of(place: str, call: bytes, connections: int, seconds: float) -> list[float]:
    """Latencies of closed-loop clients, each in a process of its own beside one another on the other core."""
    code = (
        "import json, sys\nsys.path.insert(0, sys.argv[4])\nfrom bench.runtime import _client\nout = []\n"
        "_client(sys.argv[1], bytes.fromhex(sys.argv[2]), float(sys.argv[3]), out)\nprint(json.dumps(out))\n"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, place, call.hex(), str(seconds), str(ROOT)], stdout=subprocess.PIPE
        )
        for _ in range(connections)
    ]
    found: list[float] = []
    lock = threading.Lock()

    def collect(process: subprocess.Popen[bytes]) -> None:
        data = process.communicate()[0]
        with lock:
            found.extend(json.loads(data))

    threads = [threading.Thread(target=collect, args=(p,)) for p in processes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def service() -> str:
    """Decisions a second and latency over the socket: the service on one core, the clients on the others."""
    out = [
        "service over its Unix socket, on one core",
        f"{'':20} {'clients':>7} {'per s':>8} {'p50 us':>8} {'p99 us':>8} {'/ health':>8}",
    ]
    with tempfile.TemporaryDirectory() as name, served(Path(name), cpu=0) as (place, process):
        others = set(range(1, os.cpu_count() or 1)) or {0}
        os.sched_setaffinity(0, others)
        bodies = {
            "GET /healthz (floor)": b"",
            "decide, a path": json.dumps({"action": "read", "resource": "src/app/main.ts"}).encode(),
            "decide, a script": json.dumps({"action": "run", "resource": SCRIPT, "lexical": True}).encode(),
        }
        floor: dict[int, float] = {}
        for label, body in bodies.items():
            route = b"GET /healthz" if not body else b"POST /v1/decide"
            call = b"%s HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%s" % (route, len(body), body)
            for connections in (1, 4, 16):
                found = sorted(load_of(place, call, connections, 2.0))
                rate = len(found) / 2.0
                floor.setdefault(connections, rate)
                out.append(
                    f"{label:20} {connections:>7} {rate:>8,.0f} {found[len(found) // 2] * 1e6:>8.0f} {found[int(len(found) * 0.99)] * 1e6:>8.0f}"
                    f" {rate / floor[connections]:>8.2f}"
                )
        status = Path(f"/proc/{process.pid}/status").read_text()
        out.append(f"resident: {int(status.partition('VmRSS:')[2].split()[0]) / 1024:.0f} MB")
        os.sched_setaffinity(0, set(range(os.cpu_count() or 1)))
    return "\n".join(out)


def measure() -> str:
    """All three."""
    return f"{compiled()}\n\n{hook()}\n\n{service()}"
