"""The log as it is written: whole, chained, before the answer, whatever fails."""

from __future__ import annotations

import errno
import gzip
import json
import multiprocessing
import os
import random
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from policy_lang import Policy
from policy_lang.audit.log import DecisionLog, LogUnavailableError
from policy_lang.audit.read import LogReadError, log_files, records
from policy_lang.audit.system import System
from policy_lang.audit.verify import NotedHead, verify
from tests.console.support import ROOT
from tests.lanes import LANE, pick
from tests.needs import require
from tests.promises import count, tried

from .support import POLICY, fill, lines, logged, request


def test_a_record_has_what_was_asked_considered_and_decided(tmp_path: Path) -> None:
    policy, _ = logged(tmp_path / "log")
    origin = {"client": "claude", "call": "toolu_1", "task": "T-7", "instruction": "fix the build"}
    place: Any = {"cwd": "/w", "workspace": "/w", "lexical": True}
    asked = request("curl -o src/x https://api.example/y", "run", session="s", origin=origin, **place)
    decision = policy.decide_request(asked)
    (record,) = [r for r in lines(tmp_path / "log") if r["kind"] == "decision"]
    assert record["request"] == {
        "action": "run", "resource": "curl -o src/x https://api.example/y", "agent": "a", "session": "s", "cwd": "/w",
        "workspace": "/w", "lexical": True,
        "origin": {"client": "claude", "call": "toolu_1", "task": "T-7", "instruction": "fix the build"},
    }  # fmt: skip
    assert record["effect"] == decision.effect == "ask"
    assert record["tiers"] == ["review"] and record["id"] == decision.id and record["policy"] == policy.digest
    assert [(e["action"], e["effect"]) for e in record["effects"]] == [("run", "allow"), ("write", "ask"), ("connect", "allow")]  # fmt: skip
    assert record["rules"][0]["line"] == 4 and record["reasons"] and record["micros"] >= 0
    assert record["source"]["by"] == "process"


def test_the_chain_goes_on_over_files_and_writers(tmp_path: Path) -> None:
    for _ in range(3):
        fill(tmp_path / "log", 20, most_bytes=4000)
    found = lines(tmp_path / "log")
    assert len([r for r in found if r["kind"] == "decision"]) == 60
    assert len(log_files(str(tmp_path / "log"))) > 5
    assert len({r["log"] for r in found if r["kind"] == "segment"}) == 1
    assert not verify(str(tmp_path / "log")).fault
    first = tmp_path / "log" / "00000001.jsonl"
    with gzip.open(f"{first}.gz", "wb") as out:
        out.write(first.read_bytes())
    first.unlink()
    assert verify(str(tmp_path / "log")).records == len(found) == len(list(records(str(tmp_path / "log"))))


def test_a_file_is_written_for_a_limited_time(tmp_path: Path) -> None:
    now = [1_000_000.0]
    policy, _ = logged(tmp_path / "log", most_seconds=60, clock=lambda: now[0])
    for _ in range(3):
        policy.decide(action="read", resource="src/a")
        now[0] += 61
    assert len(log_files(str(tmp_path / "log"))) == 3
    now[0] -= 3600
    policy.decide(action="read", resource="src/a")
    assert lines(tmp_path / "log")[-1]["flags"] == ["clock-back"]


def test_files_and_folder_are_this_users_alone(tmp_path: Path) -> None:
    fill(tmp_path / "log")
    for path in (tmp_path / "log", *(tmp_path / "log").iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
    (tmp_path / "log").chmod(0o777)
    with pytest.raises(LogUnavailableError, match="everyone can write it"):
        DecisionLog(str(tmp_path / "log")).append(())
    (tmp_path / "log").chmod(0o700)
    (tmp_path / "log" / "head").unlink()
    (tmp_path / "log" / "head").symlink_to("/etc/passwd")
    with pytest.raises(LogUnavailableError):
        DecisionLog(str(tmp_path / "log")).append(())


def test_nothing_forges_a_line(tmp_path: Path) -> None:
    policy, _ = logged(tmp_path / "log")
    hostile = 'src/a\n{"v":1,"seq":3,"kind":"decision"}\r\x1b[2J\u2028\u202e\x85'
    policy.decide(action="read", resource=hostile, agent='x"},{"', session="\ud800")
    assert (tmp_path / "log" / "00000001.jsonl").read_bytes().isascii()
    found = lines(tmp_path / "log")
    assert len(found) == 2 and found[1]["request"]["resource"] == hostile and found[1]["request"]["session"] == "?"
    assert list(records(str(tmp_path / "log"))) == found


def test_a_value_that_is_none_denies_and_is_noted(tmp_path: Path) -> None:
    policy = Policy(Policy.loads('policy "p" allow read "**"').engine, DecisionLog(str(tmp_path / "log")))
    decision = policy.decide(action="read", resource="a", git={"x": object()})
    assert decision.effect == "deny"


def test_large_records_are_cut_and_say_so(tmp_path: Path) -> None:
    policy, _ = logged(tmp_path / "log")
    script = "\n".join(f"curl https://api.example/{'é' * 60}/{i}" for i in range(480))
    policy.decide(action="run", resource=script)
    record = lines(tmp_path / "log")[-1]
    assert record["effect"] in {"allow", "deny"}
    assert (tmp_path / "log" / "00000001.jsonl").stat().st_size < 2 << 20


# F2


def test_a_log_cut_at_any_byte_is_never_silently_shorter(tmp_path: Path) -> None:
    fill(tmp_path / "log", 4)
    file = tmp_path / "log" / "00000001.jsonl"
    whole, head = file.read_bytes(), (tmp_path / "log" / "head").read_bytes()
    kept = lines(tmp_path / "log")
    start = len(whole) - sum(len(line) for line in whole.splitlines(keepends=True)[-2:])
    every = range(start, len(whole))
    sizes = every if LANE == "nightly" else [*random.Random(1).sample(every, 120), *every[-70:]]
    for size in sizes:
        file.write_bytes(whole[:size])
        (tmp_path / "log" / "head").write_bytes(head)
        assert verify(str(tmp_path / "log")).fault
        policy, log = logged(tmp_path / "log")
        assert policy.decide(action="read", resource="src/x").effect == "allow"
        log.close()
        found = lines(tmp_path / "log")
        whole_records = whole[:size].count(b"\n")
        assert found[:whole_records] == kept[:whole_records]
        cuts = [r for r in found[whole_records:] if r["kind"] == "cut"]
        assert cuts and found[-1]["kind"] == "decision"
        assert len([c for c in cuts if "bytes" in c]) == (0 if whole[:size].endswith(b"\n") else 1)
        assert cuts[-1]["records"] == len(kept) - whole_records
        assert not verify(str(tmp_path / "log")).fault
    tried("F2", len(sizes))


def test_a_log_that_is_gone_goes_on_under_its_old_numbers(tmp_path: Path) -> None:
    policy, _ = logged(tmp_path / "log")
    policy.decide(action="read", resource="src/1")
    for path in (tmp_path / "log").iterdir():
        path.unlink()
    policy.decide(action="read", resource="src/2")
    found = verify(str(tmp_path / "log"))
    assert found.first == 3 and not found.fault and found.notes[0]["why"] == "the log's files are gone"


def test_a_damaged_record_in_the_middle_is_left_as_it_is(tmp_path: Path) -> None:
    fill(tmp_path / "log", 4)
    file = tmp_path / "log" / "00000001.jsonl"
    data = bytearray(file.read_bytes())
    data[data.index(b"src/1")] ^= 1
    file.write_bytes(data)
    (tmp_path / "log" / "head").unlink()
    fill(tmp_path / "log", 1)
    assert file.read_bytes() == bytes(data)
    assert verify(str(tmp_path / "log")).fault.startswith("record 3 (00000001.jsonl:3): its digest")


# F3


def test_verify_names_the_first_bad_record(tmp_path: Path) -> None:
    fill(tmp_path / "log", 20)
    file = tmp_path / "log" / "00000001.jsonl"
    whole = file.read_bytes()
    parts = whole.splitlines(keepends=True)
    rng = random.Random(7)
    assert not verify(str(tmp_path / "log")).fault
    flips = count("F3") - 70
    for _ in range(flips):
        at = rng.randrange(len(whole))
        data = bytearray(whole)
        data[at] ^= 1 << rng.randrange(8)
        file.write_bytes(data)
        bad = whole[:at].count(b"\n") + 1
        assert verify(str(tmp_path / "log")).fault.startswith(f"record {bad} ")
    for kind in ("remove", "move", "insert", "double"):
        for number in range(20):
            changed = list(parts)
            if kind == "remove":
                del changed[number]
            elif kind == "move":
                changed[number], changed[number + 1] = changed[number + 1], changed[number]
            else:
                changed.insert(number, parts[0 if kind == "insert" else number])
            if changed == parts:
                continue
            file.write_bytes(b"".join(changed))
            fault = verify(str(tmp_path / "log")).fault
            flips += 1
            assert fault.startswith(f"record {number + (2 if kind == 'double' or (kind, number) == ('insert', 0) else 1)} "), (kind, number, fault)  # fmt: skip
    tried("F3", flips)
    file.write_bytes(b"".join(parts[:-1]))
    assert verify(str(tmp_path / "log")).fault == ("record 21: the last record is missing; `head` names record 21")
    (tmp_path / "log" / "head").unlink()
    last = json.loads(parts[-1])
    for seq, fault in ((last["seq"], "the last record is missing; a note names"), (4, "not the one that a note names")):
        assert fault in verify(str(tmp_path / "log"), noted=[NotedHead(seq, last["hash"], "a note")]).fault


def test_a_chain_for_which_nothing_vouches_is_not_whole(tmp_path: Path) -> None:
    fill(tmp_path / "log", 20)
    file, head = tmp_path / "log" / "00000001.jsonl", tmp_path / "log" / "head"
    found = verify(str(tmp_path / "log"))
    assert found.whole and (found.anchored, found.anchor, found.headless) == (21, "`head`", False)
    kept, parts = head.read_bytes(), file.read_bytes().splitlines(keepends=True)
    for text in (b"", b"x" * 256, kept.replace(b"21", b"20"), None):
        head.unlink(missing_ok=True) if text is None else head.write_bytes(text)
        found = verify(str(tmp_path / "log"))
        assert not found.fault and not found.whole and found.headless, text
    file.write_bytes(b"".join(parts[:9]))  # cut where a record ends: the chain alone cannot tell
    assert not verify(str(tmp_path / "log")).whole
    digest = json.loads(parts[4])["hash"]
    found = verify(str(tmp_path / "log"), noted=[NotedHead(5, digest, "a note")])
    assert found.whole and (found.anchored, found.last) == (5, 9)
    name = found.log
    for noted in (NotedHead(5, digest, "a note", "other"), NotedHead(0, digest, "a note")):  # they say nothing about it
        assert not verify(str(tmp_path / "log"), noted=[noted]).whole
    assert "names record 21" in verify(str(tmp_path / "log"), noted=[NotedHead(21, digest, "a note", name)]).fault


def test_checkpoints_hold_against_whoever_remakes_the_chain(tmp_path: Path) -> None:
    require("cryptography")
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    from policy_lang.audit.sign import SignError, checker, signer

    key = str(tmp_path / "key")
    made = Ed25519PrivateKey.generate()
    Path(key).write_bytes(made.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    Path(f"{key}.pub").write_bytes(made.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH))
    for path in (key, f"{key}.pub"):
        os.chmod(path, 0o600)
    policy, log = logged(tmp_path / "log", signer=signer(key))
    for number in range(5):
        policy.decide(action="read", resource=f"src/{number}")
    log.checkpoint()
    log.checkpoint()
    check = checker(f"{key}.pub")
    found = verify(str(tmp_path / "log"), check)
    assert (found.fault, found.checkpoints, found.signed) == ("", 1, 7)
    with pytest.raises(SignError, match="no private key"):
        signer(f"{key}.pub")
    os.chmod(key, 0o644)
    with pytest.raises(SignError, match="others can read it"):
        signer(key)
    # somebody without the key writes the same chain with one answer changed
    other = DecisionLog(str(tmp_path / "other"), signer=lambda _: {"key": "x", "signature": "00"})
    other.append([{k: v for k, v in r.items() if k not in {"v", "seq", "time", "prev", "hash"}} for r in lines(tmp_path / "log")[1:]])  # fmt: skip
    assert "signature does not hold" in verify(str(tmp_path / "other"), check).fault
    fill(tmp_path / "none")
    assert verify(str(tmp_path / "none"), check).fault == "no checkpoint is signed with this key"


def test_a_log_that_nobody_has_any_more_keeps_no_descriptor(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for number in range(5):
        policy, log = logged(tmp_path / str(number))
        assert policy.decide(action="read", resource="src/a").effect == "allow"
        del policy, log
    assert len(os.listdir("/proc/self/fd")) == before


# F4, F5


class Failing(System):
    """Fails its N-th call, once or from then on."""

    def __init__(self, at: int, lasting: bool, number: int = errno.EIO) -> None:
        self.left = at
        self.lasting = lasting
        self.number = number
        self.failed = 0

    def __getattribute__(self, name: str) -> Any:
        found = object.__getattribute__(self, name)
        if name.startswith("_") or name in {"left", "lasting", "number", "failed", "unlock", "close"}:
            return found

        def call(*arguments: Any) -> Any:
            self.left -= 1
            if self.left == 0 or (self.lasting and self.left < 0):
                self.failed += 1
                if name == "write" and self.failed % 2:  # a part is written before it fails
                    found(arguments[0], arguments[1][: len(arguments[1]) // 2])
                raise OSError(self.number, os.strerror(self.number))
            return found(*arguments)

        return call


@pytest.mark.parametrize("lasting", [False, True])
@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
def test_whichever_call_fails_no_allow_is_without_its_record(tmp_path: Path, lasting: bool, number: int) -> None:
    plain = Policy.loads(POLICY)
    for at in range(1, 200):
        folder = tmp_path / f"{at}"
        system = Failing(at, lasting, number)
        policy = Policy(plain.engine, DecisionLog(str(folder), system=system, most_bytes=3000))
        allowed = []
        for place in range(8):
            decision = policy.decide(action="read", resource=f"src/{place}")
            if decision.effect == "allow":
                allowed.append(decision.id)
            else:
                assert "audit_unavailable (PLI002)" in decision.reasons[0]
        system.left, system.lasting = 10**9, False
        assert policy.decide(action="read", resource="src/after").effect == "allow"
        found = lines(folder)
        told = {r["id"] for r in found if r["kind"] == "decision" and r["effect"] == "allow"}
        assert set(allowed) <= told
        refused = 8 - len(allowed)
        assert sum(r["denied"] for r in found if r["kind"] == "gap") >= (1 if refused else 0)
        assert not verify(str(folder)).fault
        if not system.failed:
            tried("F5", at - 1)
            break
    else:
        pytest.fail("the calls did not end")


def test_a_full_disk_denies_and_an_emptied_one_allows_again(tmp_path: Path) -> None:
    """In a user namespace of its own, on a file system of 64 KiB."""
    rounds = count("F4")
    script = f"""
import os, sys
sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from tests.audit.support import logged, lines
from policy_lang.audit.verify import verify
policy, log = logged(Path("/mnt/log"))
full = 0
for round in range({rounds}):
    junk = open("/mnt/junk", "wb")
    try:
        while True: os.write(junk.fileno(), b"x" * 4096)
    except OSError: pass
    seen = set()
    for n in range(40):
        d = policy.decide(action="read", resource=f"src/{{n}}", session="s" * 200)
        seen.add(d.effect)
        if d.effect == "deny": assert "no space left" in d.reasons[0], d.reasons
    full += "deny" in seen
    junk.close(); os.unlink("/mnt/junk")
    if round % 4 == 3:
        log.close()
        for p in Path("/mnt/log").glob("*.jsonl"): p.write_bytes(b"") or p.unlink()
        Path("/mnt/log/head").unlink()
    assert policy.decide(action="read", resource="src/again").effect == "allow", round
assert full == {rounds}, full
assert not verify("/mnt/log").fault
print("done")
"""
    command = f'mount -t tmpfs -o size=64k none /mnt && exec {sys.executable} -c "$SCRIPT"'
    done = subprocess.run(["unshare", "-Urm", "sh", "-c", command], env={**os.environ, "SCRIPT": script}, check=False, capture_output=True, text=True)  # fmt: skip
    if "unshare" in done.stderr or "mount" in done.stderr:
        pytest.skip("no namespaces here")
    assert done.stdout == "done\n", done.stderr
    tried("F4", rounds)


def _write(folder: str, name: str, count: int) -> None:
    policy = Policy(Policy.loads(POLICY).engine, DecisionLog(folder, most_bytes=20_000))
    for number in range(count):
        assert policy.decide(action="read", resource=f"src/{name}/{number}").effect == "allow"


def test_a_log_may_be_forked(tmp_path: Path) -> None:
    """Processes that were forked with an open log write beside their parent."""
    policy, log = logged(tmp_path / "log")
    policy.decide(action="read", resource="src/first")
    context = multiprocessing.get_context("fork")

    def write(name: str) -> None:
        effects = {policy.decide(action="read", resource=f"src/{name}/{n}").effect for n in range(60)}
        assert effects == {"allow"}

    children = [context.Process(target=write, args=(str(n),)) for n in range(4)]
    for child in children:
        child.start()
    write("parent")
    for child in children:
        child.join()
        assert child.exitcode == 0
    assert len([r for r in lines(tmp_path / "log") if r["kind"] == "decision"]) == 5 * 60 + 1
    assert not verify(str(tmp_path / "log")).fault
    log.close()


def test_many_writers_make_one_chain(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_write, args=(str(tmp_path / "log"), str(n), 60)) for n in range(4)]
    for one in writers:
        one.start()
    threads = [threading.Thread(target=_write, args=(str(tmp_path / "log"), f"t{n}", 30)) for n in range(3)]
    for thread in threads:
        thread.start()
    for ended in (*writers, *threads):
        ended.join()
    assert all(w.exitcode == 0 for w in writers)
    found = [r["request"]["resource"] for r in lines(tmp_path / "log") if r["kind"] == "decision"]
    assert len(found) == len(set(found)) == 4 * 60 + 3 * 30
    for name in ("0", "1", "t2"):
        mine = [r for r in found if r.startswith(f"src/{name}/")]
        assert mine == [f"src/{name}/{n}" for n in range(len(mine))]


def test_a_writer_that_is_killed_leaves_every_acknowledged_record(tmp_path: Path) -> None:
    script = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from pathlib import Path\nfrom tests.audit.support import logged\n"
        "policy, _ = logged(Path(sys.argv[1]), most_bytes=30_000)\n"
        "while True:\n"
        "    d = policy.decide(action='read', resource='src/x')\n"
        "    print(d.effect, d.id, flush=True)\n"
    )
    acknowledged: list[str] = []
    for _ in range(pick(3, 6, 30)):
        with subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "log")], stdout=subprocess.PIPE, text=True) as process:  # fmt: skip
            assert process.stdout is not None
            acknowledged.append(process.stdout.readline())
            time.sleep(random.random() * 0.1)
            process.send_signal(signal.SIGKILL)
            acknowledged += process.stdout.read().splitlines()
    told = {r["id"] for r in lines(tmp_path / "log") if r["kind"] == "decision"}
    whole = [a.split() for a in acknowledged if len(a.strip()) == len("allow ") + 32]
    assert whole and all(effect == "allow" and name in told for effect, name in whole)


def test_a_held_lock_denies_in_time(tmp_path: Path) -> None:
    import fcntl

    policy, _ = logged(tmp_path / "log")
    policy.decide(action="read", resource="src/x")
    with open(tmp_path / "log" / "lock", "rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        began = time.monotonic()
        decision = policy.decide(action="read", resource="src/x")
        assert decision.effect == "deny" and "lock" in decision.reasons[0]
        assert time.monotonic() - began < 1.5
    assert policy.decide(action="read", resource="src/x").effect == "allow"


def test_what_is_no_log_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(LogReadError, match="there is no log"):
        list(records(str(tmp_path / "none")))
    with pytest.raises(LogReadError, match="holds no log"):
        list(records(str(tmp_path)))
    (tmp_path / "00000001.jsonl").write_bytes(b"{}\n")
    with pytest.raises(LogReadError, match=r"00000001\.jsonl:1"):
        list(records(str(tmp_path)))
    (tmp_path / "x.jsonl.gz").write_bytes(b"\x1f\x8bgarbage")
    with pytest.raises(LogReadError, match="cannot be read"):
        list(records(str(tmp_path / "x.jsonl.gz")))
