"""The service with a log: no allow without a record that lasts, whatever goes wrong."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Self

import pytest

from policy_lang.audit.verify import verify
from policy_lang.client import Client
from tests.audit.support import lines
from tests.console.support import ROOT
from tests.console.support import policy as command
from tests.hooks.support import hook, workspace
from tests.lanes import pick

from .inside import Inside
from .support import POLICY, Running, service

LOG = ("--agent", "a", "--log", "{folder}/log")


def test_everything_that_happens_is_recorded() -> None:
    with service(POLICY, *LOG) as running:
        log = running.folder / "log"
        _, reply = running.call("POST", "/v1/decide", {"action": "read", "resource": "src/a", "session": "s", "origin": {"call": "c1"}})  # fmt: skip
        running.decide(action="write", resource="src/a")
        running.call("POST", "/v1/decide/batch", {"requests": [{"action": "read", "resource": "src/secret"}] * 3})
        running.call("POST", "/v1/decide", {"action": "read", "resource": "src/a", "agent": "root"})
        running.change(POLICY.replace("git status", "git log"))
        running.wait_for(running.call("GET", "/v1/policy")[1]["digest"])
        assert running.stop() == 0
        found = lines(log)
        kinds = [r["kind"] for r in found]
        assert kinds.count("decision") == 5 and "serving" in kinds and "stopped" in kinds and "policy-loaded" in kinds
        assert next(r for r in found if r["kind"] == "refused")["code"].startswith("PLR2")
        first = next(r for r in found if r["kind"] == "decision")
        assert first["id"] == reply["decision_id"] and first["source"]["by"] == "service"
        assert first["source"]["uid"] == os.getuid() and first["request"]["origin"] == {"call": "c1"}
        assert not verify(str(log)).fault
        assert "read src/a" in command("log", "story", log, "s").out


def test_what_cannot_be_recorded_is_denied_and_recovers_without_a_restart() -> None:
    with service(POLICY, *LOG) as running:
        log = running.folder / "log"
        assert running.decide(action="read", resource="src/a") == "allow"
        log.rename(running.folder / "moved")
        log.write_text("no folder")
        _, reply = running.call("POST", "/v1/decide", {"action": "read", "resource": "src/a"})
        assert reply["effect"] == "deny" and "audit_unavailable" in reply["reasons"][0]
        _, batch = running.call("POST", "/v1/decide/batch", {"requests": [{"action": "read", "resource": "src/a"}] * 3})
        assert [d["effect"] for d in batch["decisions"]] == ["deny"] * 3
        assert 'policy_records_total{result="refused"} 4' in running.call("GET", "/metrics")[1]
        log.unlink()
        (running.folder / "moved").rename(log)
        assert running.decide(action="read", resource="src/a") == "allow"
        running.stop()
        assert [r["denied"] for r in lines(log) if r["kind"] == "gap"]
        assert not verify(str(log)).fault


def test_a_wrong_place_is_told_at_the_start(tmp_path: Path) -> None:
    policy = tmp_path / "p.policy"
    policy.write_text(POLICY)
    (tmp_path / "file").write_text("")
    place = ["--policy", policy, "--socket", tmp_path / "s", "--agent", "a"]
    for options, message in (
        (["--log", tmp_path / "file"], "file"), (["--sign", tmp_path / "key"], "belong to `--log"),
        (["--log", tmp_path / "log", "--sign", tmp_path / "none"], "cannot be read"),
    ):  # fmt: skip
        done = command("serve", *place, *options)
        assert done.code == 2 and message in done.err, options


class Acknowledged:
    """Clients that note the id of every allow that they were told of."""

    def __init__(self, running: Running, clients: int = 6) -> None:
        self.running = running
        self.ids: list[str] = []
        self.denied: list[list[str]] = []
        self.stop = threading.Event()
        self._threads = [threading.Thread(target=self._loop, args=(n,)) for n in range(clients)]

    def _loop(self, number: int) -> None:
        while not self.stop.is_set():
            with contextlib.suppress(OSError, Exception):
                _, reply = self.running.call("POST", "/v1/decide", {"action": "read", "resource": f"src/{number}"})
                if reply["effect"] == "allow":
                    self.ids.append(reply["decision_id"])
                else:
                    self.denied.append(reply["reasons"])

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        for thread in self._threads:
            thread.join()


def recorded(log: Path) -> set[str]:
    """The ids of all decisions in a log, whole lines only."""
    out = set()
    for path in sorted(log.glob("*.jsonl")):
        for line in path.read_bytes().split(b"\n")[:-1]:
            value = json.loads(line)
            if value["kind"] == "decision":
                out.add(value["id"])
    return out


def test_f1_killed_under_load_every_acknowledged_allow_is_recorded(tmp_path: Path) -> None:
    log = tmp_path / "log"
    ids: list[str] = []
    for _ in range(pick(2, 3, 200)):
        with service(POLICY, "--agent", "a", "--log", str(log)) as running, Acknowledged(running) as load:
            began = time.monotonic()
            while not load.ids:
                assert time.monotonic() - began < 5, load.denied
                time.sleep(0.01)
            time.sleep(0.2)
            running.process.send_signal(signal.SIGKILL)
            running.process.wait(5)
        ids += load.ids
    with service(POLICY, "--agent", "a", "--log", str(log)) as running:
        assert running.decide(action="read", resource="src/a") == "allow"
        running.stop()
    assert set(ids) <= recorded(log)
    assert not verify(str(log)).fault


def test_many_callers_share_a_flush() -> None:
    with service(POLICY, *LOG) as running:
        with Acknowledged(running, 8) as load:
            time.sleep(0.5)
        assert load.ids
        assert set(load.ids) <= recorded(running.folder / "log")
        running.stop()
        assert not verify(str(running.folder / "log")).fault


SCRIPT = """
import contextlib, json, os, signal, subprocess, sys, threading, time
from pathlib import Path
sys.path.insert(0, ROOT)
from policy_lang.audit.verify import verify
from tests.service.support import POLICY, Running, service
from tests.service.test_records import Acknowledged, recorded
log = Path("/mnt/log")
ids, denied = [], 0
def fill():
    with open("/mnt/junk", "wb") as junk, contextlib.suppress(OSError):
        while True:
            os.write(junk.fileno(), b"x" * 4096)
def ask(running):
    return running.call("POST", "/v1/decide", {"action": "read", "resource": "src/a"})[1]
for round in range(ROUNDS):
    with service(POLICY, "--agent", "a", "--log", str(log)) as running, Acknowledged(running, 3) as load:
        time.sleep(0.1)
        fill()
        time.sleep(0.05)
        running.process.send_signal(signal.SIGKILL)
        running.process.wait(5)
    ids += load.ids
    # it comes up again while there is no room, denies, and recovers when there is
    with service(POLICY, "--agent", "a", "--log", str(log)) as running:
        reply = ask(running)
        if reply["effect"] == "deny":
            assert "audit_unavailable" in reply["reasons"][0], reply
            denied += 1
        os.unlink("/mnt/junk")
        reply = ask(running)
        assert reply["effect"] == "allow", reply
        ids.append(reply["decision_id"])
        running.stop()
    assert set(ids) <= recorded(log), (len(ids), len(recorded(log)))
    found = verify(str(log))
    assert not found.fault, found.fault
    for p in log.glob("*"):
        p.unlink()
    ids = []
assert denied, "the disk was never full"
print("done")
"""


def test_f20_a_full_disk_while_it_recovers_from_a_kill() -> None:
    script = f"ROOT = {str(ROOT)!r}\nROUNDS = {pick(2, 2, 50)}\n" + SCRIPT
    mount = f'mount -t tmpfs -o size=3m none /mnt && exec {sys.executable} -c "$SCRIPT"'
    done = subprocess.run(["unshare", "-Urm", "sh", "-c", mount], env={**os.environ, "SCRIPT": script}, check=False, capture_output=True, text=True)  # fmt: skip
    if "unshare" in done.stderr or "mount" in done.stderr:
        pytest.skip("no namespaces here")
    assert done.stdout == "done\n", done.stderr[-3000:]


def test_a_hook_without_a_service_records_or_denies(tmp_path: Path) -> None:
    ws = workspace(tmp_path)
    log = tmp_path / "log"
    payload = {"session_id": "s", "tool_use_id": "toolu_9", "prompt_id": "p", "tool_name": "Read", "tool_input": {"file_path": str(ws / "src/app.ts")}, "cwd": str(ws), "hook_event_name": "PreToolUse"}  # fmt: skip
    options = ("--policy", str(tmp_path / "p.plc"), "--log", str(log))
    assert hook("claude", payload, *options, cwd=ws).verdict == "allow"
    (record,) = [r for r in lines(log) if r["kind"] == "decision"]
    assert record["request"]["origin"] == {"client": "claude", "tool": "Read", "call": "toolu_9", "prompt": "p"}
    assert record["request"]["session"] == "s" and record["source"]["by"] == "hook"
    shutil.rmtree(log)
    log.write_text("")
    answer = hook("claude", payload, *options, cwd=ws)
    assert answer.verdict == "deny" and "audit_unavailable" in answer.err + answer.out
    log.unlink()
    assert hook("claude", payload, *options, cwd=ws).verdict == "allow"
    assert hook("claude", payload, "--socket", "/nowhere", "--log", str(log), cwd=ws).verdict == "deny"


def test_frozen_decisions_are_told_apart() -> None:
    with service(POLICY + "freeze when 3 denials within 1h\n", *LOG) as running:
        for _ in range(5):
            running.decide(action="read", resource="src/secret")
        assert running.decide(action="read", resource="src/a") == "deny"
        running.stop()
        found = [r for r in lines(running.folder / "log") if r["kind"] == "decision"]
        assert found[0]["source"].get("frozen") is None and found[-1]["source"]["frozen"] == "agent"
        value: dict[str, Any] = command("replay", running.folder / "log", "--policy", running.policy, "--format", "json").json()  # fmt: skip
        assert value["skipped"] and not value["changed"]


def test_a_client_sees_no_difference() -> None:
    with service(POLICY, *LOG) as running, Client(running.socket) as client:
        assert client.decide(action="read", resource="src/a").allowed
        assert not client.decide(action="read", resource="src/secret").allowed


def test_a_record_says_by_which_time_it_was_decided(tmp_path: Path) -> None:
    inside = Inside(tmp_path, 'policy "p"\nallow read "src/**" until 2100-01-01\n', log=True)
    before = int(time.time())
    assert inside.ask(action="read")["effect"] == "allow"
    record = lines(tmp_path / "log")[-1]
    assert before <= record["now"] <= time.time()
