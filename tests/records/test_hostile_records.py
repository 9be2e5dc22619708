"""Records that nobody of ours wrote: whatever stands in a file, what reads it says so or shows it, and never fails."""

from __future__ import annotations

import copy
import json
import os
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy_lang import Policy
from policy_lang.audit.read import LogReadError
from policy_lang.records.learning.observe import observer
from policy_lang.records.learning.propose import Corrections, Wishes, draft
from policy_lang.records.ocsf import ocsf_event
from policy_lang.records.replay import Replayer, portable
from policy_lang.records.row import row
from policy_lang.records.select import Selection
from policy_lang.records.stats import counted
from policy_lang.records.story import story, story_json
from policy_lang.records.suggesting.stops import KINDS, finder
from policy_lang.records.suggesting.suggest import Suggester
from policy_lang.records.usage import looker
from policy_lang.report.records import csv_row, render_record, render_stats, render_story, table_line
from policy_lang.report.suggested import render_suggested
from tests.console.support import policy
from tests.lanes import share
from tests.needs import extra, missing

from .support import POLICY, day, request

hostile = st.text("\ud800\x00\x1b\n\r\u202e\"'`{}*[]\\/ab.…", max_size=8)
values = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), hostile, st.lists(hostile, max_size=3),
    st.lists(st.dictionaries(hostile, hostile, max_size=2), max_size=2), st.dictionaries(hostile, st.integers(), max_size=2),
    st.just([["x"]]), st.just({"pattern": "src/**"}), st.just({"folders": 1, "links": [], "below": {"all /w": [["a", "cut"]]}}),
)  # fmt: skip


Whole = tuple[list[dict[str, Any]], bytes]


@cache
def whole() -> Whole:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "p.policy").write_text(POLICY)
        log = day(folder / "log")
        records = [json.loads(x) for x in (log / "00000001.jsonl").read_text().splitlines()]
        return records, portable(str(folder / "p.policy"))


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a record."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [p for k, v in inner for p in [(*path, k), *places(v, (*path, k))]]


Changes = list[tuple[int, Any]]
some_changes = st.lists(st.tuples(st.integers(0, 100_000), values), min_size=1, max_size=3)


def changed(changes: Changes) -> list[dict[str, Any]]:
    """The day's records with other values in some places."""
    records = copy.deepcopy(whole()[0])
    where = [(n, p) for n, r in enumerate(records) for p in places(r) if p not in {("kind",), ("time",)}]
    for at_random, value in changes:
        number, path = where[at_random % len(where)]
        at = records[number]
        for step in path[:-1]:
            at = at[step] if isinstance(at, dict) and step in at else {}
        if isinstance(at, dict):
            at[path[-1]] = copy.deepcopy(value)
    return records


@settings(deadline=None, max_examples=share(150))
@given(some_changes)
def test_whatever_a_record_holds_no_proposal_lets_pass_what_a_rule_stops(changes: Changes) -> None:
    os.environ["NO_COLOR"] = "1"
    lines = [(json.dumps(r, separators=(",", ":")).encode("ascii"), 1) for r in changed(changes)]
    try:
        stops = finder(KINDS, None)(lines)
    except LogReadError:
        return
    found = Suggester("p.policy", 2, POLICY).suggest(stops)
    shown = render_suggested(found, stops)
    assert all(c.isprintable() or c == "\n" for c in shown), shown
    for proposal in found.proposals:
        made = Policy.loads(proposal.text)
        for action, resource in (("read", "src/keys/id"), ("run", "cat src/keys/id"), ("write", ".git/hooks/x")):
            asked = request(action, resource, agent="b")
            assert made.decide_request(asked).effect == "deny"


@settings(deadline=None, max_examples=share(300))
@given(some_changes)
def test_whatever_a_record_holds(changes: Changes) -> None:
    os.environ["NO_COLOR"] = "1"  # what is left of escapes is the record's
    records, policy_bytes = changed(changes), whole()[1]
    session = records[1]["request"].get("session") if isinstance(records[1].get("request"), dict) else "s1"
    shown = [render_story(story(records, str(session)))]
    json.dumps(story_json(story(records, str(session))))
    rows = list(Selection(agent="a").rows(records)) + [row(r) for r in records if r["kind"] == "decision"]
    stats = counted(rows)
    json.dumps(stats.json())
    shown.append(render_stats(stats))
    for one in rows:
        shown += [table_line(one), render_record(one), ",".join(csv_row(one))]
        json.dumps(ocsf_event(one, records[0]))
        if not missing("opentelemetry"):
            from policy_lang.records.otel import attributes

            attributes(one)
    lines = [(json.dumps(r, separators=(",", ":")).encode("ascii"), 1) for r in records]
    for text in shown:
        assert not set(text) & set("\x00\x1b\r\u202e"), text
    try:
        Replayer(policy_bytes).replay(lines).json()
        observed = observer(None)(lines)
        made = draft(observed, Wishes(), Corrections())
        learned = Policy.loads(made.text)
        looker(policy_bytes)(lines)
    except LogReadError:
        return
    for action, resource in (("run", "rm x"), ("use", "T"), ("do", "x.y"), ("push", "main")):
        assert not learned.decide(action=action, resource=resource, agent="nobody").allowed


def test_telemetry_takes_whatever_a_record_holds() -> None:
    with extra():
        from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
        from opentelemetry.sdk.resources import Resource

        from policy_lang.records.otel import log_record

    for record in whole()[0]:
        if record["kind"] == "decision":
            odd = {
                **record,
                "seq": 2**70,
                "micros": -5,
                "time": "never",
                "request": {"resource": [1, "\ud800"], "origin": {"call": 7}},
            }
            assert encode_logs([log_record(row(odd), Resource.create({}))]).resource_logs


@pytest.mark.parametrize(
    "line",
    [
        b"[" * 200_000, b'{"v":1,"kind":"decision","a":' + b"[" * 100_000, b"\xff\xfe", b'{"kind":"decision","time":1}',
        b'{"kind":"decision","time":"x","kind":"decision","time":"y"}',
        b'{"v":1,"seq":1,"time":"x","kind":"decision","a":' + b"9" * 10_000 + b"}", b"null", b"",
    ],
)  # fmt: skip
def test_a_line_that_is_no_record_is_named(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(line + b"\n" + line + b"\n")
    made = tmp_path / "p.policy"
    made.write_text(POLICY)
    for command in (["query", path], ["stats", path], ["story", path], ["export", path], ["verify", path]):
        done = policy("log", *command)
        assert done.code in {1, 2} and ("x.jsonl:1" in done.err + done.out), (command, done)
    for words in (["replay", path, "--policy", made], ["learn", path], ["lint", "--log", path, made]):
        assert policy(*words).code in {1, 2}, words
