"""The pages about records say what the program does."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest

from policy_lang.cli.main import cli
from policy_lang.domain.request import ORIGIN
from policy_lang.records.ocsf import ocsf_event
from policy_lang.records.row import row
from tests.console.support import ROOT, policy
from tests.needs import extra

from .support import day, decided, request

HOW_TO = (ROOT / "docs/how-to/keep-records.md").read_text()
STOPS = (ROOT / "docs/how-to/from-stops-to-rules.md").read_text()
REFERENCE = (ROOT / "docs/reference/records.md").read_text()


def commands() -> list[str]:
    text = "\n".join(re.findall(r"^```sh\n(.*?)^```$", HOW_TO + STOPS, re.MULTILINE | re.DOTALL))
    found = re.findall(r"^(?:[A-Z_]+=\S+ )?policy (.*?)(?:  +#.*)?$", text, re.MULTILINE)
    return [f.partition(" > ")[0] for f in found]


@pytest.mark.parametrize("line", commands())
def test_every_command_on_the_page_is_one(line: str) -> None:
    """Read as the command line reads it, without doing it."""
    words, command = shlex.split(line), cli
    context = click.Context(cli)
    while isinstance(command, click.Group):
        found = command.get_command(context, words[0])
        assert found is not None, words
        command, words = found, words[1:]  # type: ignore[assignment]
    command.make_context("policy", words)


def test_the_code_on_the_page_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (text,) = re.findall(r"^```python\n(.*?)^```$", HOW_TO, re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(tmp_path)
    Path("web.policy").write_text('policy "web" allow read "src/**"')
    exec(compile(text, "page", "exec"), {})
    assert capsys.readouterr().out == "allow\n"
    assert (tmp_path / "log/00000001.jsonl").exists()


def records(tmp_path: Path) -> list[dict[str, Any]]:
    told = dict.fromkeys(ORIGIN, "x")
    folder = decided(day(tmp_path / "log"), [request("run", "cat src/a", origin=told, confined=True)])
    found = [json.loads(line) for line in (folder / "00000001.jsonl").read_text().splitlines()]
    allowed = next(r for r in found if r.get("effect") == "allow")
    return [{**allowed, "would": {"effect": "deny", "tiers": []}}, *found]  # as where the policy is only observed


def test_every_field_of_a_record_is_explained(tmp_path: Path) -> None:
    explained = set(re.findall(r"`([a-z]+)`", REFERENCE.partition("## The same")[0]))
    for record in records(tmp_path):
        if record["kind"] == "decision":
            assert set(record) <= explained, set(record) - explained
    assert set(ORIGIN) <= explained


def test_the_table_names_what_is_sent(tmp_path: Path) -> None:
    table = REFERENCE.partition("## The same")[2]
    rows = [[set(re.findall(r"`([^`]+)`", cell)) for cell in line.split("|")[2:4]] for line in table.splitlines() if line.startswith("|")]  # fmt: skip
    named = {x for otel, _ in rows for x in otel if (("." in x and " " not in x) or x == "tool_name")} - {
        "event_name",
        "policy_lang.decision",
    }
    found = [r for r in records(tmp_path) if r["kind"] == "decision"]
    with extra():
        from policy_lang.records.otel import attributes
    sent = {k for r in found for k in attributes(row(r))}
    assert sent | {"policy_lang.decision"} >= named
    assert sent - named - {"tool_use_id"} == set()
    found[-1]["ticket"] = {"id": "x", "state": "redeemed"}
    events = [ocsf_event(row(r), {"kind": "segment", "log": "x", "host": "h"}) for r in found]
    for name in {x for _, ocsf in rows for x in ocsf if " " not in x and x[:1].islower()}:
        assert any(reached(e, name.split(".")) for e in events), name


def reached(value: Any, path: list[str]) -> bool:
    if not path:
        return True
    name, many, _ = path[0].partition("[]")
    if not isinstance(value, dict) or name not in value:
        return False
    inner = value[name]
    return any(reached(v, path[1:]) for v in inner) if many else reached(inner, path[1:])


def test_the_example_of_stops_says_what_is_said(tmp_path: Path) -> None:
    (text,) = re.findall(r"^```policy\n(.*?)^```$", STOPS, re.MULTILINE | re.DOTALL)
    (shown,) = re.findall(r"^```text\n(.*?)^```$", STOPS, re.MULTILINE | re.DOTALL)
    (tmp_path / "web.policy").write_text(text)
    asked = [
        request("run", f"pytest tests/test_{n}.py", agent="codex", session=f"s{n}") for n in ("cart", "login", "pay")
    ]
    asked += [request("run", "git push origin main", agent="codex"), request("read", ".env", agent="codex")]
    decided(tmp_path / "LOG", asked, text)
    said = policy("suggest", "LOG", "--policy", "web.policy", cwd=tmp_path).out
    for changing in (r"\d{4}-\d\d-\d\d", r"\b[0-9a-f]{8}(?=  for)", r"(?<=baseline.policy:)\d+"):
        said, shown = (re.sub(changing, "...", text) for text in (said, shown))
    assert said == shown
