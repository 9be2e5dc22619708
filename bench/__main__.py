"""`python -m bench [rules|commands|analysis|lint|runtime|records|peers|guards|starter|walls|egress|held]`: the engine against a linear scan of compiled regular expressions, in one run.

Figures are medians of repeated passes over the same resources. Times are in nanoseconds a decision unless said
otherwise, memory in MB. The last columns are ratios: to the scan, and to the engine's own time with 10 rules.
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
import re
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable

from bench import against, analysis, commands, egress, guarding, held, lint, records, runtime, starting, walls, workload
from bench.peers.harness import median
from policy_lang import Policy, Request

SIZES = (10, 1_000, 10_000, 100_000)


def build(sort: str, count: int) -> tuple[Policy, float, float]:
    """The policy with its compile time in seconds and its memory in MB."""
    text = workload.policy_text(sort, count)
    gc.collect()
    tracemalloc.start()
    policy = workload.load(text)
    memory = tracemalloc.get_traced_memory()[0] / 1e6
    tracemalloc.stop()
    del policy
    gc.collect()
    start = time.perf_counter()
    policy = workload.load(text)
    return policy, time.perf_counter() - start, memory


def walk(policy: Policy, action: str) -> Callable[[str | tuple[str, ...]], object]:
    """The engine without its memory of whole answers: normalise, walk the warm automaton, combine."""
    engine = policy._engine

    def ask(resource: str | tuple[str, ...]) -> object:
        return engine.decide(Request(action, resource))

    return ask


def scan(rules: list[tuple[str, re.Pattern[str], re.Pattern[str] | None]]) -> Callable[[str | tuple[str, ...]], str]:
    """The peer: every rule's regular expression in turn; a deny ends it."""

    def ask(resource: str | tuple[str, ...]) -> str:
        text = resource if isinstance(resource, str) else "\0".join(resource)
        effect = "deny"
        for kind, pattern, but in rules:
            if pattern.fullmatch(text) and not (but and but.fullmatch(text)):
                if kind == "deny":
                    return kind
                effect = kind
        return effect

    return ask


def measure(sort: str, count: int, least: float) -> dict[str, object]:
    """One row of the table."""
    policy, compile_s, memory = build(sort, count)
    action = workload.ACTION[sort]

    def ask(resource: str | tuple[str, ...]) -> object:
        return policy.decide(action=action, resource=resource)

    kinds = workload.resources(sort, count)
    row: dict[str, object] = {"sort": sort, "rules": count, "compile_s": compile_s, "memory_mb": memory}
    first = workload.fresh(sort, count, 300)
    start = time.perf_counter()
    for resource in first:
        ask(resource)
    row["first_visit_us"] = (time.perf_counter() - start) / len(first) * 1e6
    for kind, resources in kinds.items():
        row[kind] = median(ask, resources, least)
    row["walk"] = median(walk(policy, action), kinds["mixed"], least)
    patterns = workload.regexes(sort, count)
    if count <= 10_000:
        peer = scan(patterns)
        wrong = sum(peer(r) != policy.decide(action=action, resource=r).effect for r in kinds["mixed"][:200])
        row["differences"] = wrong
        row["scan"] = median(peer, kinds["mixed"][: max(4, 20_000 // count)], least)
    if sort == "path":
        row.update(hostile(policy, action))
    return row


def hostile(policy: Policy, action: str) -> dict[str, object]:
    """200,000 paths that never come again: time for each, and what they leave behind."""
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for i in range(50_000):
        policy.decide(action=action, resource=f"services/{i}x/{i * 7919}/q{i}.py")
    grown = (tracemalloc.get_traced_memory()[0] - before) / 1e6
    tracemalloc.stop()
    start = time.perf_counter()
    for i in range(50_000, 200_000):
        policy.decide(action=action, resource=f"services/{i}x/{i * 7919}/q{i}.py")
    return {"hostile_us": (time.perf_counter() - start) / 150_000 * 1e6, "hostile_mb": grown}


def cold_process(count: int) -> float:
    """Seconds of a fresh process that compiles a file and decides once."""
    code = (
        "import sys, time\nsys.path.insert(0, '.')\nfrom bench import workload\n"
        f"text = workload.policy_text('path', {count})\nstart = time.perf_counter()\n"
        "workload.load(text).decide(action='read', resource='a')\n"
        "print(time.perf_counter() - start)"
    )
    return float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)


def table(rows: list[dict[str, object]]) -> str:
    """The rows as text."""
    columns = (
        "sort",
        "rules",
        "compile_s",
        "memory_mb",
        "hit",
        "miss",
        "deep",
        "mixed",
        "walk",
        "first_visit_us",
        "scan",
        "scan/mixed",
        "mixed/10",
        "hostile_us",
        "hostile_mb",
        "differences",
    )
    lines = ["  ".join(f"{c:>14}" for c in columns)]
    base: dict[str, float] = {}
    for row in rows:
        sort, mixed = str(row["sort"]), float(str(row["mixed"]))
        base.setdefault(sort, mixed)
        row["mixed/10"] = mixed / base[sort]
        if "scan" in row:
            row["scan/mixed"] = float(str(row["scan"])) / mixed
        cells = []
        for column in columns:
            value = row.get(column, "")
            cells.append(f"{value:>14.2f}" if isinstance(value, float) else f"{value!s:>14}")
        lines.append("  ".join(cells))
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "what",
        nargs="?",
        choices=(
            "rules",
            "commands",
            "analysis",
            "lint",
            "runtime",
            "records",
            "peers",
            "guards",
            "starter",
            "walls",
            "egress",
            "held",
        ),
        default="rules",
    )
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="rule counts, separated by commas")
    parser.add_argument("--sorts", default="path,host,ref,argv")
    parser.add_argument("--seconds", type=float, default=0.3, help="least time for one figure")
    parser.add_argument("--records", type=int, default=1_000_000, help="records that are replayed and learned from")
    parser.add_argument(
        "--verbose", action="store_true", help="name everything that a guard or a starter answered wrongly"
    )
    parser.add_argument(
        "--soak", type=int, default=0, metavar="SECONDS", help="with egress: fail all around it so long"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    if options.what == "commands":
        print(f"Python {platform.python_version()}, {platform.machine()}; see bench/README.md\n")
        print(commands.measure())
        return
    if options.what == "runtime":
        print(f"Python {platform.python_version()}, {platform.machine()}; see bench/README.md\n")
        print(runtime.measure())
        return
    if options.what == "records":
        print(f"Python {platform.python_version()}, {platform.machine()}; see bench/README.md\n")
        print(records.measure(options.records))
        return
    sizes = tuple(int(s) for s in options.sizes.split(","))
    if options.what == "guards":
        guarding.measure(options.verbose)
        return
    if options.what == "starter":
        starting.run(show=options.verbose)
        return
    if options.what == "held":
        held.run()
        return
    if options.what == "egress":
        egress.run(options.soak)
        return
    if options.what == "walls":
        print("\n".join(walls.run()))
        return
    if options.what == "peers":
        print(f"Python {platform.python_version()}, {platform.machine()}; see docs/explanation/benchmarks.md\n")
        against.measure(options.sorts.split(","), sizes, options.seconds)
        return
    if options.what == "lint":
        print(f"Python {platform.python_version()}, {platform.machine()}; see bench/README.md\n")
        lint.measure((*(s for s in sizes if s <= 1_000), 5_000))
        return
    if options.what == "analysis":
        print(f"Python {platform.python_version()}, {platform.machine()}; see bench/README.md\n")
        analysis.measure(tuple(s for s in sizes if s <= 10_000), options.seconds)
        return
    rows = [
        measure(sort, int(size), options.seconds)
        for sort in options.sorts.split(",")
        for size in options.sizes.split(",")
    ]
    if options.json:
        print(json.dumps(rows, indent=2))
        return
    print(f"Python {platform.python_version()}, {platform.machine()}; ns a decision, MB, see bench/README.md\n")
    print(table(rows))
    print(f"\ncold process, 10,000 path rules from source to the first decision: {cold_process(10_000):.2f} s")


if __name__ == "__main__":
    main()
