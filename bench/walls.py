"""What walls cost: starts, opens, programs, connections, tests and an installation, inside against bare, in turn.

`python -m bench walls` needs bubblewrap; the tests need pytest, the installation npm and its registry, once.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from policy_lang.walls import mounts

ROUNDS = 5
POLICY = """policy "bench"
import std.baseline without loopback
allow read "./", "~/.npm/"
allow write, delete "./", "~/.npm/"
allow run "**"
"""
START = "start beyond bubblewrap, {} files"
LOOPS = {
    "start a program": "i=0; while [ $i -lt 300 ]; do /bin/true; i=$((i+1)); done",
    "write a file": (
        "import os\nos.makedirs('out', exist_ok=True)\nfor r in range(3):\n for i in range(700):\n"
        "  with open(f'out/{i}', 'w') as f: f.write('x')\n for i in range(700): os.unlink(f'out/{i}')"
    ),
    "read a file": "for r in range(40):\n for i in range(500):\n  with open(f'files/{i}') as f: f.read()",
    "connect": (
        "import socket\ns = socket.create_server(('127.0.0.1', 0)); s.listen(512)\nfor i in range(1500):\n"
        " c = socket.create_connection(s.getsockname()); a, _ = s.accept(); c.close(); a.close()"
    ),
}
DEPENDENCIES = {"typescript": "^5", "eslint": "^9", "vite": "^7", "express": "^5", "lodash": "^4"}
ROOT = Path(__file__).resolve().parent.parent
TESTED = ("policy_lang", "tests", "grammar", "stdlib_policies", "pyproject.toml")
"""What of this project its tests need."""
TESTS = [f"tests/unit/test_{name}.py" for name in ("ignored", "searched", "project", "commands", "config")]
"""Some that read and write files, start programs, and compute."""


class Place:
    """A home with a workspace `w` of so many files, and the compiled policy."""

    def __init__(self, files: int = 0) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="bench-walls-", dir="/var/tmp"))
        self.work = self.home / "w"
        self.work.mkdir()
        for number in range(files):
            path = self.work / f"src/{number % 40}/{number % 400}/{number}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        (self.home / "p.policy").write_text(POLICY)
        self.policy = str(self.home / "p.plc")
        subprocess.run(
            [sys.executable, "-m", "policy_lang", "compile", str(self.home / "p.policy"), "-o", self.policy],
            check=True,
            stdout=subprocess.DEVNULL,
        )

    def walled(self, words: Sequence[str]) -> list[str]:
        """A command behind walls."""
        found = importlib.util.find_spec("pytest")
        packages = [str(Path(found.origin).parent.parent)] if found is not None and found.origin else []
        system = [w for f in (sys.prefix, sys.base_prefix, *packages) for w in ("--system", f)]
        return [
            sys.executable,
            "-m",
            "policy_lang",
            "run",
            "--policy",
            self.policy,
            "--workspace",
            str(self.work),
            *system,
            "--accept-loss",
            "words,remote,late-reads",
            "--",
            *words,
        ]

    def seconds(self, words: Sequence[str]) -> float:
        """How long a command takes."""
        began = time.perf_counter()
        environment = {**os.environ, "HOME": str(self.home), "POLICY_LANG_DEBUG": "1"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # as it is installed: compiled once
        done = subprocess.run(words, cwd=self.work, env=environment, check=False, capture_output=True)
        if done.returncode:
            raise subprocess.CalledProcessError(done.returncode, words, done.stdout, done.stderr[-2000:].decode())
        return time.perf_counter() - began

    def compared(self, words: Sequence[str], rounds: int = ROUNDS, before: Sequence[str] = ()) -> tuple[float, float]:
        """Seconds bare and inside, medians of rounds in turn."""
        bare: list[float] = []
        inside: list[float] = []
        for _ in range(rounds):
            for times, command in ((bare, list(words)), (inside, self.walled(words))):
                if before:
                    self.seconds(before)
                times.append(self.seconds(command))
        return median(bare), median(inside)

    def remove(self) -> None:
        """Take it away."""
        shutil.rmtree(self.home, ignore_errors=True)


def starts(files: int) -> tuple[float, float]:
    """Seconds of a start of bubblewrap alone, and of walls around a workspace of so many files."""
    place = Place(files)
    alone = [
        str(mounts.bubblewrap()),
        "--unshare-all",
        "--die-with-parent",
        "--ro-bind",
        "/",
        "/",
        "--proc",
        "/proc",
        "--dev",
        "/dev",
        "true",
    ]
    try:
        place.seconds(place.walled(["true"]))  # what is compiled once is compiled
        plain, walls = [], []
        for _ in range(ROUNDS):
            plain.append(place.seconds(alone))
            walls.append(place.seconds(place.walled(["true"])))
    finally:
        place.remove()
    return median(plain), median(walls)


def loops() -> dict[str, tuple[float, float]]:
    """Seconds of each loop, bare and inside, without the start of walls."""
    place = Place()
    (place.work / "files").mkdir()
    for number in range(500):
        (place.work / f"files/{number}").write_text("x" * 4000)
    try:
        empty = place.compared(["true"])
        out = {}
        for name, code in LOOPS.items():
            words = ["sh", "-c", code] if name == "start a program" else [sys.executable, "-c", code]
            bare, inside = place.compared(words)
            out[name] = (bare, inside - (empty[1] - empty[0]))
        return out
    finally:
        place.remove()


def suite() -> tuple[float, float] | None:
    """Seconds of some of this project's tests; None without pytest."""
    if importlib.util.find_spec("pytest") is None:
        return None
    place = Place()
    try:
        for name in TESTED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, place.work / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / name, place.work)
        words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *TESTS]
        place.seconds(words)
        return place.compared(words, 3)
    finally:
        place.remove()


def installation() -> tuple[float, float] | None:
    """Seconds of `npm ci` from npm's own cache; None without npm or its registry."""
    if shutil.which("npm") is None:
        return None
    place = Place()
    try:
        import json

        (place.work / "package.json").write_text(
            json.dumps({"name": "bench", "version": "1.0.0", "dependencies": DEPENDENCIES})
        )
        place.seconds(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts"])
        words = ["npm", "ci", "--offline", "--no-audit", "--no-fund", "--ignore-scripts"]
        return place.compared(words, 3, ["rm", "-rf", "node_modules"])
    except subprocess.CalledProcessError:
        return None
    finally:
        place.remove()


def run() -> list[str]:
    """The table, as lines."""
    if mounts.bubblewrap() is None:
        return ["bubblewrap is not installed"]
    lines = [f"{'what':<36}{'bare, s':>10}{'inside, s':>11}{'ratio':>8}"]

    def row(name: str, found: tuple[float, float] | None) -> None:
        if found is not None:
            lines.append(f"{name:<36}{found[0]:>10.3f}{found[1]:>11.3f}{found[1] / found[0]:>8.2f}")
            print(lines[-1], file=sys.stderr, flush=True)

    for files in (1_000, 20_000):
        alone, walls = starts(files)
        lines.append(f"{START.format(files):<36}{alone:>10.3f}{walls:>11.3f}{(walls - alone) * 1000:>5.0f} ms")
        print(lines[-1], file=sys.stderr, flush=True)
    for name, found in loops().items():
        row(name, found)
    row("a test suite", suite())
    row("npm ci", installation())
    return lines
