"""A policy that is only observed: what passes, what holds even so, and how loud that is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from policy_lang.pep.clients import NAMES
from policy_lang.pep.clients import client as client_of
from policy_lang.pep.questions import _KEYS, _MORE_KEYS
from policy_lang.wire.service import DecisionModel
from tests.console.support import policy
from tests.service.support import service

from .support import Answer, hook, workspace

TEXT = """policy "p"
import std.baseline
tier review { approvers "@team" }
tier security { approvers "@team" }
allow read "src/**"
allow run "git status", "cat *", "npm run *"
ask review write "package.json"
rule no-prod: deny read "prod/**"
rule keys: ask security write "keys.json"
"""
HOLD = ("--hold", "p#no-prod", "--hold", "p#keys")


@pytest.fixture
def ws(tmp_path: Path) -> Path:
    return workspace(tmp_path, TEXT)


def asked(ws: Path, tool: str, *options: str, **given: str) -> Answer:
    payload = {
        "hook_event_name": "PreToolUse",
        "tool_name": tool,
        "tool_input": given,
        "cwd": str(ws),
        "session_id": "s",
    }
    return hook(
        "claude", payload, "--policy", str(ws.parent / "p.plc"), "--log", str(ws.parent / "log"), *options, cwd=ws
    )


def decisions(log: Path) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in (log / "00000001.jsonl").read_text().splitlines()]
    return [record for record in found if record["kind"] == "decision"]


CASES: tuple[tuple[str, dict[str, str], str, str], ...] = (
    ("Bash", {"command": "git status"}, "allow", "allow"),
    ("Bash", {"command": "git push"}, "allow", "deny"),
    ("Bash", {"command": "eval $X"}, "allow", "deny"),
    ("Read", {"file_path": "/etc/passwd"}, "allow", "deny"),
    ("Read", {"file_path": "{ws}/.env"}, "allow", "deny"),
    ("Write", {"file_path": "{ws}/package.json", "content": ""}, "allow", "ask"),
    ("Read", {"file_path": "{ws}/prod/key"}, "deny", "deny"),
    ("Bash", {"command": "git push; cat prod/key"}, "deny", "deny"),
    ("Write", {"file_path": "{ws}/keys.json", "content": ""}, "ask", "ask"),
    ("Bash", {"command": "git push; echo > keys.json"}, "deny", "deny"),
    ("Write", {"file_path": "{ws}/.git/hooks/pre-commit", "content": ""}, "deny", "deny"),
    ("Write", {"file_path": "{ws}/.claude/settings.json", "content": "{}"}, "deny", "deny"),
    ("Write", {"file_path": "{ws}/x.plc", "content": ""}, "deny", "deny"),
    ("Read", {"file_path": "{ws}/" + "x/" * 5000}, "deny", "deny"),
)
"""A call, what is answered, and what the policy says. The last one is no request: it is too long."""


def test_everything_is_recorded_and_little_holds(ws: Path) -> None:
    for number, (tool, named, answered, would) in enumerate(CASES):
        given = {name: value.replace("{ws}", str(ws)) for name, value in named.items()}
        answer = asked(ws, tool, "--observe", *HOLD, **given)
        assert answer.verdict == ("allow" if answered == "allow" else "deny"), (given, answer)
        if answered == "allow":
            assert (answer.out, answer.err) == ("", "")  # an `allow` would take the client's own prompt away
        record = decisions(ws.parent / "log")[-1]
        assert len(decisions(ws.parent / "log")) == number + 1, (given, answer)
        assert (record["effect"], record["would"]["effect"]) == (answered, would)
        assert record["would"]["tiers"] == ({"{ws}/package.json": ["review"], "{ws}/keys.json": ["security"]}.get(named.get("file_path", ""), []))  # fmt: skip


def test_a_module_holds_as_a_whole(ws: Path) -> None:
    assert asked(ws, "Read", "--observe", file_path=f"{ws}/.env").verdict == "allow"
    assert asked(ws, "Read", "--observe", "--hold", "std.baseline", file_path=f"{ws}/.env").verdict == "deny"
    assert asked(ws, "Read", "--observe", "--hold", "std.baseline#secrets", file_path=f"{ws}/.env").verdict == "deny"
    assert asked(ws, "Read", "--observe", "--hold", "std.baseline", file_path="/etc/passwd").verdict == "allow"


@pytest.mark.parametrize("name", ["p#no-prods", "p#", "std.base", "no-prod", "", "#", "floor#"])
def test_what_is_to_hold_must_be_there(ws: Path, name: str) -> None:
    answer = asked(ws, "Bash", "--observe", "--hold", name, command="git status")
    assert (answer.verdict, "no such rule" in answer.err) == ("deny", True)


def test_it_is_never_on_by_accident(ws: Path) -> None:
    plc, log = ("--policy", str(ws.parent / "p.plc")), ("--log", str(ws.parent / "log"))
    payload = {
        "tool_name": "Bash",
        "tool_input": {"command": "git status"},
        "cwd": str(ws),
        "hook_event_name": "PreToolUse",
    }
    for options, said in (
        ((*plc, "--observe"), "needs --policy and --log"), ((*plc, *log, "--hold", "p#keys"), "needs --observe"),
        (("--socket", "/s", *log, "--observe"), "needs --policy and --log"), ((*plc, *log, "--observe", "--observe"), "given twice"),
        ((*plc, *log, "--observe", "yes"), "unknown option"), ((*plc, *log, "--observ"), "unknown option"),
    ):  # fmt: skip
        answer = hook("claude", payload, *options, cwd=ws)
        assert (answer.verdict, said in answer.err) == ("deny", True), answer
    loud = dict.fromkeys(("POLICY_OBSERVE", "OBSERVE", "POLICY_LANG_OBSERVE", "POLICY_MODE"), "--observe")
    payload["tool_input"] = {"command": "git push"}
    assert hook("claude", payload, *plc, *log, cwd=ws, **loud).verdict == "deny"
    payload["tool_input"] = {"command": "git push", "description": "--observe"}
    assert (
        hook("claude", {**payload, "session_id": "--observe"}, *plc, *log, "--agent", "--observe", cwd=ws).verdict
        == "deny"
    )
    assert all("would" not in record for record in decisions(ws.parent / "log"))


@pytest.mark.parametrize("client", NAMES)
def test_what_passes_is_left_to_the_client(client: str, ws: Path) -> None:
    spec = client_of(client)
    options = ("--policy", str(ws.parent / "p.plc"), "--log", str(ws.parent / "log"), "--observe")
    extra = {"session_id": "s"} if "session_id" in spec.common else {}
    for place, verdict in (("elsewhere", "allow"), (".git/hooks/x", "deny")):
        payload = {**spec.common, **extra, "cwd": str(ws), **spec.canary(str(ws), place)}
        answer = hook(client, payload, *options, cwd=ws)
        assert answer.verdict == verdict, answer
        assert bool(answer.out) == (verdict == "deny")


def test_a_record_that_cannot_be_written_holds(ws: Path) -> None:
    (ws.parent / "log").write_text("")
    answer = asked(ws, "Bash", "--observe", command="git push")
    assert (answer.verdict, "audit_unavailable" in answer.err) == ("deny", True)


def test_installation_and_doctor_are_loud(ws: Path, tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path / "home"), "PATH": "/usr/bin:/bin"}
    install = ("hook", "install", "claude", "--policy", tmp_path / "p.policy", "--scope", "project")
    log = ("--log", tmp_path / "log")
    for options, said in (
        (("--observe",), "of no use without a record"), ((*log, "--hold", "p#keys"), "belongs to `--observe`"),
        ((*log, "--observe", "--hold", "p#kyes"), "no rule of this id"),
    ):  # fmt: skip
        refused = policy(*install, *options, cwd=ws, **home)
        assert (refused.code, said in refused.err) == (2, True), refused
    assert not (ws / ".claude").exists()
    done = policy(*install, *log, "--observe", *HOLD, cwd=ws, **home)
    assert (done.code, "OBSERVING: nothing is stopped but" in done.out) == (0, True), done.err
    assert "--observe" in (ws / ".claude/settings.json").read_text()
    found = policy("doctor", "claude", "--no-live", "--format", "json", cwd=ws, **home)
    (loud,) = [f["text"] for f in found.json()["findings"] if f["state"] == "fail"]
    assert found.code == 1 and "OBSERVING" in loud and "`p#no-prod`" in loud
    assert policy(*install, *log, cwd=ws, **home).code == 0
    assert "--observe" not in (ws / ".claude/settings.json").read_text()
    assert policy("doctor", "claude", "--no-live", cwd=ws, **home).code == 0


def test_the_log_tells_what_would_have_been_stopped(ws: Path) -> None:
    log = ws.parent / "log"
    for tool, given in (("Bash", "git push"), ("Bash", "git push"), ("Bash", "git status")):
        asked(ws, tool, "--observe", "--agent", "web", command=given)
    asked(ws, "Write", "--observe", "--agent", "web", file_path=f"{ws}/package.json", content="")
    asked(ws, "Read", "--observe", *HOLD, file_path=f"{ws}/prod/key")
    found = policy("log", "stats", log, "--would", "--format", "json").json()
    assert found["agents"] == {"web": {"ask": 1, "deny": 2}}
    assert found["actions"] == {"run": {"deny": 2}, "write": {"ask": 1}}
    assert found["rules"]["(no rule grants it)"] == {"deny": 2} and found["tiers"] == {"review": 1}
    assert found["most_denied"] == [{"action": "run", "resource": "git push", "times": 2}]
    every = policy("log", "stats", log, "--format", "json").json()
    assert (every["effects"], every["would"]) == ({"allow": 4, "deny": 1}, {"deny": 2, "ask": 1})
    shown = policy("log", "query", log).out
    assert shown.count("observed, would deny") == 2 and shown.count("observed, would ask") == 1
    rows = policy("log", "query", log, "--would", "--format", "csv").out.splitlines()
    assert [row.rsplit(",", 1)[1] for row in rows] == ["would", "deny", "deny", "ask"]
    assert "observed run git push" in policy("log", "story", log, "s").out
    assert "observed: the policy says ask, which needs review" in policy("log", "show", log, "5").out
    events = [json.loads(line) for line in policy("log", "export", log).out.splitlines()]
    assert [(e["action_id"], e["disposition_id"]) for e in events] == [(3, 17), (3, 17), (1, 1), (3, 17), (2, 2)]
    replayed = policy("replay", log, "--policy", ws.parent / "p.policy", "--format", "json").json()
    assert not replayed["changed"]


def test_what_was_let_pass_is_not_learned(ws: Path) -> None:
    """Otherwise a policy that is learned from a log would grant what the policy denies."""
    for words in ("git status", "git push"):
        asked(ws, "Bash", "--observe", "--agent", "web", command=words)
    learned = policy("learn", ws.parent / "log", "--agent", "web").out
    assert "git status" in learned and "allow run" in learned
    assert not [line for line in learned.splitlines() if "git push" in line and line.lstrip().startswith("allow")]


def test_a_service_that_observes() -> None:
    text = TEXT.replace('policy "p"', 'policy "p"\nfreeze when 2 denials within 1h')
    with service(text, "--agent", "a", "--log", "{folder}/log", "--observe", *HOLD) as running:
        ws = running.folder / "ws"
        ws.mkdir()
        where = {"workspace": str(ws), "cwd": str(ws)}
        for resource, answered, would in (
            ("prod/x", "deny", "deny"),
            ("other", "allow", "deny"),
            ("src/a", "allow", "allow"),
        ):
            for _ in range(3):
                reply = running.call("POST", "/v1/decide", {"action": "read", "resource": resource, **where})[1]
                assert (reply["effect"], reply["would"]["effect"]) == (answered, would)
                DecisionModel.model_validate(reply)
        assert (
            running.call("POST", "/v1/decide", {"action": "write", "resource": ".git/config", **where})[1]["effect"]
            == "deny"
        )
        asking = {
            "subject": {"type": "agent", "id": "a"},
            "action": {"name": "read"},
            "resource": {"type": "path", "id": "other"},
        }
        said = running.call("POST", "/access/v1/evaluation", asking)[1]
        assert (said["decision"], said["context"]["would"]) == (True, "deny")
        payload = {
            "tool_name": "Bash",
            "tool_input": {"command": "git push"},
            "cwd": str(ws),
            "hook_event_name": "PreToolUse",
        }
        answer = hook("claude", payload, "--socket", running.socket, cwd=ws)
        assert (answer.verdict, answer.out) == ("allow", "")
        payload["tool_input"] = {"command": "git status"}
        assert hook("claude", payload, "--socket", running.socket, cwd=ws).out == ""  # not even what is granted
        in_force = running.call("GET", "/v1/policy")[1]
        assert "p#no-prod" in in_force["observing"]
        assert "policy_observing 1" in running.call("GET", "/metrics")[1]
        home = {"HOME": str(running.folder), "PATH": "/usr/bin:/bin"}
        install = ("hook", "install", "claude", "--socket", running.socket, "--scope", "project")
        assert policy(*install, cwd=ws, **home).code == 0
        doctor = policy("doctor", "claude", "--no-live", cwd=ws, **home)
        assert (doctor.code, "OBSERVING" in doctor.out) == (1, True)
        running.change(text.replace("rule no-prod:", ""))
        running.wait_for(error="`--hold p#no-prod`: the policy has no such rule")
        assert running.call("GET", "/v1/policy")[1]["digest"] == in_force["digest"]
        assert running.stop() == 0
        serving = next(e for e in running.log() if e["event"] == "serving")
        assert "OBSERVING" in serving["observing"]
        assert all("would" in record for record in decisions(running.folder / "log"))


def test_a_service_observes_only_with_a_log(tmp_path: Path) -> None:
    (tmp_path / "p.policy").write_text(TEXT)
    start = ("serve", "--policy", tmp_path / "p.policy", "--socket", tmp_path / "s", "--agent", "a")
    for options, said in ((("--observe",), "of no use without a record"), (("--hold", "x"), "belongs to `--observe`")):
        done = policy(*start, *options)
        assert (done.code, said in done.err) == (2, True)


def test_the_hook_knows_all_that_a_decision_says(ws: Path) -> None:
    """One that it does not know denies: so a package script was, when its file was named."""
    assert set(DecisionModel.model_fields) == _KEYS | _MORE_KEYS
    (ws / "package.json").write_text('{"scripts": {"build": "git status"}}')
    answer = asked(ws, "Bash", command="npm run build")
    assert "not a decision" not in answer.err
    assert "files" in decisions(ws.parent / "log")[0]
