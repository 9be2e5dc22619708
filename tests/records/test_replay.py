"""Replay: what another policy would decide otherwise, the same on one core, on all, on a cluster."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy_lang import Policy, Request
from policy_lang.records.questions import question
from policy_lang.records.replay import Replayed, Replayer, portable, replay
from policy_lang.records.source import lines as source_lines
from tests.console.support import policy

from .support import PLACE, POLICY, day, decided, lines, request

NEW = """policy "p"
tier review { approvers "@team" }
tier boss { approvers "@boss" }
allow read "src/**" except "src/secret"
ask boss write "src/**"
allow run "git status", "cat **"
deny read "src/b*"
allow connect "api.example"
"""


@pytest.fixture
def new(tmp_path: Path) -> Path:
    path = tmp_path / "new.policy"
    path.write_text(NEW)
    return path


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "old.policy"
    path.write_text(POLICY)
    return path


def found(log: Path, new: Path, *options: Any) -> dict[str, Any]:
    value: dict[str, Any] = policy("replay", log, "--policy", new, "--format", "json", *options).json()
    return value


def test_the_same_policy_changes_nothing(tmp_path: Path, old: Path) -> None:
    done = policy("replay", day(tmp_path / "log"), "--policy", old, "--fail-on", "any")
    assert done.code == 0 and "7 decisions: 7 the same, 0 changed" in done.out


def test_changes_are_grouped_by_what_they_are(tmp_path: Path, new: Path) -> None:
    log = day(tmp_path / "log")
    done = policy("replay", log, "--policy", new)
    assert done.code == 1
    value = found(log, new)
    kinds = [(g["kind"], g["action"], g["agent"], g["count"]) for g in value["groups"]]
    assert kinds == [
        ("denied", "read", "a", 1), ("denied", "run", "a", 1), ("allowed", "read", "b", 1), ("allowed", "run", "b", 1),
    ]  # fmt: skip
    read = value["groups"][0]
    assert read["examples"][0]["resource"] == "src/b.ts" and read["examples"][0]["seq"] == 3
    assert "would now be denied" in done.out and "was denied, would now be allowed" in done.out


@pytest.mark.parametrize(
    ("change", "fail_on", "code"),
    [
        ("src/**", "denied,allowed", 0),
        ("src/a*", "denied", 1),
        ("src/a*", "allowed", 0),
        ("src/a*", "none", 0),
        ("**", "denied", 0),
        ("**", "allowed", 1),
        ("**", "any", 1),
    ],
)
def test_exit_codes_are_for_ci(tmp_path: Path, change: str, fail_on: str, code: int) -> None:
    log = decided(tmp_path / "log", [request("read", r) for r in ("src/a", "src/b", "other")], 'policy "p" allow read "src/**"')  # fmt: skip
    path = tmp_path / "n.policy"
    path.write_text(f'policy "p" allow read "{change}"')
    assert policy("replay", log, "--policy", path, "--fail-on", fail_on).code == code


def test_two_policies_are_compared_whatever_was_recorded(tmp_path: Path, new: Path, old: Path) -> None:
    log = decided(tmp_path / "log", [request("read", "src/a")], 'policy "other"')
    assert found(log, old)["changed"] == {"allowed": 1}
    assert found(log, old, "--against", old)["changed"] == {}
    assert found(log, new, "--against", old)["same"] == 1


@pytest.mark.parametrize("options", [["--workers", "1"], ["--workers", "2"], ["--ray"]])
def test_how_it_is_run_changes_nothing(tmp_path: Path, new: Path, options: list[str]) -> None:
    asked = [request("read", f"src/{'ab'[n % 2]}{n % 50}", agent="abc"[n % 3]) for n in range(2500)]
    log = decided(tmp_path / "log", asked, most_bytes=300_000)
    done = policy("replay", log, "--policy", new, "--format", "json", *options, PYTHONWARNINGS="ignore", RAY_USAGE_STATS_ENABLED="0")  # fmt: skip
    assert done.code == 1
    assert done.json() == Replayer(portable(str(new))).replay(source_lines(str(log))).json()
    assert done.json()["changed"] == {"denied": 1250}


def test_parquet_and_gzip_say_the_same(tmp_path: Path, new: Path) -> None:
    log = decided(tmp_path / "log", [request("read", f"src/{'ab'[n % 2]}", session=f"s{n}") for n in range(40)])
    plain = found(log, new)
    target = tmp_path / "x.parquet"
    policy("log", "export", log, "--format", "parquet", "-o", target)
    assert found(target, new) == plain
    policy("log", "export", log, "--format", "parquet", "--distinct", "-o", target)
    assert found(target, new)["changed"] == plain["changed"] == {"denied": 20}
    with gzip.open(tmp_path / "x.jsonl.gz", "wb") as stream:
        stream.write((log / "00000001.jsonl").read_bytes())
    assert found(tmp_path / "x.jsonl.gz", new) == plain


def test_what_the_record_does_not_tell_is_undecided(tmp_path: Path, old: Path) -> None:
    log = decided(tmp_path / "log", [request("read", "src/a"), request("run", "curl -H 'Authorization: Bearer abcdefghijklmnop' https://api.example/")])  # fmt: skip
    path = log / "00000001.jsonl"
    text = path.read_text().splitlines()
    value = json.loads(text[1])
    value["cut"] = {"request": 1}
    path.write_text("\n".join([text[0], json.dumps(value, separators=(",", ":")), text[2]]) + "\n")
    done = policy("replay", log, "--policy", old, "--fail-on", "any")
    assert done.code == 3 and "undecided" in done.out and "1 the same" in done.out
    none = tmp_path / "none.policy"
    none.write_text('policy "p"')
    assert sum(found(log, none)["undecided"].values()) == 2  # the second has a secret taken out, and changes


def test_links_and_folders_are_as_they_were(tmp_path: Path, old: Path) -> None:
    """The disk has changed since; the replay goes by what was seen."""
    work = tmp_path / "work"
    (work / "src/deep").mkdir(parents=True)
    (work / "src/link").symlink_to("/etc/passwd")
    (work / "src/deep/file").touch()
    place = {"cwd": str(work), "workspace": str(work), "home": "/h", "lexical": False}
    asked = [
        Request("read", "src/link", "a", **place), Request("read", "src/deep/file", "a", **place),
        Request("run", "cat src/*", "a", **place), Request("run", "grep -r x src", "a", **place),
    ]  # fmt: skip
    text = 'policy "p" allow read "src/**" allow run "cat **", "grep **"'
    log = decided(tmp_path / "log", asked, text)
    effects = [r["effect"] for r in lines((log / "00000001.jsonl").read_text())[1:]]
    assert effects[:2] == ["deny", "allow"]
    old.write_text(text)
    (work / "src/link").unlink()
    (work / "src/link").write_text("")
    (work / "src/deep/file").unlink()
    (work / "src/deep").rmdir()
    (work / "src/deep").symlink_to("/etc")
    assert found(log, old)["same"] == 4


def test_what_was_decided_by_the_clock_is_decided_by_that_minute(tmp_path: Path) -> None:
    text = 'policy "p" allow read "src/**" until 2026-11-21T09:00Z'
    early, late = (request("read", "src/a", now=now) for now in (1795243500.0, 1795260000.0))
    log = decided(tmp_path / "log", [early, late], text)
    path = tmp_path / "p.policy"
    path.write_text(text)
    assert found(log, path)["same"] == 2


def test_what_no_policy_decided_is_left_out(tmp_path: Path, old: Path) -> None:
    log = day(tmp_path / "log")
    path = log / "00000001.jsonl"
    text = path.read_text().replace('"source":{"by":"process"', '"source":{"frozen":"agent","by":"process"', 1)
    path.write_text(text)
    value = found(log, old)
    assert value["skipped"] == {"the agent or session was frozen": 1} and value["same"] == 6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["LOG", "--policy", "nowhere.policy"], "PLE001"),
        (["nowhere", "--policy", "NEW"], "there is no log"),
        (["LOG", "--policy", "NEW", "--fail-on", "worse"], "is not a valid change"),
        (["EMPTY", "--policy", "NEW"], "holds no decision"),
        (["FAKE", "--policy", "NEW"], "damaged"),
        (["x.parquet", "--policy", "NEW"], "there is no log"),
    ],
)
def test_bad_input_is_told(tmp_path: Path, new: Path, arguments: list[str], message: str) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.write_text("")
    fake = tmp_path / "fake.jsonl"
    fake.write_text('{"v":1,"kind":"decision",oops\n')
    names = {"LOG": day(tmp_path / "log"), "NEW": new, "EMPTY": empty, "FAKE": fake}
    done = policy("replay", *[names.get(a, a) for a in arguments], cwd=tmp_path)
    assert done.code == 2 and message in done.err


def test_a_worker_that_dies_is_told(tmp_path: Path, new: Path) -> None:
    log = decided(tmp_path / "log", [request("read", f"src/{n}") for n in range(10)])
    script = (
        "import os, sys\nfrom policy_lang.records import replay as r\nfrom policy_lang.records.source import lines\n"
        "r._work = lambda chunk: os._exit(9)\n"
        "from policy_lang.audit.read import LogReadError\n"
        f"try: list(r.replay(lines({str(log)!r}), r.portable({str(new)!r}), None, 2))\n"
        "except LogReadError as e: print('told', e)\nexcept Exception as e: print(type(e), e)\n"
    )
    script = script.replace("r._work = lambda chunk: os._exit(9)", "r.Replayer.replay = lambda self, c: os._exit(9)")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60, env={**os.environ})  # fmt: skip
    assert "told a worker has ended" in done.stdout


resources = st.sampled_from(["src/a", "src/b", "src/secret", "etc", "src/keys/x", "src/deep/er"])
requests = st.lists(
    st.one_of(
        st.builds(request, st.sampled_from(["read", "write", "delete"]), resources),
        st.builds(request, st.just("run"), st.sampled_from(["git status", "cat src/a", "cat src/b src/secret", "ls"])),
    ),
    min_size=1, max_size=12,
)  # fmt: skip


@settings(deadline=None)
@given(requests)
def test_replay_says_what_deciding_would(tmp_path_factory: pytest.TempPathFactory, asked: list[Request]) -> None:
    """Against the judge: both policies, asked directly."""
    folder = tmp_path_factory.mktemp("replay")
    (folder / "new.policy").write_text(NEW)
    log = decided(folder / "log", asked)
    one, two = Policy.loads(POLICY), Policy.loads(NEW)
    total = Replayed()
    for part in replay(source_lines(str(log)), portable(str(folder / "new.policy")), workers=1):
        total.merge(part)
    pairs = [(one.decide_request(r), two.decide_request(r)) for r in asked]
    changed = [(a, b) for a, b in pairs if (a.effect, a.tiers) != (b.effect, b.tiers)]
    assert total.total == len(asked) and total.same == len(asked) - len(changed)
    assert total.changed["denied"] == sum(b.effect == "deny" for a, b in changed)
    assert total.changed["allowed"] == sum((a.effect, b.effect) == ("deny", "allow") for a, b in changed)
    assert Replayed.from_json(total.json()).json() == total.json()


def test_a_question_is_the_same_whoever_called_and_when() -> None:
    base = {"request": {"action": "read", "resource": "a", **PLACE}, "effect": "allow", "tiers": []}
    other = {**base, "request": {**base["request"], "origin": {"call": "x"}, "id": "7"}, "seq": 9, "time": "t"}  # type: ignore[dict-item]
    assert question(base) == question(other)
    for change in ({"effect": "deny"}, {"disk": {"links": {"a": "b"}}}, {"now": 120}):
        assert question({**base, **change}) != question(base)
