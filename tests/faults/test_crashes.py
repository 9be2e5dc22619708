"""F8: the process dies at each call to the system, one after the other; what is on the disk is the old or the new."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from policy_lang import __version__
from policy_lang.approvals.sqlite import SqliteStore
from policy_lang.compiled.opened import open_compiled
from policy_lang.daemon.frozen_store import FrozenStore
from tests.approvals.test_machine import ticket, vote
from tests.console.support import ROOT
from tests.promises import tried

DYING = """
import os, signal, sys
left = [int(sys.argv[1])]
def dying(name):
    real = getattr(os, name)
    def call(*given, **more):
        left[0] -= 1
        if left[0] == 0:
            if name == "write" and len(given[1]) > 1:
                real(given[0], given[1][: len(given[1]) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*given, **more)
    setattr(os, name, call)
for name in ("open", "write", "fsync", "fdatasync", "rename", "replace", "fdopen", "close", "unlink", "chmod"):
    dying(name)
sys.argv = sys.argv[2:]
"""


def deaths(code: str, *words: str | Path) -> Iterator[tuple[int, bool]]:
    """Run it again and again, dying one call later each time, until it ends; whether it has ended."""
    for number in range(1, 60):
        done = subprocess.run(
            [sys.executable, "-c", DYING + code, str(number), "x", *map(str, words)], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
        )  # fmt: skip
        assert done.returncode in {0, -9}, done.stderr
        yield number, done.returncode == 0
        if done.returncode == 0:
            assert number > 3
            tried("F8", number - 1)
            return
    raise AssertionError("it never ended")


def test_a_compiled_policy_is_the_old_or_the_new_one(tmp_path: Path) -> None:
    digests = {}
    for name, text in (("old", 'policy "p"\nallow read "a"'), ("new", 'policy "p"\nallow read "b"')):
        source = tmp_path / f"{name}.policy"
        source.write_text(text)
        subprocess.run(
            [sys.executable, "-m", "policy_lang", "compile", source], cwd=ROOT, check=True, capture_output=True
        )
        digests[name] = open_compiled(str(tmp_path / f"{name}.plc"), __version__).prepared.digest
    (tmp_path / "p.plc").write_bytes((tmp_path / "old.plc").read_bytes())
    code = (
        "from policy_lang.domain.files import replace\n"
        "replace(sys.argv[1], open(sys.argv[2], 'rb').read(), mode=0o644, durable=True)"
    )
    seen = set()
    for _, ended in deaths(code, tmp_path / "p.plc", tmp_path / "new.plc"):
        found = open_compiled(str(tmp_path / "p.plc"), __version__).prepared.digest
        assert found == digests["new"] if ended else found in digests.values()
        seen.add(found)
        (tmp_path / "p.plc").write_bytes((tmp_path / "old.plc").read_bytes())
    assert seen == set(digests.values())


def test_what_is_frozen_is_the_old_or_the_new(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    code = "from policy_lang.daemon.frozen_store import FrozenStore\nFrozenStore(sys.argv[1]).state.freeze('agent', 'b', 'w', 'x', 1.0)"
    seen = set()
    for _, ended in deaths(code, tmp_path):
        names = {name for _, name in FrozenStore(str(tmp_path)).state.frozen}
        assert names == {"a", "b"} if ended else names in ({"a"}, {"a", "b"}, set())
        seen.add(frozenset(names))
        (tmp_path / "frozen.json").unlink(missing_ok=True)
        FrozenStore(str(tmp_path)).state.freeze("agent", "a", "w", "x", 1.0)
    assert frozenset({"a", "b"}) in seen


@pytest.mark.parametrize("step", ["vote", "redeem"])
def test_a_ticket_is_the_old_or_the_new_one_or_revoked(tmp_path: Path, step: str) -> None:
    """Between the counter's file and the commit a crash looks like an older file: then nothing is approved."""
    change = {
        "vote": "lambda t: machine.vote(t, 'ben', 'approve', '', 1001.0, lambda *_: True, {})",
        "redeem": "lambda t: machine.redeem(t, t.binding, 1002.0, {})",
    }[step]
    code = (
        "from policy_lang.approvals import machine\nfrom policy_lang.approvals.sqlite import SqliteStore\n"
        f"SqliteStore(sys.argv[1]).change('t', {change})"
    )
    before, after = {"vote": ("pending", "approved"), "redeem": ("approved", "redeemed")}[step]
    seen = set()
    path = tmp_path / "approvals.db"
    for number, ended in deaths(code, path):
        store = SqliteStore(str(path))
        found = store.get("t")
        if number > 1 or found is not None:
            assert found is not None
            assert found.state == after if ended else found.state in {before, after, "revoked"}
            seen.add(found.state)
        store.close()
        for name in tmp_path.iterdir():
            name.unlink()
        store = SqliteStore(str(path))
        store.add(ticket(), 5)
        if step == "redeem":
            store.change("t", lambda t: vote(t, "ben"))
        store.close()
    assert {before, after} <= seen
