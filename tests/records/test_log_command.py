"""`policy log`: checking, looking up, telling."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from policy_lang.audit.log import DecisionLog
from policy_lang.audit.sign import signer
from tests.console.support import ROOT, policy

from .support import day, decided, lines, request

POLICY_COMMAND = (sys.executable, "-m", "policy_lang")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return day(tmp_path / "log")


def test_verify_says_whole_and_names_the_first_bad_record(log: Path) -> None:
    whole = policy("log", "verify", log)
    assert whole.code == 0 and whole.out.startswith("whole")
    head = whole.out.split("head")[1].strip()
    assert policy("log", "verify", log, "--head", head).code == 0
    found = policy("log", "verify", log, "--format", "json").json()
    assert found["whole"] is True and found["last"] == 8
    path = log / "00000001.jsonl"
    data = path.read_bytes().split(b"\n")
    data[4] = data[4].replace(b'"effect":"deny"', b'"effect":"allow"', 1)
    path.write_bytes(b"\n".join(data))
    bad = policy("log", "verify", log)
    assert bad.code == 1 and "record 5" in bad.out and "whole up to record 4" in bad.out


def test_verify_says_unanchored_when_nothing_vouches_for_the_end(log: Path) -> None:
    (log / "head").unlink()
    found = policy("log", "verify", log)
    assert found.code == 5 and found.out.startswith("unanchored") and "`head` is missing" in found.out
    value = policy("log", "verify", log, "--format", "json").json()
    assert (value["whole"], value["fault"], value["anchored"], value["head"]) == (False, None, None, False)
    head = found.out.split("head")[-1].strip()
    noted = policy("log", "verify", log, "--head", head)
    assert noted.code == 0 and noted.out.startswith("whole") and "`head` is missing" in noted.out
    alone = policy("log", "verify", log / "00000001.jsonl")  # one file has no `head`, and nothing is missing
    assert alone.code == 5 and "missing" not in alone.out


def test_verify_sees_a_log_that_was_written_anew(log: Path, tmp_path: Path) -> None:
    head = policy("log", "verify", log).out.split("head")[1].strip()
    other = decided(tmp_path / "other", [request("read", f"src/{n}") for n in range(9)])
    assert policy("log", "verify", other).code == 0
    changed = policy("log", "verify", other, "--head", head)
    assert changed.code == 1 and "`--head` names" in changed.out


def test_verify_wants_a_signature_when_it_is_given_a_key(log: Path, tmp_path: Path) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    unsigned = policy("log", "verify", log, "--public-key", f"{key}.pub")
    assert unsigned.code == 1 and "no checkpoint" in unsigned.out
    writer = DecisionLog(str(log), signer=signer(str(key)))
    writer.append([{"kind": "stopped"}])
    writer.checkpoint()
    writer.close()
    signed = policy("log", "verify", log, "--public-key", f"{key}.pub")
    assert signed.code == 0 and "signed up to record 10" in signed.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["verify", "nowhere"], "there is no log"),
        (["verify", "LOG", "--head", "9"], "takes a number and a digest"),
        (["show", "LOG", "99"], "no decision in the log"),
        (["query", "LOG", "--since", "yesterday"], "is not a valid time"),
        (["sql", "LOG", "selekt 1"], "the statement fails"),
        (["sql", "LOG", "copy (select 1) to 'x'"], "only read"),
        (["sql", "LOG", "select * from read_csv('/etc/passwd')"], "Permission"),
        (["export", "LOG", "--format", "parquet"], "--output"),
        (["export", "LOG", "--distinct"], "parquet"),
    ],
)
def test_a_mistake_in_the_call_is_one_line(log: Path, arguments: list[str], message: str) -> None:
    done = policy("log", *[str(log) if a == "LOG" else a for a in arguments], cwd=log.parent)
    assert done.code == 2 and message in done.err and done.err.count("\n") == 1


def test_show_explains_one_decision(log: Path) -> None:
    shown = policy("log", "show", log, "4")
    assert shown.code == 0
    for words in ("ask needs review", "~~~~", "write src/x", "policy.policy:4  p#writes", "told       fix the build", "toolu_2"):  # fmt: skip
        assert words in shown.out, words
    record = policy("log", "show", log, "4", "--format", "json").json()
    assert policy("log", "show", log, record["id"][:8]).out == shown.out
    assert policy("log", "show", log, "toolu_2").out == shown.out


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        ([], [2, 3, 4, 5, 6, 7, 8]),
        (["--agent", "b"], [5, 6, 7, 8]),
        (["--session", "s1"], [2, 3, 4]),
        (["--action", "write"], [4, 7]),
        (["--effect", "deny"], [5, 6, 7]),
        (["--rule", "p#keys"], [5, 6]),
        (["--rule", "policy.policy:6"], [5, 6]),
        (["--resource", "passwd"], [7]),
        (["--call", "p-1"], [2, 3, 4]),
        (["--since", "1h", "--effect", "ask"], [4]),
        (["--until", "1h"], []),
        (["--since", "2100-01-01"], []),
        (["--limit", "2"], [7, 8]),
    ],
)
def test_query_finds_what_is_meant(log: Path, options: list[str], numbers: list[int]) -> None:
    found = policy("log", "query", log, *options, "--format", "json")
    assert [r["seq"] for r in lines(found.out)] == numbers
    assert found.code == (0 if numbers else 1)
    table = policy("log", "query", log, *options).out.splitlines()
    assert [int(t.split()[0]) for t in table if t[:7].strip().isdigit()] == numbers


def test_csv_is_whole_and_starts_no_formula(tmp_path: Path) -> None:
    log = decided(tmp_path / "log", [request("read", '=cmd|" /C calc"!A0,\nx'), request("run", ["git", "a b"])])
    rows = list(csv.DictReader(io.StringIO(policy("log", "query", log, "--format", "csv").out)))
    assert len(rows) == 2 and rows[0]["resource"].startswith("'=cmd") and "\n" not in rows[0]["resource"]
    assert rows[1]["resource"] == "git 'a b'" and rows[1]["effect"] == "deny"


def test_nothing_in_a_record_moves_the_cursor(tmp_path: Path) -> None:
    log = decided(tmp_path / "log", [request("read", "src/\x1b[2Jx\u202ey\r\nallow", agent="\x1b]0;x\x07")])
    for command in (["query"], ["tail"], ["stats"], ["story", "s1"], ["show", "2"]):
        out = policy("log", command[0], log, *command[1:]).out
        assert not set(out) & set("\x1b\x07\r\u202e"), command


def test_stats_count(log: Path) -> None:
    found = policy("log", "stats", log, "--format", "json").json()
    assert found["decisions"] == 7 and found["effects"] == {"allow": 3, "ask": 1, "deny": 3}
    assert found["agents"]["b"] == {"deny": 3, "allow": 1} and found["rules"]["p#keys"] == {"deny": 2}
    assert found["sessions"] == 2 and found["tiers"] == {"review": 1}
    text = policy("log", "stats", log).out
    assert "7 decisions" in text and "most often denied" in text and "approvals needed: review 1" in text


def test_a_story_tells_what_was_told_tried_and_tried_again(log: Path) -> None:
    good = policy("log", "story", log, "s1").out
    assert "told     fix the build" in good and "read src/a.ts and 1 more" in good and "a person looks" in good
    bad = policy("log", "story", log, "s2").out
    assert "1 allowed, 0 asked, 3 denied" in bad and "keys stay here" in bad
    assert "another way to what was denied in #5" in bad
    assert policy("log", "story", log).out == bad  # the last one
    assert policy("log", "story", log, "none").code == 1
    steps = policy("log", "story", log, "s2", "--format", "json").json()["steps"]
    assert [s.get("again") for s in steps][:2] == [None, 5]


def test_tail_follows_what_comes(log: Path) -> None:
    command = [sys.executable, "-m", "policy_lang", "log", "tail", "-f", "--limit", "1", str(log), "--format", "json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env={**os.environ, "PYTHONUNBUFFERED": "1"}) as process:  # fmt: skip
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["seq"] == 8
        decided(log, [request("read", "src/late")])
        assert json.loads(process.stdout.readline())["request"]["resource"] == "src/late"
        process.terminate()


def test_compressed_files_are_read_as_well(log: Path) -> None:
    plain = policy("log", "query", log).out
    path = log / "00000001.jsonl"
    with gzip.open(f"{path}.gz", "wb") as stream:
        stream.write(path.read_bytes())
    path.unlink()
    assert policy("log", "query", log).out == plain and policy("log", "verify", log).code == 0
    assert policy("log", "query", f"{path}.gz").out == plain


def test_sql_reads_this_log(log: Path) -> None:
    asked = "select agent, effect, count(*) as n from decisions group by all order by all"
    rows = list(csv.reader(io.StringIO(policy("log", "sql", log, asked, "--format", "csv").out)))
    assert rows == [["agent", "effect", "n"], ["a", "allow", "2"], ["a", "ask", "1"], ["b", "allow", "1"], ["b", "deny", "3"]]  # fmt: skip
    before = (log / "00000001.jsonl").read_bytes()
    policy("log", "sql", log, f"copy (select 1) to '{log}/00000001.jsonl' (use_tmp_file false)")
    assert (log / "00000001.jsonl").read_bytes() == before


def test_parquet_holds_each_question_once(tmp_path: Path) -> None:
    log = decided(tmp_path / "log", [request("read", f"src/{n % 3}", origin={"call": str(n)}) for n in range(12)])
    target = tmp_path / "x.parquet"
    assert policy("log", "export", log, "--format", "parquet", "--distinct", "-o", target).code == 0
    out = policy("log", "sql", target, "select count(*), sum(times) from decisions", "--format", "csv").out
    assert out.splitlines()[1] == "3,12"
    assert lines(policy("log", "query", target, "--format", "json").out)[0]["request"]["resource"] == "src/0"
    whole, distinct = (policy("log", "stats", p, "--format", "json").json() for p in (log, target))
    assert distinct["effects"] == whole["effects"] == {"allow": 12} and distinct["rules"] == whole["rules"]


@pytest.mark.parametrize("form", ["ocsf", "parquet"])
def test_an_export_is_whole_or_not_there(log: Path, form: str) -> None:
    folder = log.parent / "out"
    folder.mkdir()
    words = ("log", "export", log, "--format", form, "-o", folder / "x")
    assert policy(*words).code == 0
    whole = (folder / "x").read_bytes()
    first = (log / "00000001.jsonl").read_bytes()
    (log / "00000001.jsonl").write_bytes(first + b"no record\n")
    assert policy(*words).code == 2
    assert (folder / "x").read_bytes() == whole
    assert [p.name for p in folder.iterdir()] == ["x"]
    (log / "00000001.jsonl").write_bytes(first)
    piped = subprocess.run(
        [*POLICY_COMMAND, "log", "export", log, "--format", form, "-o", "/dev/stdout"],
        check=True, capture_output=True, cwd=ROOT,
    )  # fmt: skip
    assert piped.stdout == whole


def test_a_half_written_last_line_is_left_to_its_writer(log: Path) -> None:
    with open(log / "00000001.jsonl", "ab") as stream:
        stream.write(b'{"v":1,"seq":9,')
    assert len(lines(policy("log", "query", log, "--format", "json").out)) == 7


def test_a_damaged_line_is_told(log: Path) -> None:
    path = log / "00000001.jsonl"
    path.write_bytes(path.read_bytes().replace(b'{"v":1,"seq":4', b"{{{", 1))
    done = policy("log", "query", log)
    assert done.code == 2 and "00000001.jsonl:4" in done.err and "policy log verify" in done.err
