# ruff: noqa: T201 (it is a program)
"""What is promised when things go wrong, tried and measured: `python -m tests.scoreboard [--only F7,F11] [--full] [--format json]`."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from .promises import PROMISES, Promise

ROOT = Path(__file__).parents[1]


def nodes(promise: Promise) -> list[str]:
    """What pytest is given: files, tests, and `FILE::@WORD` for all of a file whose name has the word."""
    words = [t.partition("::@")[2] for t in promise.tests if "::@" in t]
    return [t.partition("::@")[0] for t in promise.tests] + (["-k", " or ".join(words)] if words else [])


def run(promise: Promise, lane: str) -> dict[str, Any]:
    """Try one promise in a process of its own."""
    wanted = promise.counts[("check", "deep", "nightly").index(lane)]
    row: dict[str, Any] = {
        "name": promise.name, "injected": promise.injected, "holds": promise.holds, "wanted": wanted, "done": 0, "figures": {},
        "seconds": 0.0, "result": "not run here", "why": promise.note,
    }  # fmt: skip
    if not promise.tests:
        return row
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "told")
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "--tb=short", "-rs", "-p", "no:cacheprovider", *nodes(promise)], cwd=ROOT, check=False,
            capture_output=True, text=True, env={**os.environ, "HYPOTHESIS_PROFILE": lane, "SCOREBOARD": str(place)},
        )  # fmt: skip
        told = [json.loads(line) for line in place.read_text().splitlines()] if place.exists() else []
    row["seconds"] = round(time.monotonic() - began, 1)
    judge(promise, row, told)
    if done.returncode:
        row["result"] = "FAILED"
        row["why"] = next(
            (x for x in reversed(done.stdout.splitlines()) if x.startswith(("E  ", "FAILED", "ERROR"))),
            done.stderr[-200:],
        )
    elif not told:
        row["result"] = "skipped"
        row["why"] = next((x for x in done.stdout.splitlines() if x.startswith("SKIPPED")), "no test told anything")
    return row


def judge(promise: Promise, row: dict[str, Any], told: list[dict[str, Any]]) -> None:
    """Sum up what the tests told: the worst of each figure, against its bound."""
    figures: dict[str, float] = {}
    for one in told:
        row["done"] += one["times"]
        for name, value in one["figures"].items():
            worst = min if name in promise.least else max
            figures[name] = round(worst(value, figures.get(name, value)), 2)
    row["figures"] = figures
    missed = [f"{n} above {most:g}" for n, most in promise.most.items() if figures.get(n, most + 1) > most]
    missed += [f"{n} below {least:g}" for n, least in promise.least.items() if figures.get(n, least - 1) < least]
    if row["done"] < row["wanted"]:
        missed.append("fewer than wanted")
    row["result"] = "MISSED" if missed else "held"
    row["why"] = "; ".join([*missed, *([promise.note] if promise.note else [])])


def shown(row: dict[str, Any]) -> str:
    """A row as text."""
    figures = ", ".join(f"{name} {value:g}" for name, value in row["figures"].items())
    head = f"{row['name']:4} {row['result']:12} {row['done']:>9,} of {row['wanted']:<9,} {row['seconds']:>8.1f} s  {figures}"
    return "\n".join(
        [
            head.rstrip(),
            f"     {row['injected']}",
            f"     -> {row['holds']}",
            *([f"     ({row['why']})"] if row["why"] else []),
        ]
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.scoreboard", description=__doc__)
    parser.add_argument("--only", default="", help="names, with commas between them")
    parser.add_argument("--full", action="store_true", help="the full counts (the nightly lane): hours")
    parser.add_argument(
        "--quick", action="store_true", help="the counts of ./check; without one of the two, those of ./check deep"
    )
    parser.add_argument("--format", choices=("text", "json"), default="text")
    given = parser.parse_args()
    names = [n for n in given.only.split(",") if n]
    unknown = set(names) - {p.name for p in PROMISES}
    if unknown:
        parser.error(f"no promise is called {', '.join(sorted(unknown))}")
    lane = "nightly" if given.full else "check" if given.quick else "deep"
    rows = []
    for promise in PROMISES:
        if not names or promise.name in names:
            rows.append(run(promise, lane))
            if given.format == "text":
                print(shown(rows[-1]), flush=True)
    if given.format == "json":
        print(json.dumps({"lane": lane, "rows": rows}, indent=1))
    return 1 if any(r["result"] in {"FAILED", "MISSED"} for r in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
