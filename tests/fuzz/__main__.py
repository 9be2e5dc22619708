# ruff: noqa: T201 (it is a program)
"""Fuzz one reader, guided by coverage: `python -m tests.fuzz TARGET --minutes N`. The corpus stays small; a find is printed as a line for it."""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import time
import traceback
from pathlib import Path

from . import corpus_files

WORK = Path(__file__).parents[2] / ".fuzz"
MOST = 5 << 10
"""Bytes of one target's corpus."""


def with_atheris(name: str, folder: Path, seconds: int) -> None:
    """Fuzz in this process; it ends by itself."""
    import atheris

    with atheris.instrument_imports(include=["policy_lang"]):
        from .targets import TARGETS
    options = [
        f"-max_total_time={seconds}",
        "-max_len=4096",
        "-timeout=20",
        "-rss_limit_mb=2000",
        "-verbosity=0",
        "-print_final_stats=1",
    ]
    atheris.Setup(
        [sys.argv[0], *options, f"-artifact_prefix={folder.parent}/found-{name}-", str(folder)], TARGETS[name]
    )
    atheris.Fuzz()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", help="one of the functions of tests/fuzz/targets.py")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--plain", action="store_true", help="without atheris, guided by sys.settrace")
    parser.add_argument("--inner", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    folder, seconds = WORK / given.target, int(given.minutes * 60)
    if given.inner:
        with_atheris(given.target, folder, seconds)
    from .reached import search, smallest
    from .targets import TARGETS

    target = TARGETS.get(given.target)
    if target is None:
        parser.error(f"`{given.target}` is not a target; the targets are {', '.join(TARGETS)}")
    folder.mkdir(parents=True, exist_ok=True)
    known = corpus_files.read(given.target)
    for number, data in enumerate(known):
        (folder / f"known-{number}").write_bytes(data)
    before = set(WORK.glob(f"found-{given.target}-*"))
    if given.plain or importlib.util.find_spec("atheris") is None:
        print(
            "without atheris (`pip install -r requirements/fuzz.txt` adds it): guided by sys.settrace, some thirty times slower"
        )
        tried, pool, found = search(target, [p.read_bytes() for p in folder.iterdir()], seconds, seed=int(time.time()))
        print(f"{given.target}: {tried} inputs, {len(pool)} kept")
        for number, data in enumerate(pool):
            (folder / f"plain-{number}").write_bytes(data)
        if found is not None:
            (WORK / f"found-{given.target}-{time.time_ns()}").write_bytes(found)
    else:
        done = subprocess.run(
            [sys.executable, "-m", "tests.fuzz", given.target, "--minutes", str(given.minutes), "--inner"], check=False, text=True,
            stderr=subprocess.PIPE,
        )  # fmt: skip
        for line in done.stderr.splitlines():
            if line.startswith("stat::"):
                print(f"{given.target}: {line[6:].strip()}")
    finds = sorted(set(WORK.glob(f"found-{given.target}-*")) - before)
    for find in finds:
        data = find.read_bytes()
        print(f"{given.target}: found (a line for tests/fuzz/corpus/{given.target}.txt, once it is fixed):")
        print(json.dumps(data.decode("latin-1")))
        try:
            target(data)
        except Exception:  # noqa: BLE001 (it is shown)
            traceback.print_exc(limit=-4)
    good = []
    for path in folder.iterdir():
        try:
            target(path.read_bytes())
        except Exception:  # noqa: BLE001 (not fixed yet)
            continue
        good.append(path.read_bytes())
    kept = smallest(target, good, MOST)
    corpus_files.write(given.target, [*known, *kept] if sum(map(len, [*known, *kept])) < 2 * MOST else kept)
    print(f"{given.target}: {len(kept)} of {len(good)} inputs reach every line that any of them reaches")
    return 1 if finds else 0


if __name__ == "__main__":
    sys.exit(main())
