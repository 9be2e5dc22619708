"""The service with a log: no allow without a record that lasts, whatever goes wrong."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Self

import pytest

from policy_lang.audit.log import DecisionLog
from policy_lang.audit.read import latest
from policy_lang.audit.sign import own_key
from policy_lang.audit.verify import verify
from policy_lang.client import Client
from tests.audit.support import lines
from tests.console.support import ROOT
from tests.console.support import policy as command
from tests.hooks.support import hook, workspace
from tests.needs import require
from tests.promises import count, tried

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


def test_a_service_with_a_folder_signs_its_log_and_says_when_it_does_not(tmp_path: Path) -> None:
    require("cryptography")
    state, log = tmp_path / "state", tmp_path / "log"
    state.mkdir(mode=0o700)
    options = ("--agent", "a", "--log", str(log), "--state", str(state))
    for _ in range(2):
        with service(POLICY, *options) as running:
            assert running.decide(action="read", resource="src/a") == "allow"
            running.stop()
    assert stat.S_IMODE((state / "log.key").stat().st_mode) == 0o600
    (made,) = [r for r in lines(log) if r["kind"] == "log-key-made"]
    assert made["public"] == (state / "log.key.pub").read_text().strip()
    found = command("log", "verify", log, "--public-key", state / "log.key.pub")
    assert found.code == 0 and "signed up to record" in found.out
    # cut at its end and without `head`, the signatures say up to where it is what was written
    (log / "head").unlink()
    assert command("log", "verify", log, "--public-key", state / "log.key.pub").code == 0
    assert command("log", "verify", log).code == 5
    with service(POLICY, *options, "--no-sign") as running:
        running.stop()
    count = [r["kind"] for r in lines(log)].count("checkpoint")
    with service(POLICY, "--agent", "a", "--log", str(log)) as running:
        running.stop()
    assert [r["kind"] for r in lines(log)].count("checkpoint") == count
    said = [r.get("unsigned") for r in lines(log) if r["kind"] == "serving"]
    assert said == [None, None, None, "there is no `--state FOLDER` for a key"]


def test_heads_are_brought_outside_and_their_loss_is_told(tmp_path: Path) -> None:
    log, place = tmp_path / "log", tmp_path / "anchor"
    options = ("--agent", "a", "--log", str(log), "--anchor", str(place))
    for _ in range(2):
        with service(POLICY, *options) as running:
            assert running.decide(action="read", resource="src/a") == "allow"
            running.stop()
    assert command("log", "verify", log, "--anchor", place).out.count(str(place)) == 0  # `head` and it agree
    heads = place.read_text().splitlines()
    assert json.loads(heads[-1])["seq"] == lines(log)[-1]["seq"] and len(heads) >= 4
    place.write_text(heads[0] + "\n")
    with service(POLICY, *options) as running:
        running.stop()
    (lost,) = [r["why"] for r in lines(log) if r["kind"] == "anchor-lost"]
    assert "does not any more" in lost
    place.write_text("\n".join(heads) + "\n")
    for path in sorted(log.glob("*.jsonl")):  # all of it as it was after the first records, with its own `head`
        path.unlink()
    (log / "head").unlink()
    with service(POLICY, *options) as running:
        assert running.decide(action="read", resource="src/a") == "allow"
        running.stop()
    assert command("log", "verify", log, "--anchor", place).code == 0  # a new log, which the anchor knows by now


def test_an_older_log_is_behind_its_anchor(tmp_path: Path) -> None:
    log, place = tmp_path / "log", tmp_path / "anchor"
    options = ("--agent", "a", "--log", str(log), "--anchor", str(place))
    with service(POLICY, *options) as running:
        running.stop()
    shutil.copytree(log, tmp_path / "old")
    with service(POLICY, *options) as running:
        running.decide(action="read", resource="src/a")
        running.stop()
    shutil.rmtree(log)
    (tmp_path / "old").rename(log)
    assert command("log", "verify", log).code == 0
    assert command("log", "verify", log, "--anchor", place).code == 1
    with service(POLICY, *options) as running:
        running.stop()
    (behind,) = [r["why"] for r in lines(log) if r["kind"] == "log-behind"]
    assert "it ends at record" in behind and str(place) in behind


@pytest.mark.parametrize("required", [False, True])
def test_a_place_that_takes_no_heads_stops_decisions_only_when_it_must(tmp_path: Path, required: bool) -> None:
    more = ("--anchor-required",) if required else ()
    with service(POLICY, *LOG, "--anchor", str(tmp_path / "none" / "anchor"), *more) as running:
        status, reply = running.call("POST", "/v1/decide", {"action": "read", "resource": "src/a"})
        assert status == 200 and reply["effect"] == ("deny" if required else "allow")
        end = time.monotonic() + 10
        while "policy_anchors_failing 1" not in running.call("GET", "/metrics")[1]:
            assert time.monotonic() < end
        if required:
            assert "PLI002" in reply["reasons"][0] and "takes no head of the log" in reply["reasons"][0]
            (tmp_path / "none").mkdir()
            end = time.monotonic() + 30  # it is tried again by itself
            while running.decide(action="read", resource="src/a") == "deny":
                assert time.monotonic() < end
                time.sleep(0.2)
        running.stop()
        kinds = [r["kind"] for r in lines(running.folder / "log")]
        assert ("gap" in kinds) == required and "anchor-failed" in kinds
        assert not verify(str(running.folder / "log")).fault


@pytest.mark.parametrize("attack", ["key gone", "public half replaced", "others read it", "link", "folder"])
def test_a_key_that_is_not_what_it_was_starts_nothing(tmp_path: Path, attack: str) -> None:
    require("cryptography")
    policy, state = tmp_path / "p.policy", tmp_path / "state"
    policy.write_text(POLICY)
    state.mkdir(mode=0o700)
    key = own_key(str(state))[0]
    other = tmp_path / "other"
    other.mkdir()
    own_key(str(other))
    if attack == "key gone":
        os.unlink(key)
    elif attack == "public half replaced":
        shutil.copy(other / "log.key.pub", f"{key}.pub")
    elif attack == "others read it":
        os.chmod(key, 0o640)
    elif attack == "link":
        os.unlink(key)
        os.symlink(other / "log.key", key)
    else:
        state.chmod(0o777)
    place = [
        "--policy",
        policy,
        "--socket",
        tmp_path / "s",
        "--agent",
        "a",
        "--log",
        tmp_path / "log",
        "--state",
        state,
    ]
    done = command("serve", *place)
    assert done.code == 2 and str(state) in done.err and not (tmp_path / "log").exists()


def test_the_last_record_of_a_kind_is_found_and_nothing_that_looks_like_one(tmp_path: Path) -> None:
    log = DecisionLog(str(tmp_path / "log"), most_bytes=2000)
    for number in range(40):
        log.append([{"kind": "approvals-counted", "store": "s", "changes": number}, {"kind": "x", "n": "y" * 100}])
    fake = {"kind": "approvals-counted", "store": "s", "changes": 0}
    log.append([{"kind": "decision", "request": {"context": fake}, "text": json.dumps(fake)}])
    log.close()
    found = latest(str(tmp_path / "log"), "approvals-counted", lambda r: r["store"] == "s")
    assert found is not None and found["changes"] == 39
    assert latest(str(tmp_path / "log"), "approvals-counted", lambda r: r["store"] == "t") is None
    first = tmp_path / "log" / "00000002.jsonl"
    last = max((tmp_path / "log").glob("*.jsonl"))
    for path in (tmp_path / "log").glob("*.jsonl"):
        if path not in {first, last}:
            path.unlink()
    last.write_bytes(last.read_bytes().replace(b'"changes":39', b'"changes":99'))  # its digest is not that of its text
    packed = gzip.compress(first.read_bytes())
    first.unlink()
    Path(f"{first}.gz").write_bytes(packed)
    found = latest(str(tmp_path / "log"), "approvals-counted", lambda r: r["store"] == "s")
    assert found is not None and 0 < found["changes"] < 39


def test_a_wrong_place_is_told_at_the_start(tmp_path: Path) -> None:
    policy = tmp_path / "p.policy"
    policy.write_text(POLICY)
    (tmp_path / "file").write_text("")
    place = ["--policy", policy, "--socket", tmp_path / "s", "--agent", "a"]
    for options, message in (
        (["--log", tmp_path / "file"], "file"), (["--sign", tmp_path / "key"], "belong to `--log"), (["--no-sign"], "belong to `--log"),
        (["--anchor", tmp_path / "x"], "belong to `--log"), (["--log", tmp_path / "log", "--anchor-required"], "belongs to"),
        (["--log", tmp_path / "log", "--anchor", "s3://heads"], "--anchor-command"),
        (["--log", tmp_path / "log", "--anchor-command", "put"], "the whole path"),
        (["--log", tmp_path / "log", "--no-sign", "--sign", tmp_path / "key"], "exclude each other"),
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
    restarts = []
    for _ in range(count("F1")):
        began = time.monotonic()
        with service(POLICY, "--agent", "a", "--log", str(log)) as running, Acknowledged(running) as load:
            while not load.ids:
                assert time.monotonic() - began < 25, load.denied
                time.sleep(0.01)
            restarts.append(time.monotonic() - began)
            time.sleep(0.2)
            running.process.send_signal(signal.SIGKILL)
            running.process.wait(5)
        ids += load.ids
    with service(POLICY, "--agent", "a", "--log", str(log)) as running:
        assert running.decide(action="read", resource="src/a") == "allow"
        running.stop()
    assert set(ids) <= recorded(log)
    assert not verify(str(log)).fault
    tried("F1", count("F1"), restart_ms=max(restarts[1:]) * 1000, acknowledged=len(ids))


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
    script = f"ROOT = {str(ROOT)!r}\nROUNDS = {count('F20')}\n" + SCRIPT
    mount = f'mount -t tmpfs -o size=3m none /mnt && exec {sys.executable} -c "$SCRIPT"'
    done = subprocess.run(["unshare", "-Urm", "sh", "-c", mount], env={**os.environ, "SCRIPT": script}, check=False, capture_output=True, text=True)  # fmt: skip
    if "unshare" in done.stderr or "mount" in done.stderr:
        pytest.skip("no namespaces here")
    assert done.stdout == "done\n", done.stderr[-3000:]
    tried("F20", count("F20"))


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
