"""The linter over a seeded monorepo: time and memory, rule by rule, and one file of a policy saved again."""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Callable

from bench import workload
from policy_lang.compiler.load import _finish
from policy_lang.domain.errors import Source
from policy_lang.lint.capabilities import builtin
from policy_lang.lint.ground import Ground
from policy_lang.lint.linter import Options, lint_ground
from policy_lang.lint.registry import checks
from policy_lang.resolve.program import resolve_file

SIZES = (10, 100, 1_000, 5_000)
SHARES = {"path": 0.55, "host": 0.15, "ref": 0.1, "argv": 0.2}
WRITE = 'allow write "services/svc{0:05}/src/**"'


def text_of(count: int, baseline: bool = True) -> str:
    """A policy of `count` rules of every kind, with what a repository has besides."""
    lines = ['policy "bench"', *(["import std.baseline", "import std.git"] if baseline else [])]
    for sort, share in SHARES.items():
        action = workload.ACTION[sort]
        for i, (effect, pattern) in enumerate(workload.rules(sort, round(count * share))):
            actions = "read, write" if sort == "path" and i % 3 == 0 else action
            lines.append(f'{effect} {actions} "{pattern}"')
    return "\n".join(lines) + "\n"


def ground_of(text: str) -> Ground:
    """The policy made ready."""
    program = resolve_file("bench.policy", Source("bench.policy", text))
    return Ground(program, _finish(program), builtin())


def best(work: Callable[[], object], runs: int = 3) -> float:
    """The best of some runs, in seconds."""
    out = float("inf")
    for _ in range(runs):
        gc.collect()
        start = time.perf_counter()
        work()
        out = min(out, time.perf_counter() - start)
    return out


def measure(sizes: tuple[int, ...] = SIZES) -> None:
    """Print the table."""
    builtin()
    print(f"{'policy':12} {'rules':>6} {'compile s':>10} {'lint s':>8} {'MB':>7} {'findings':>9}  slowest rules")
    for name, baseline in (("guarded", True), ("bare", False)):
        for size in sizes:
            text = text_of(size, baseline)
            compiling = best(lambda t=text: ground_of(t), 2)  # type: ignore[misc]
            took = best(lambda t=text: lint_ground(ground_of(t), Options()), 1 if size > 1000 else 2) - compiling  # type: ignore[misc]
            tracemalloc.start()
            ground = ground_of(text)
            report = lint_ground(ground, Options()) if size <= 1000 else None
            memory = tracemalloc.get_traced_memory()[1] / 1e6
            tracemalloc.stop()
            slow = slowest(text) if size <= 1000 else ""
            found = len(report.findings) if report is not None else -1
            print(f"{name:12} {size:6} {compiling:10.3f} {took:8.3f} {memory:7.1f} {found:9}  {slow}", flush=True)


def slowest(text: str, most: int = 5) -> str:
    """Which rules take the time, in the order in which they run: what they share counts for the first."""
    ground = ground_of(text)
    rows: list[tuple[float, str]] = []
    for check in checks().values():
        start = time.perf_counter()
        for _ in check.look(ground, check) if check.look is not None else ():
            pass
        rows.append((time.perf_counter() - start, check.code))
    rows.sort(reverse=True)
    return ", ".join(f"{code} {took * 1000:.0f} ms" for took, code in rows[:most])
