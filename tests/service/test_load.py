"""L1: a closed loop of clients that ask something else each time, each answer flushed to the log before it is given."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

from policy_lang.audit.verify import verify
from policy_lang.client import Client
from tests.promises import count, tried

from .support import Running, service

POLICY = """policy "p"
tier review { approvers "@team" }
allow read "src/**" except "**/secret"
ask review write "src/**"
allow run "git log **"
allow connect "*.example"
"""
CLIENTS = 8
ASKED = (
    ("read", "src/{}/a.py", "allow"), ("read", "src/{}/secret", "deny"), ("write", "src/{}/b.py", "ask"),
    ("run", "git log -n {}", "allow"), ("connect", "h{}.example", "allow"), ("delete", "src/{}", "deny"),
)  # fmt: skip


def measured(running: Running, seconds: float) -> list[float]:
    """The seconds that each decision of the loop took, in order. Every answer is looked at."""
    took: list[list[float]] = [[] for _ in range(CLIENTS)]
    wrong: list[object] = []
    end = time.monotonic() + seconds

    def loop(which: int) -> None:
        number = 0
        with Client(running.socket, timeout=2) as client:
            while time.monotonic() < end:
                action, text, effect = ASKED[number % len(ASKED)]
                began = time.perf_counter()
                answer = client.decide(
                    action=action, resource=text.format(f"{which}x{number}" if action != "run" else number + 1)
                )
                took[which].append(time.perf_counter() - began)
                if answer.effect != effect:
                    wrong.append((action, answer))
                number += 1

    threads = [threading.Thread(target=loop, args=(n,)) for n in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    return sorted(t for one in took for t in one)


def flushes(folder: Path, seconds: float = 0.5) -> float:
    """How often a second this disk takes a record of 600 bytes for good."""
    handle = os.open(folder / "flushed", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    done, end = 0, time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            os.write(handle, b"x" * 600)
            os.fdatasync(handle)
            done += 1
    finally:
        os.close(handle)
    return done / seconds


def family(pid: int) -> list[int]:
    """The process and all that it started."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(p for c in children for p in family(int(c)))]


def resources(running: Running) -> tuple[int, int]:
    """Bytes of memory and open files of the service with all its processes."""
    memory = files = 0
    for pid in family(running.process.pid):
        memory += int(Path(f"/proc/{pid}/status").read_text().partition("VmRSS:")[2].split()[0]) * 1024
        files += len(os.listdir(f"/proc/{pid}/fd"))
    return memory, files


def test_l1_steady_load(tmp_path: Path) -> None:
    seconds = count("L1")
    with service(POLICY, "--agent", "a") as running:
        measured(running, 0.5)
        without = len(measured(running, min(seconds, 30))) / min(seconds, 30)
    log = tmp_path / "log"
    disk = flushes(tmp_path)
    with service(POLICY, "--agent", "a", "--log", str(log)) as running:
        measured(running, 1 if seconds < 60 else 30)  # what is made once, is
        before = resources(running)
        took = measured(running, seconds)
        time.sleep(0.2)
        after = resources(running)
        running.stop()
    disk = (disk + flushes(tmp_path)) / 2
    assert not verify(str(log)).fault
    rate = len(took) / seconds

    def at(part: float) -> float:
        return took[int(len(took) * part)] * 1000

    assert rate > 50 and at(0.5) < 500
    assert after[1] - before[1] < 20
    tried(
        "L1", seconds, decisions_per_s=rate, p50_ms=at(0.5), p99_ms=at(0.99), p999_ms=at(0.999), memory_percent=(after[0] - before[0]) / before[0] * 100,
        memory_mib=after[0] / (1 << 20), files_more=after[1] - before[1], without_log_per_s=without, share_of_without_log=rate / without,
        disk_flushes_per_s=disk, decisions_per_flush=rate / disk,
    )  # fmt: skip
