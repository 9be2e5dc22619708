"""Arguments of MCP tools on their whole way: from a client, the command line and AuthZEN to the decision, the log and a replay."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from policy_lang.report.content import contents
from tests.console.support import policy
from tests.service.support import service
from tests.service.test_approvals import ARGUMENTS, TOKENS, answer, ask, bearer, configured

from .support import hook, workspace

POLICY = """policy "p"
tier review { approvers "@team" }
allow call "github.create_issue" when arg.repo in "acme/*" and (not given arg.labels or arg.labels in ["bug", "docs"])
ask review call "github.comment" when arg.repo == "acme/web"
"""
TOOL = "mcp__github__create_issue"


def asked(ws: Path, *options: str, **given: Any) -> str:
    call = {"cwd": str(ws), "hook_event_name": "PreToolUse", "session_id": "s", "tool_name": TOOL, "tool_input": given}
    return hook("claude", call, *options, cwd=ws).verdict


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"repo": "acme/web", "body": "y" * 100_000}, "allow"),
        ({"repo": "acme/web", "labels": ["bug"]}, "allow"),
        ({"repo": "acme/web", "labels": ["bug", "deploy"]}, "deny"),
        ({"repo": "evil/web"}, "deny"),
        ({"repo": "acme/../evil"}, "deny"),
        ({"repo": {"acme/web": 1}}, "deny"),
        ({}, "deny"),
    ],
)
def test_a_hook_tells_the_arguments(tmp_path: Path, given: dict[str, Any], wanted: str) -> None:
    ws = workspace(tmp_path, POLICY)
    assert asked(ws, "--policy", str(tmp_path / "p.plc"), **given) == wanted


def test_a_key_that_comes_twice_is_denied(tmp_path: Path) -> None:
    ws = workspace(tmp_path, POLICY)
    body = json.dumps({"cwd": str(ws), "hook_event_name": "PreToolUse", "session_id": "s", "tool_name": TOOL})
    data = body[:-1] + ',"tool_input":{"repo":"evil/web","repo":"acme/web"}}'
    assert hook("claude", data.encode(), "--policy", str(tmp_path / "p.plc"), cwd=ws).verdict == "deny"


def test_a_replay_has_what_was_decided_by(tmp_path: Path) -> None:
    """The log keeps arguments, without secrets and long texts, and another policy decides by them again."""
    ws = workspace(tmp_path, POLICY)
    log = tmp_path / "log"
    options = ("--policy", str(tmp_path / "p.plc"), "--log", str(log))
    token = "ghp_" + "a1B2c3D4e5" * 3 + "F6g7h8"
    assert asked(ws, *options, repo="acme/web", body="y" * 9_000) == "allow"
    assert asked(ws, *options, repo="acme/web", note=token) == "allow"
    assert asked(ws, *options, repo="evil/web") == "deny"
    text = "".join(p.read_text() for p in log.iterdir() if p.is_file())
    assert '"repo":"acme/web"' in text
    assert token not in text
    assert "yyyyyyyyyy" not in text
    (tmp_path / "new.policy").write_text('policy "p"\nallow call "github.create_issue" when arg.repo == "evil/web"\n')
    done = policy("replay", log, "--policy", tmp_path / "new.policy", "--format", "json").json()
    assert {g["kind"] for g in done["groups"]} == {"denied", "allowed"}


def test_the_command_line_takes_arguments(tmp_path: Path) -> None:
    path = tmp_path / "p.policy"
    path.write_text(POLICY)
    call = ("check", path, "call", "github.create_issue")
    assert policy(*call, "--arg", "repo=acme/web", "--arg", 'labels=["bug","docs"]').code == 0
    assert policy(*call, "--arg", "repo=acme/web", "--arg", 'labels=["bug",1]').code == 1
    nothing = policy(*call).out
    assert "`arg.repo` are not given clearly" in nothing
    assert "to allow exactly this" not in nothing
    assert "`do` has none" in policy("check", path, "do", "x", "--arg", "a=1").err
    assert policy(*call, "--arg", "a=1", "--arg", "a.b=1").code == 2
    assert policy(*call, "--arg", "a").code == 2
    shown = policy("explain", path, "call", "github.create_issue", "--arg", "repo=evil/web").out
    assert "conditions do not hold" in shown


def test_a_service_and_authzen_take_arguments() -> None:
    question = {"subject": {"type": "agent", "id": "a"}, "resource": {"type": "tool", "id": "github.create_issue"}}
    with service(POLICY) as running:
        for repo, wanted in (("acme/web", True), ("evil/web", False)):
            arguments = {"arguments": {"repo": repo}}
            body = {**question, "action": {"name": "call", "properties": arguments}}
            assert running.call("POST", "/access/v1/evaluation", body)[1]["decision"] is wanted
            asked_ = {"action": "call", "resource": "github.create_issue", **arguments}
            assert (running.call("POST", "/v1/decide", asked_)[1]["effect"] == "allow") is wanted
            rules = running.call("POST", "/v1/explain", asked_)[1]["candidates"]
            assert any(r["holds"] == "yes" for r in rules) is wanted


def test_an_approval_is_good_for_its_arguments() -> None:
    with service(POLICY, *ARGUMENTS, prepare=configured) as running:
        first = {"action": "call", "resource": "github.comment", "arguments": {"repo": "acme/web", "text": "one"}}
        ticket = ask(running, **first)["ticket"]["id"]
        shown = running.call("GET", f"/v1/approvals/{ticket}", **bearer(TOKENS["mia"]))[1]
        assert shown["request"]["arguments"] == first["arguments"]
        assert any("acme/web" in line for content in contents(shown) for _, line in content.lines)
        assert answer(running, "mia", ticket)[0] == 200
        other = {**first, "arguments": {"repo": "acme/web", "text": "two"}}
        assert ask(running, **other, ticket=ticket)["effect"] != "allow"
        assert ask(running, **first, ticket=ticket)["effect"] == "allow"
