"""The linter over a seeded monorepo: time and memory, rule by rule, and one file of a policy saved again."""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import tomli

from bench import workload
from policy_lang.compiler.load import compile_source
from policy_lang.domain.errors import Source
from policy_lang.lint.capabilities import builtin
from policy_lang.lint.context import LintContext
from policy_lang.lint.linter import Options, lint, lint_context
from policy_lang.lint.registry import checks

SHARES = {"path": 0.55, "host": 0.15, "ref": 0.1, "argv": 0.2}
CORPUS = Path(__file__).parents[1] / "tests/lint"


def text_of(count: int, baseline: bool = True) -> str:
    """A policy of `count` rules of every kind, with what a repository has besides."""
    lines = ['policy "bench"', *(["import std.baseline", "import std.git"] if baseline else [])]
    for sort, share in SHARES.items():
        action = workload.ACTION[sort]
        for i, (effect, pattern) in enumerate(workload.rules(sort, round(count * share))):
            actions = "read, write" if sort == "path" and i % 3 == 0 else action
            lines.append(f'{effect} {actions} "{pattern}"')
    return "\n".join(lines) + "\n"


def context_of(text: str) -> LintContext:
    """The policy made ready."""
    return LintContext(*compile_source(Source("bench.policy", text)), builtin())


def best(work: Callable[[], object], runs: int = 3) -> float:
    """The best of some runs, in seconds."""
    out = float("inf")
    for _ in range(runs):
        gc.collect()
        start = time.perf_counter()
        work()
        out = min(out, time.perf_counter() - start)
    return out


def measure(sizes: tuple[int, ...]) -> None:
    """Print the tables."""
    builtin()
    print(
        f"{'policy':8} {'rules':>6} {'compile s':>10} {'lint s':>8} {'saved s':>8} {'MB':>7} {'findings':>9}  slowest rules"
    )
    for name, baseline in (("guarded", True), ("bare", False)):
        for size in sizes:
            row(name, text_of(size, baseline), size)
    corpus()


def row(name: str, text: str, size: int) -> None:
    """One line: compiling, linting, both together as after a file was saved, memory at most."""
    compiling = best(lambda: context_of(text), 2)
    saved = best(lambda: lint_context(context_of(text), Options()), 3 if size <= 1000 else 1)
    gc.collect()
    tracemalloc.start()
    found = len(lint_context(context_of(text), Options()).findings) if size <= 1000 else -1
    memory = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    slow = slowest(text) if size <= 1000 else ""
    print(
        f"{name:8} {size:6} {compiling:10.3f} {saved - compiling:8.3f} {saved:8.3f} {memory:7.1f} {found:9}  {slow}",
        flush=True,
    )


def corpus() -> None:
    """Recall and false alarms on the labelled policies, and what a whole process takes for one of them."""
    loud = tomli.loads((CORPUS / "loud.toml").read_text())
    wanted = found = 0
    for one in loud.values():
        codes = {f.code for f in lint_context(context_of('policy "x"\n' + one["policy"]), Options()).findings}
        wanted, found = wanted + len(one["codes"]), found + len(codes & set(one["codes"]))
    quiet = sorted(CORPUS.glob("quiet/*.policy"))
    alarms = sum(any(f.severity != "info" for f in lint(str(p), Options()).findings) for p in quiet)
    took = sorted(best(lambda p=p: lint(str(p), Options()), 2) for p in quiet)  # type: ignore[misc]
    print(f"{len(loud)} policies that grant too much: {found} of {wanted} labels found")
    print(
        f"{len(quiet)} sensible policies: {alarms} with a warning or error; {took[len(took) // 2] * 1000:.0f} ms a file in the middle, {took[-1] * 1000:.0f} ms at most"
    )


def slowest(text: str, most: int = 5) -> str:
    """Which rules take the time, in the order in which they run: what they share counts for the first."""
    context = context_of(text)
    rows: list[tuple[float, str]] = []
    for check in checks().values():
        start = time.perf_counter()
        for _ in check.function(context, check) if check.function is not None else ():
            pass
        rows.append((time.perf_counter() - start, check.code))
    rows.sort(reverse=True)
    return ", ".join(f"{code} {took * 1000:.0f} ms" for took, code in rows[:most])
