"""A call that the warm process forks is a call that an interpreter makes: exit code, streams, and nothing left of the last one."""

from __future__ import annotations

import os
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from policy_lang.cli.main import COMMANDS

from . import support
from .support import policy, started

FINE = 'policy "fine"\nallow read "src/**"\nrule asked: deny read "src/secret" because "é\\u{202e}"\ntest "t" { allow read "src/a" }\n'
GONE = ("--socket", "none.sock")
CALLS: dict[str, tuple[str, ...]] = {
    "approvals": ("list", *GONE), "check": ("p.policy", "read", "src/secret"), "compile": ("p.policy", "--format", "json"), "completion": ("zsh",),
    "diff": ("p.policy", "p.policy"), "doctor": ("claude",), "explain": ("p.policy", "read", "src/a"), "fmt": ("--diff", "-"), "freeze": ("--agent", "a", *GONE),
    "hook": ("install", "claude", "--socket", "/s", "--print"), "init": ("none",), "learn": ("none",), "lift": ("--agent", "a", *GONE), "lint": ("p.policy",),
    "log": ("verify", "none"), "mcp": ("--socket", "/none.sock"), "prove": ("p.policy",), "query": ("p.policy", "--who", "read", "src/a"), "replay": ("none", "p.policy"), "rule": ("PTH001",),
    "serve": ("--policy", "none", "--agent", "a"), "session": ("end", "x", *GONE), "state": GONE, "test": ("p.policy", "--min-coverage", "100"),
}  # fmt: skip


@pytest.mark.parametrize("command", [*COMMANDS, "--version", "--help", "nope"])
def test_both_ways_say_the_same(command: str, tmp_path: Path) -> None:
    given = {
        "stdin": "allow   read 'x' # no\n",
        "HOME": str(tmp_path),
        "XDG_RUNTIME_DIR": str(tmp_path),
        "PATH": "/usr/bin:/bin",
    }
    both = []
    for how in (policy, started):
        folder = tmp_path / "folder"
        folder.mkdir()
        (folder / "p.policy").write_text(FINE)
        words = (command, *CALLS.get(command, ()))
        result = how(*words, cwd=folder, **given)
        left = {p.name: (p.stat().st_mode, p.read_bytes()) for p in folder.iterdir()}
        both.append((result, left))
        folder.rename(tmp_path / how.__name__)
    assert both[0] == both[1]


def test_nothing_is_left_of_the_last_call(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
    (first / "p.policy").write_text(FINE)
    told = policy(
        "check", "p.policy", "read", "src/secret", cwd=first, FORCE_COLOR="1", NO_COLOR="", POLICY_LANG_DEBUG="1"
    )
    assert told.code == 1
    assert policy("check", "p.policy", "read", "src/secret", cwd=second).code == 2
    os.replace(first / "p.policy", second / "p.policy")
    (second / "p.policy").write_text(FINE.replace("deny", "allow"))
    assert policy("check", "p.policy", "read", "src/secret", cwd=second).code == 0


def test_the_umask_and_the_environment_are_the_callers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "p.policy").write_text(FINE)
    before = os.umask(0o077)
    try:
        assert policy("lint", "p.policy", "--write-baseline", "b.json", "--exit-zero", cwd=tmp_path).code == 0
    finally:
        os.umask(before)
    assert (tmp_path / "b.json").stat().st_mode & 0o777 == 0o600
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/none/of/these")
    assert "cannot be reached" in policy("state").err
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert "no $XDG_RUNTIME_DIR" in policy("state").err


def test_what_an_interpreter_reads_at_its_start_starts_one(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("print('started')\n")
    assert policy("--version", PYTHONPATH=f"{tmp_path}:{support.ROOT}").out.startswith("started")


def test_calls_at_once_and_long_streams(tmp_path: Path) -> None:
    (tmp_path / "p.policy").write_text(FINE)
    lines = "".join(f'{{"action": "read", "resource": "src/{n}", "id": "{n}"}}\n' for n in range(3000))

    def one(number: int) -> int:
        done = policy("check", "p.policy", "--requests", "-", "--format", "json", stdin=lines, cwd=tmp_path)
        assert done.out.count("\n") == 3000
        return done.code + number

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(one, range(3))) == [0, 1, 2]


def test_a_call_that_never_ends_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(support, "SECONDS", 1)
    (tmp_path / "p.policy").write_text(FINE)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(subprocess.TimeoutExpired):
        policy("check", "p.policy", "--requests", "pipe", cwd=tmp_path)
    monkeypatch.undo()
    assert policy("--version").code == 0


def test_no_process_and_no_thread_is_left() -> None:
    assert policy("--version").code == 0
    threads = threading.active_count()
    for _ in range(3):
        assert policy("--version").code == 0
    pid = support.warm_process()._process.pid
    done = subprocess.run(["ps", "-o", "stat=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == ""
    assert threading.active_count() <= threads
