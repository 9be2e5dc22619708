"""Records: what one costs, what many callers pay together, and what is done with a log afterwards."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.runtime import load_of, served
from policy_lang import Policy, Request
from policy_lang.audit.event import decision_event
from policy_lang.audit.log import DecisionLog
from policy_lang.audit.verify import verify
from policy_lang.records.learning.propose import Wishes
from policy_lang.records.learning.prove import learn
from policy_lang.records.replay import Replayed, portable, replay
from policy_lang.records.source import Counted, lines

TEXT = """policy "p"
tier review { approvers "@team" }
allow read "src/**" except "src/secret"
ask review write "src/**"
allow run "git status", "curl **"
allow connect "api.example"
"""
PLACE = {"cwd": "/w", "workspace": "/w", "home": "/h", "lexical": True}


def _mean(run: Callable[[], object], least: float = 0.5) -> float:
    """Microseconds a call."""
    count, start = 0, time.perf_counter()
    while (took := time.perf_counter() - start) < least:
        run()
        count += 1
    return took / count * 1e6


def cost() -> list[str]:
    """One record, by how lasting it is; the floor is the disk's own write and flush of as many bytes."""
    policy = Policy.loads(TEXT)
    request = Request("read", "src/app.ts", "a", session="s")
    decision = policy.decide_request(request)
    event = decision_event(request, decision, 12, {"by": "process"})
    with tempfile.TemporaryDirectory(dir=os.getcwd()) as name:
        flushed, plain = DecisionLog(f"{name}/a"), DecisionLog(f"{name}/b", flush=False)
        flushed.append([event])
        size = len(Path(f"{name}/a/00000001.jsonl").read_bytes().splitlines()[-1]) + 1
        handle = os.open(f"{name}/floor", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

        def floor() -> None:
            os.write(handle, b"x" * size)
            os.fdatasync(handle)

        rows = [
            ("building the record", _mean(lambda: decision_event(request, decision, 12, {"by": "process"}))),
            ("appending, not flushed", _mean(lambda: plain.append([event]))),
            ("appending, flushed", _mean(lambda: flushed.append([event]))),
            ("16 together, flushed, each", _mean(lambda: flushed.append([event] * 16)) / 16),
            ("the disk's own write and flush", _mean(floor)),
        ]
        os.close(handle)
    return [f"one record of {size} bytes, microseconds", *(f"  {what:<34} {value:>8.1f}" for what, value in rows)]


def together(clients: int = 16, seconds: float = 4.0) -> list[str]:
    """A service with and without a log, under as many clients."""
    out = [f"{clients} clients in a closed loop: decisions a second, p50 and p99 in ms"]
    body = json.dumps({"action": "read", "resource": "src/a", "agent": "a"}).encode()
    call = b"POST /v1/decide HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)
    ways: tuple[tuple[str, tuple[str, ...]], ...] = (
        ("no log", ()), ("log, not flushed", ("--log", "{log}", "--no-flush")), ("log, flushed", ("--log", "{log}", "--no-sign")),
        ("log, flushed, signed", ("--log", "{log}", "--state", "{state}")),
    )  # fmt: skip
    for what, options in ways:
        with tempfile.TemporaryDirectory(dir=os.getcwd()) as name:
            os.mkdir(f"{name}/state", 0o700)
            given = [o.replace("{log}", f"{name}/log").replace("{state}", f"{name}/state") for o in options]
            with served(Path(name), options=given) as (place, _):
                times = sorted(load_of(place, call, clients, seconds))
            flushes = ""
            if options:
                found = verify(f"{name}/log")
                assert not found.fault and found.records >= len(times)
                flushes = f"  {found.records:,} records"
        out.append(
            f"  {what:<20} {len(times) / seconds:>8,.0f} {times[len(times) // 2] * 1e3:>7.2f} {times[len(times) * 99 // 100] * 1e3:>7.2f}{flushes}"
        )
    return out


def filled(folder: str, count: int) -> None:
    """A log with a seeded month of work: reads, writes, commands, denials, of 20 agents."""
    chance = random.Random(7)
    log = DecisionLog(folder, flush=False)
    policy = Policy(Policy.loads(TEXT).engine, log)
    for number in range(count):
        given = {"agent": f"agent-{number % 20}", "session": f"s{number // 200}", **PLACE}
        x = chance.random()
        file = f"src/{chance.randrange(40)}/{chance.randrange(100)}.ts"
        if x < 0.5:
            policy.decide(action="read", resource=file, **given)  # type: ignore[arg-type]
        elif x < 0.7:
            policy.decide(action="write", resource=file, **given)  # type: ignore[arg-type]
        elif x < 0.9:
            policy.decide(action="run", resource="git status", **given)  # type: ignore[arg-type]
        elif x < 0.95:
            policy.decide(action="run", resource=f"curl https://api.example/{chance.randrange(50)}", **given)  # type: ignore[arg-type]
        else:
            policy.decide(action="read", resource="/etc/passwd", **given)  # type: ignore[arg-type]
    log.close()


def afterwards(count: int) -> list[str]:
    """Verifying, replaying, learning; the peer reads the same lines with the standard library's JSON and does nothing."""
    with tempfile.TemporaryDirectory(dir=os.getcwd()) as name:
        log = f"{name}/log"
        start = time.perf_counter()
        filled(log, count)
        took = time.perf_counter() - start
        size = sum(p.stat().st_size for p in Path(log).glob("*.jsonl"))
        out = [
            f"{count:,} records, {size / 1e6:,.0f} MB, written at {count / took:,.0f} a second (one process, not flushed)"
        ]

        def read() -> Iterator[Counted]:
            return lines(log)

        def timed(what: str, run: Callable[[], object]) -> float:
            begun = time.perf_counter()
            run()
            seconds = time.perf_counter() - begun
            out.append(f"  {what:<34} {seconds:>8.1f} s {count / seconds:>10,.0f} a second")
            return seconds

        timed("the peer: json.loads of each line", lambda: [None for data, _ in read() if json.loads(data) is None])
        timed("verify", lambda: verify(log))
        path = Path(name) / "p.policy"
        path.write_text(TEXT)
        data = portable(str(path))

        def replayed(workers: int) -> None:
            total = Replayed()
            for part in replay(read(), data, None, workers):
                total.merge(part)
            assert total.same == count

        timed("replay, one process", lambda: replayed(1))
        timed("replay, every core", lambda: replayed(0))
        timed("learn, with its proofs, every core", lambda: learn(read, Wishes(), Policy.load(str(path))))
        code = (
            "import resource, sys\nfrom policy_lang.cli.main import cli\n"
            "try: cli(sys.argv[1:], standalone_mode=False)\nexcept SystemExit: pass\n"
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, file=sys.stderr)"
        )
        done = subprocess.run([sys.executable, "-c", code, "learn", log, "--against", str(path), "-o", f"{name}/l.policy"], capture_output=True, text=True, check=False)  # fmt: skip
        out.append(f"  memory of `policy learn`'s own process {done.stderr.split()[-1]} MB")
    return out


def measure(count: int) -> str:
    """All tables about records."""
    return "\n".join([*cost(), "", *together(), "", *afterwards(count)])
