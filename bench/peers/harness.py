"""What every adapter shares. It runs in the peer's own environment, so it needs the standard library alone.

    python ADAPTER.py WORKLOAD.json STARTED

prints one JSON object: seconds to load, MB that it takes, ns a decision by kind of request, all answers, and seconds from
the start of the process (STARTED, as `time.time`) to the first answer.
"""

from __future__ import annotations

import json
import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

Rule = dict[str, Any]
Decide = Callable[[str], str]


def main(load: Callable[[list[Rule]], Decide]) -> None:
    """Load the rules, answer everything, measure, print."""
    with open(sys.argv[1], encoding="utf-8") as stream:
        work = json.load(stream)
    before, began = _memory(), time.perf_counter()
    decide = load(work["rules"])
    took = time.perf_counter() - began
    first = decide(work["requests"]["hit"][0])
    since_start = time.time() - float(sys.argv[2])
    out: dict[str, Any] = {"first": first, "start_s": since_start, "load_s": took, "memory_mb": _memory() - before}
    began = time.perf_counter()
    out["answers"] = {kind: [decide(r) for r in asked] for kind, asked in work["requests"].items()}
    spent = time.perf_counter() - began
    slow = spent > work["seconds"] * 4  # once over everything is enough for a peer that takes so long
    out["ns"] = {
        kind: (
            spent / sum(map(len, work["requests"].values())) * 1e9 if slow else median(decide, asked, work["seconds"])
        )
        for kind, asked in work["requests"].items()
    }
    out["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(out))


def median(decide: Callable[[Any], object], asked: Sequence[Any], least: float) -> float:
    """Median over passes of the mean ns for one resource; passes go on for `least` seconds."""
    passes: list[float] = []
    spent = 0.0
    while spent < least or len(passes) < 3:
        began = time.perf_counter()
        for one in asked:
            decide(one)
        took = time.perf_counter() - began
        spent += took
        passes.append(took / len(asked) * 1e9)
        if spent > least * 8:
            break
    return statistics.median(passes)


def _memory() -> float:
    """MB that the process holds now (proc_pid_status(5))."""
    with open("/proc/self/status", encoding="ascii") as stream:
        return int(stream.read().partition("VmRSS:")[2].split()[0]) / 1024


def combined(matched: Callable[[str], tuple[bool, bool]]) -> Decide:
    """Deny over allow over default deny, from whether some allow and some deny matched."""

    def decide(text: str) -> str:
        allowed, denied = matched(text)
        return "allow" if allowed and not denied else "deny"

    return decide
