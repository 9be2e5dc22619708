"""New tools and arguments of clients: named by comparison, denied by the hook, and accepted where a person says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from policy_lang.domain.limits import limit
from policy_lang.pep.clients import NAMES
from policy_lang.pep.clients import client as client_of
from policy_lang.pep.drift import drifts, offered
from policy_lang.pep.payload import HookContext, accepted_arguments, mcp_calls
from policy_lang.pep.questions import RefusedError
from policy_lang.pep.rehearsal import Rehearsal

from .support import hook, workspace

SCHEMA = {"type": "object", "properties": {"a": {}, "b": {}}}
FORMS: list[dict[str, Any]] = [
    {"tools": [{"name": "T", "input_schema": SCHEMA}]},
    {"tools": [{"type": "function", "name": "T", "parameters": SCHEMA}]},
    {"tools": [{"type": "function", "function": {"name": "T", "parameters": SCHEMA}}]},
    {"tools": [{"type": "custom", "custom": {"name": "T", "parameters": SCHEMA}}]},
    {"tools": [{"functionDeclarations": [{"name": "T", "parametersJsonSchema": SCHEMA}]}]},
    {"tools": [{"type": "namespace", "name": "T", "tools": [{"name": "", "type": "", "parameters": SCHEMA}, {"name": "x"}]}]},
]  # fmt: skip


@pytest.mark.parametrize("form", FORMS[:5], ids=range(5))
def test_every_wire_form_is_read(form: dict[str, Any]) -> None:
    assert offered([json.dumps(form)]) == {"T": {"a", "b"}}


def test_what_is_no_turn_offers_nothing() -> None:
    for bad in ("", "{", "[]", "[" * 100_000, '{"tools": 5}', '{"tools": [5, {}, {"function": 1}]}', '{"tools": [{"functionDeclarations": 3}]}'):  # fmt: skip
        assert offered([bad]) == {}
    assert offered([json.dumps({"tools": [{"name": "T", "parameters": 5}, {"type": "web_search"}]})]) == {
        "T": frozenset(), "web_search": frozenset(),
    }  # fmt: skip
    assert "Tx" in offered([json.dumps(FORMS[5])])


def turn(**tools: str) -> str:
    return json.dumps(
        {"tools": [{"name": n, "input_schema": {"properties": dict.fromkeys(a.split())}} for n, a in tools.items()]}
    )


@pytest.mark.parametrize("name", NAMES)
def test_what_is_known_is_no_news(name: str) -> None:
    spec = client_of(name)
    every = {**spec.tools, **spec.harmless, **dict.fromkeys(spec.operations, "whatever")}
    assert drifts(spec, [turn(**every)]) == []
    assert not set(spec.tools) & set(spec.harmless)
    assert not (set(spec.tools) | set(spec.harmless)) & spec.operations


def test_what_is_new_is_named_with_what_becomes_of_it() -> None:
    spec = client_of("claude")
    found = drifts(spec, [turn(Read="file_path follow", Fresh="x", mcp__s__t="y", TodoWrite="todos when")])
    assert [(d.tool, d.argument) for d in found] == [("Fresh", ""), ("Read", "follow"), ("TodoWrite", "when")]
    assert "`do claude.Fresh`" in found[0].text
    assert "a call that has it is denied" in found[1].text and "--accept-argument Read.follow" in found[1].remediation
    assert drifts(spec, [turn(Read="follow")], ["Read.follow"]) == []
    assert "hook is not shown it" in drifts(client_of("codex"), [turn(exec_command="cmd afresh")])[0].text
    many = [turn(**{f"T{i}": "" for i in range(count)}) for count in (limit("drift_shown"), limit("drift_shown") + 1)]
    assert len(drifts(spec, many[:1])) == len(drifts(spec, many[1:])) == limit("drift_shown")


def test_a_name_is_shown_as_plain_text() -> None:
    """Servers of others choose names of tools, and a terminal obeys what stands in them."""
    (one,) = drifts(client_of("claude"), [turn(**{"a\x1b[2J`\u202e": ""})])
    assert one.text.isascii() and one.text.isprintable() and "`a?[2J??`" in one.text


@pytest.mark.parametrize(
    ("turns", "calls", "answered", "refused"),
    [
        (("go",), (), False, False),
        (("go",), (1,), False, False),
        (("go", "denied by policy: x"), (1,), True, True),
        (("title", "go", "denied by policy"), (2,), True, True),
        (("denied by policy", "denied by policy"), (1,), True, False),  # a file of instructions says so
        (("denied by policy", "denied by policy, denied by policy"), (1,), True, True),
        (("go", "Permission denied"), (1,), True, False),
    ],
)  # fmt: skip
def test_a_refusal_is_one_that_came_with_the_call(
    turns: tuple[str, ...], calls: tuple[int, ...], answered: bool, refused: bool
) -> None:
    made = Rehearsal(0, "", turns, calls)
    assert (made.answered, made.refused) == (answered, refused)


def read(ws: Path, path: str, **more: Any) -> dict[str, Any]:
    given = {"file_path": f"{ws}/{path}", **more}
    return {**client_of("claude").common, "cwd": str(ws), "tool_name": "Read", "tool_input": given}


def test_an_argument_is_accepted_by_a_person_and_that_is_recorded(tmp_path: Path) -> None:
    ws = workspace(tmp_path)
    plc = ("--policy", str(tmp_path / "p.plc"), "--log", str(tmp_path / "log"))
    accept = ("--accept-argument", "Read.follow", "--accept-argument", "Read.deep")

    def origin() -> dict[str, Any]:
        found: dict[str, Any] = json.loads((tmp_path / "log/00000001.jsonl").read_text().splitlines()[-1])
        return dict(found["request"]["origin"])

    denied = hook("claude", read(ws, "src/app.ts", follow=True), *plc, cwd=ws)
    assert denied.verdict == "deny" and "add `--accept-argument Read.follow`" in denied.err
    assert hook("claude", read(ws, "src/app.ts", follow=True), *plc, *accept, cwd=ws).verdict == "allow"
    assert origin()["accepted"] == "Read.follow"
    assert hook("claude", read(ws, "src/app.ts"), *plc, *accept, cwd=ws).verdict == "allow"
    assert "accepted" not in origin()
    assert hook("claude", read(ws, ".env", follow=True), *plc, *accept, cwd=ws).verdict == "deny"
    write = {**read(ws, "src/a", content="", follow=True), "tool_name": "Write"}
    assert hook("claude", write, *plc, *accept, cwd=ws).verdict == "deny"


def test_what_is_decided_by_cannot_be_accepted_away(tmp_path: Path) -> None:
    """A version that knows an argument decides by it, whatever a person accepted before."""
    ws = workspace(tmp_path)
    plc = ("--policy", str(tmp_path / "p.plc"))
    known = ("--accept-argument", "Read.file_path")
    assert hook("claude", read(ws, ".env"), *plc, *known, cwd=ws).verdict == "deny"
    assert hook("claude", read(ws, "src/app.ts"), *plc, *known, cwd=ws).verdict == "allow"
    for bad in ("Read", "Read.", ".x", "Agent.prompt", "mcp__s__t.x", "Read.a b", ""):
        answer = hook("claude", read(ws, "src/app.ts"), *plc, "--accept-argument", bad, cwd=ws)
        assert answer.verdict == "deny" and "--accept-argument" in answer.err


def test_accepted_arguments_are_counted() -> None:
    names = [f"Read.x{i}" for i in range(limit("hook_accepted_arguments") + 1)]
    assert len(accepted_arguments("claude", {"Read"}, names[:-1])) == limit("hook_accepted_arguments")
    with pytest.raises(RefusedError, match="more than 64"):
        accepted_arguments("claude", {"Read"}, names)


def test_a_name_that_could_be_several_is_every_one_of_them() -> None:
    def calls(name: str) -> list[object]:
        return [q.fields["resource"] for q in mcp_calls(name, {}, "-")]

    assert calls("github-touch") == ["github.touch"]
    assert calls("my-srv-touch") == ["my.srv-touch", "my-srv.touch"]
    assert calls("a--b") == ["a.-b", "a-.b"]
    most = limit("hook_name_readings")
    assert len(calls("-".join("a" * (most + 1)))) == most
    for bad in ("-".join("a" * (most + 2)), "a.b-c", "-", "-a", "a-", "a", "a-\u00e9", "a-\n"):
        with pytest.raises(RefusedError, match="ambiguous"):
            calls(bad)


def test_the_folders_of_a_search_are_counted() -> None:
    spec, context = client_of("copilot"), HookContext("/w", "/w", "/h")

    def search(count: int) -> int:
        given = {"pattern": "x", "paths": ["src"] * count}
        return len(spec.questions({"toolName": "grep", "toolArgs": given}, context))

    assert search(limit("hook_search_folders")) == limit("hook_search_folders")
    with pytest.raises(RefusedError, match="more than 64 folders"):
        search(limit("hook_search_folders") + 1)


def test_every_reading_of_a_name_must_be_granted(tmp_path: Path) -> None:
    payload = {"cwd": "{ws}", "toolName": "my-srv-touch", "toolArgs": {}}
    for rules, verdict in (
        ('allow call "my-srv.touch"', "deny"), ('allow call "my-srv.touch", "my.srv-touch"', "allow"),
        ('allow call "*.*"\ndeny call "my.*" because "no"', "deny"), ('allow call "*.*"\ndeny call "my-srv.*" because "no"', "deny"),
    ):  # fmt: skip
        folder = tmp_path / str(abs(hash(rules)))
        folder.mkdir()
        ws = workspace(folder, f'policy "p"\n{rules}\n')
        given = json.loads(json.dumps(payload).replace("{ws}", str(ws)))
        assert hook("copilot", given, "--policy", str(folder / "p.plc"), cwd=ws).verdict == verdict, rules


def test_copilots_own_names_reach_the_record(tmp_path: Path) -> None:
    ws = workspace(tmp_path)
    payload = {
        "sessionId": "s1", "timestamp": 1, "cwd": str(ws), "toolName": "bash", "toolCallId": "c1", "agentId": "a1",
        "toolArgs": {"command": "git status", "description": "look"},
    }  # fmt: skip
    answer = hook("copilot", payload, "--policy", str(tmp_path / "p.plc"), "--log", str(tmp_path / "log"), cwd=ws)
    assert answer.verdict == "allow"
    request = json.loads((tmp_path / "log/00000001.jsonl").read_text().splitlines()[-1])["request"]
    assert request["origin"] == {
        "client": "copilot", "tool": "bash", "call": "c1", "subagent": "a1", "purpose": "look",
    }  # fmt: skip
    assert request["session"] == "s1"
