"""Nothing gets out of the box: each attempt is shown to work without one, and then tried inside."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import importlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lanes import DEEP
from tests.walls.escapes import kit, stage

NO_THEMES = {"__init__", "conftest", "driver", "holder", "kit", "outside", "stage"}
for _path in sorted(Path(stage.__file__).parent.glob("*.py")):
    if _path.stem not in NO_THEMES:
        importlib.import_module(f"tests.walls.escapes.{_path.stem}")
CONTROLS = [one for one in kit.ATTEMPTS.values() if one.theme == "controls"]
ALL = [one for one in kit.ATTEMPTS.values() if one.theme != "controls"]
GROUPS = stage.groups()
GROUP_OF = {one.name: group for group, members in GROUPS.items() for one in members}
ROOT = os.geteuid() == 0


@functools.cache
def launcher() -> str:
    """Why there is no launcher; empty when there is."""
    done = subprocess.run([stage.POLICY, "run", "--help"], check=False, capture_output=True)
    return "" if done.returncode == 0 else "no launcher yet"


RUN: list[Path] = []
"""The folder of this run of pytest, which all its workers have."""


@pytest.fixture(autouse=True, scope="session")
def _run(tmp_path_factory: pytest.TempPathFactory) -> None:
    RUN.append(tmp_path_factory.getbasetemp().parent)


def shared(name: str, find: Callable[[], dict[str, stage.Outcome]]) -> dict[str, stage.Outcome]:
    """What came of a group, found once for all of pytest's workers."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return find()
    path = f"{RUN[0]}/escapes-{name.replace('/', '-')}.json"
    with open(f"{path}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(path):
            found = {n: {**vars(o), "output": o.output.decode(errors="replace")} for n, o in find().items()}
            Path(path).write_text(json.dumps(found))
        known = json.loads(Path(path).read_text())
    return {
        n: stage.Outcome(n, o["status"], o["output"].encode(), [tuple(e) for e in o["evidence"]], o["granted"])
        for n, o in known.items()
    }


KNOWN = {
    "the loader of programs obeys the caller's variables, before any line of ours": "trap_preload trap_audit",
    "the plan says that interfaces of the network inside can be listed": "kind_routes kind_high_bits",
}
"""What gets through today, by the reason. Whoever stops one takes it out."""


def known(one: kit.Attempt, request: pytest.FixtureRequest) -> None:
    for reason, names in KNOWN.items():
        if one.name in names.split():
            request.applymarker(pytest.mark.xfail(reason=reason, strict=True))


BARE = pytest.mark.skipif(not DEEP, reason="attempts change rarely: `./check deep` shows that they work")
BOXED = pytest.mark.skipif(bool(launcher()), reason=launcher() or "there is one")


@functools.cache
def bare(group: str) -> dict[str, stage.Outcome]:
    members = [one for one in GROUPS[group] if not one.bare and (ROOT or not one.root)]
    return shared(f"bare-{group}", lambda: stage.try_out(members, box=False)) if members else {}


@functools.cache
def supervised(group: str) -> dict[str, stage.Outcome]:
    return shared(f"supervised-{group}", lambda: stage.try_out(GROUPS[group], box=True, supervised=True))


@functools.cache
def boxed(group: str) -> dict[str, stage.Outcome]:
    return shared(f"boxed-{group}", lambda: stage.try_out(GROUPS[group], box=True))


def test_there_are_enough() -> None:
    assert len(ALL) >= 170
    assert len([one for one in ALL if one.bare]) < len(ALL) / 8


@BARE
@pytest.mark.parametrize("one", ALL, ids=lambda one: f"{one.theme}-{one.name}")
def test_attempts_work_bare(one: kit.Attempt) -> None:
    """An attempt that fails without a box proves nothing inside one."""
    if one.bare:
        pytest.skip(one.bare)
    if one.root and not ROOT:
        pytest.skip("works for root only")
    outcome = bare(GROUP_OF[one.name])[one.name]
    if b"[Errno 38]" in outcome.output:
        pytest.skip("this kernel has no such call")
    assert one.evidence in {kind for kind, _ in outcome.evidence}, show(one, outcome)


@pytest.mark.parametrize("one", CONTROLS, ids=lambda one: one.name)
def test_what_is_granted_works_bare(one: kit.Attempt) -> None:
    outcome = bare("controls")[one.name]
    assert outcome.granted and not outcome.evidence, show(one, outcome)


@BOXED
@pytest.mark.parametrize("one", CONTROLS, ids=lambda one: one.name)
def test_what_is_granted_works(one: kit.Attempt) -> None:
    """A box that is shut altogether would pass everything else."""
    outcome = boxed("controls")[one.name]
    assert outcome.granted and not outcome.evidence, show(one, outcome)


SLOW = {"races", "processes", "environment", "restarts", "exhaustion"}
"""Themes whose attempts need starts of their own, or time: `./check deep` tries them."""


@BOXED
@pytest.mark.parametrize(
    "one", [a for a in ALL if DEEP or a.theme not in SLOW], ids=lambda one: f"{one.theme}-{one.name}"
)
def test_nothing_gets_through(one: kit.Attempt, request: pytest.FixtureRequest) -> None:
    if one.late:
        pytest.skip("the plan says that this is not held")
    known(one, request)
    outcome = boxed(GROUP_OF[one.name])[one.name]
    assert outcome.status != "not run", show(one, outcome)
    assert not outcome.evidence, show(one, outcome)


READS = [one for one in ALL if one.theme in {"reads", "restarts", "deputies"}]


@BOXED
@pytest.mark.parametrize("one", READS, ids=lambda one: f"{one.theme}-{one.name}")
def test_nothing_gets_through_where_reads_are_supervised(one: kit.Attempt, request: pytest.FixtureRequest) -> None:
    known(one, request)
    outcome = supervised(GROUP_OF[one.name])[one.name]
    assert outcome.status != "not run", show(one, outcome)
    assert not outcome.evidence, show(one, outcome)


@BOXED
@pytest.mark.parametrize("group", [g for g in GROUPS if "/" not in g and g != "controls" and (DEEP or g not in SLOW)])
def test_no_change_is_without_author(group: str) -> None:
    """What changed outside and is nobody's in particular is somebody's all the same."""
    outcome = boxed(group).get("")
    assert outcome is None, outcome.evidence


SLEEPS = "import os, time; os.fork() or os.setsid(); time.sleep(30)"


def living(word: str) -> list[int]:
    """Processes that have a word on their command line."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if word.encode() in words and b"run" not in words:
                found.append(int(pid))
    return found


@BOXED
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT], ids=lambda n: n.name)
def test_a_box_ends_with_its_launcher(number: signal.Signals) -> None:
    made = stage.Stage([], box=True)
    word = f"sleeper-{made.nonce}"
    try:
        argv = stage.boxed([stage.PYTHON, "-I", "-c", SLEEPS, word], made)
        started = subprocess.Popen(argv, env=made.environment(), cwd=made.ws, stderr=subprocess.PIPE)
        end = time.monotonic() + 20
        while not [p for p in living(word) if p != started.pid] and time.monotonic() < end:
            time.sleep(0.05)
        time.sleep(0.2)
        assert living(word)
        started.send_signal(number)
        started.communicate(timeout=20)
        end = time.monotonic() + 3
        while living(word) and time.monotonic() < end:
            time.sleep(0.05)
        assert not living(word)
    finally:
        for pid in living(word):
            os.kill(pid, 9)
        made.close()


def show(one: kit.Attempt, outcome: stage.Outcome) -> str:
    found = "\n".join(f"  {kind}: {what}" for kind, what in outcome.evidence) or "  nothing"
    return f"{one.means}; found:\n{found}\nended: {outcome.status}\n{outcome.output[-1500:].decode(errors='replace')}"
