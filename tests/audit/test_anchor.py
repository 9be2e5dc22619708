"""Heads of a log outside it: what is brought there, what is compared with it, and what it costs when the place is gone."""

from __future__ import annotations

import json
import os
import shutil
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from policy_lang.audit import anchor
from policy_lang.audit.anchor import AnchorError, Anchors, FileAnchor, ProgramAnchor, SyslogAnchor, behind, heads
from policy_lang.audit.log import DecisionLog
from policy_lang.audit.verify import verify
from tests.console.support import policy as command

from .support import fill

HEAD = {"log": "l", "seq": 7, "hash": "a" * 64, "time": "2026-11-21T20:48:00.123456Z"}


def eventually(what: Callable[[], Any]) -> Any:
    end = time.monotonic() + 20
    while not (found := what()):
        assert time.monotonic() < end
        time.sleep(0.01)
    return found


def anchored(folder: Path, place: Path, count: int = 5) -> DecisionLog:
    """A log, and its head at a place."""
    log = DecisionLog(str(fill(folder, count)))
    log.append(())
    assert log.head is not None
    FileAnchor(str(place)).put(log.head)
    return log


def test_a_log_that_is_cut_or_written_anew_is_not_the_one_that_was_anchored(tmp_path: Path) -> None:
    log, place = tmp_path / "log", tmp_path / "anchor"
    anchored(log, place)
    fill(log, 3)
    assert place.stat().st_mode & 0o777 == 0o600
    (log / "head").unlink()
    found = command("log", "verify", log, "--anchor", place)
    assert found.code == 0 and f"`{place}` vouches for it up to record 6" in found.out
    parts = (log / "00000001.jsonl").read_bytes().splitlines(keepends=True)
    (log / "00000001.jsonl").write_bytes(b"".join(parts[:4]))
    cut = command("log", "verify", log, "--anchor", place)
    assert cut.code == 1 and "the last 2 records are missing" in cut.out and str(place) in cut.out
    # a forger who knows the log's name writes all of it anew, with `head`
    shutil.rmtree(log)
    fill(log, 9)
    other = command("log", "verify", log, "--anchor", place)
    assert command("log", "verify", log).code == 0
    assert other.code == 1 and "names no record of this log that is here" in other.out
    text = place.read_text()
    place.write_text(text.replace(json.loads(text)["log"], verify(str(log)).log))
    same = command("log", "verify", log, "--anchor", place)
    assert same.code == 1 and "record 6" in same.out and "not the one that" in same.out


@pytest.mark.parametrize(
    "text", ["", "nothing\n", '{"log":1}\n', '{"log":"x","seq":true,"hash":3}\n', "{" * 5000, "\x00"]
)
def test_an_anchor_that_names_nothing_vouches_for_nothing(tmp_path: Path, text: str) -> None:
    fill(tmp_path / "log")
    (tmp_path / "anchor").write_text(text)
    found = command("log", "verify", tmp_path / "log", "--anchor", tmp_path / "anchor")
    assert found.code == 1 and "names no record of this log" in found.out
    gone = command("log", "verify", tmp_path / "log", "--anchor", tmp_path / "none")
    assert gone.code == 2 and "cannot be read" in gone.err


def test_lines_of_the_systems_log_hold_heads_too(tmp_path: Path) -> None:
    place = str(tmp_path / "devlog")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as inbox:
        inbox.bind(place)
        SyslogAnchor(place).put(HEAD)
        message = inbox.recv(4096)
    assert message.startswith(b"<85>1 2026-11-21T20:48:00.123456Z ") and b" policy_lang " in message
    (tmp_path / "messages").write_bytes(b"Nov 21 host kernel: x\nNov 21 20:48:00 host " + message + b"\nNov 21 more\n")
    assert [(h.log, h.seq, h.digest) for h in heads(str(tmp_path / "messages"))][1:] == [("l", 7, "a" * 64)]
    with pytest.raises(OSError, match="refused"):
        SyslogAnchor(place).put(HEAD)


def test_a_file_only_grows_and_is_nobody_elses(tmp_path: Path) -> None:
    place = tmp_path / "anchor"
    one = FileAnchor(str(place))
    for seq in (7, 8):
        one.put({**HEAD, "seq": seq})
    assert [h.seq for h in heads(str(place))] == [0, 7, 8]
    place.write_bytes(place.read_bytes()[:-5])
    with pytest.raises(AnchorError, match="heads were taken out"):
        one.put(HEAD)
    place.unlink()
    with pytest.raises(AnchorError, match="heads were taken out"):
        one.put(HEAD)
    one.put(HEAD)
    place.chmod(0o666)
    with pytest.raises(AnchorError, match="everyone can write it"):
        one.put(HEAD)
    for make in (lambda: os.symlink("x", place), lambda: os.mkfifo(place), place.mkdir):
        place.unlink()
        make()
        with pytest.raises((AnchorError, OSError)):
            one.put(HEAD)


def test_a_program_gets_the_head(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "put"
    program.write_text(f"#!/bin/sh\ncat >> {tmp_path}/kept\n")
    program.chmod(0o700)
    ProgramAnchor(str(program)).put(HEAD)
    assert [h.seq for h in heads(str(tmp_path / "kept"))] == [0, 7]
    program.write_text("#!/bin/sh\nexit 3\n")
    with pytest.raises(AnchorError, match="ended with 3"):
        ProgramAnchor(str(program)).put(HEAD)
    monkeypatch.setattr(anchor, "_SECONDS", 0.2)
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    places = Anchors([ProgramAnchor(str(program))])
    places.note(HEAD)
    assert "longer than" in eventually(lambda: places.failing)[str(program)]
    places.close()


def test_a_place_that_is_gone_is_told_once_and_gets_the_newest_head(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(anchor, "_PAUSE", 0.1)
    place = tmp_path / "there" / "anchor"
    places = Anchors([FileAnchor(str(place))], required=True)
    assert places.failing == {str(place): "nothing is anchored yet"}
    for seq in range(1, 50):
        places.note({**HEAD, "seq": seq})
    assert "no such file" in eventually(lambda: places.reports)[0][1]["why"]
    time.sleep(0.3)
    place.parent.mkdir()
    eventually(lambda: not places.failing)
    assert [h.seq for h in heads(str(place))] == [0, 49]
    assert [(event, "why" in fields) for event, fields in places.reports] == [
        ("anchor-failed", True),
        ("anchored", False),
    ]
    places.note({**HEAD, "seq": 50})
    places.close()
    assert [h.seq for h in heads(str(place))] == [0, 49, 50]


def test_log_and_anchor_are_compared_when_a_service_starts(tmp_path: Path) -> None:
    place = tmp_path / "anchor"
    log = anchored(tmp_path / "log", place)
    head = log.head
    assert head is not None and behind(head, str(place), 6) == ("", "")
    assert "names record 6" in behind({**head, "seq": 5}, str(place), 0)[0]
    assert "not the one" in behind({**head, "hash": "b" * 64}, str(place), 0)[0]
    assert behind({**head, "log": "another"}, str(place), 0) == ("", "")
    place.write_bytes(b"")
    assert behind(head, str(place), 6) == ("", f"`{place}` named record 6, and does not any more")
    place.unlink()
    assert behind(head, str(place), 6)[1] and behind(head, str(place), 0) == ("", "")
