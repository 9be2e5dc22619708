"""Tickets at a running service: asked, answered by people, redeemed once; and who tries to get around that."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from policy_lang.daemon.identity.people import token_digest
from tests.audit.support import lines
from tests.console.support import policy
from tests.hooks.support import hook

from .support import Running, service

POLICY = """policy "p"
tier review { approvers "@team"  expires 30m }
tier boss { approvers "@boss"  quorum 2  expires 10m  includes review  reason required }
allow read "src/**"
ask review write "src/**"
ask boss do "deploy"
"""
AGENT, OTHER_AGENT, OPERATOR = "a" * 40, "b" * 40, "o" * 40
TOKENS = {"mia": "m" * 40, "ben": "n" * 40, "eva": "e" * 40}


def configured(folder: Path, more: str = "", people: bool = True) -> None:
    for name, token in (("agent", AGENT), ("other", OTHER_AGENT), ("operator", OPERATOR), *TOKENS.items()):
        (folder / f"{name}.token").write_text(token)
        (folder / f"{name}.token").chmod(0o600)
    persons = "".join(
        f'[[person]]\nname = "{name}"\ngroups = [{groups}]\ntoken-sha256 = "{token_digest(TOKENS[name])}"\n'
        for name, groups in (("mia", '"@team"'), ("ben", '"@team", "@boss"'), ("eva", '"@boss"'))
    )
    (folder / "serve.toml").write_text(
        '[[principal]]\ntoken-file = "agent.token"\nagents = ["codex"]\n'
        '[[principal]]\ntoken-file = "other.token"\nagents = ["other"]\n'
        f'[operators]\ntoken-file = "operator.token"\n[approvals]\nsame-user = true\n{persons if people else ""}{more}'
    )
    (folder / "serve.toml").chmod(0o600)


ARGUMENTS = ("--config", "{folder}/serve.toml", "--state", "{folder}", "--log", "{folder}/log")


@pytest.fixture
def running() -> Iterator[Running]:
    with service(POLICY, *ARGUMENTS, prepare=configured) as found:
        yield found


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def ask(running: Running, token: str = AGENT, **request: Any) -> dict[str, Any]:
    body = {"action": "write", "resource": "src/a", "session": "s", **request}
    value: dict[str, Any] = running.call("POST", "/v1/decide", body, **bearer(token))[1]
    return value


def answer(running: Running, person: str, ticket: str, verdict: str = "approve", reason: str = "ok") -> tuple[int, Any]:
    body = {"ticket": ticket, "verdict": verdict, "reason": reason}
    return running.call("POST", "/v1/approvals/vote", body, **bearer(TOKENS[person]))


def test_a_person_says_yes_and_it_runs_once(running: Running) -> None:
    asked = ask(running)
    assert asked["effect"] == "ask" and asked["ticket"]["left"] == {"review": 1}
    number = asked["ticket"]["id"]
    assert ask(running, ticket=number)["effect"] == "deny"  # nobody has answered
    assert answer(running, "mia", number)[1]["state"] == "approved"
    done = ask(running, ticket=number)
    assert done["effect"] == "allow" and done["ticket"]["state"] == "redeemed" and "mia" in done["reasons"][0]
    again = ask(running, ticket=number)
    assert again["effect"] == "deny" and "PLR235" in again["reasons"][0]
    running.stop()
    kinds = [r["kind"] for r in lines(running.folder / "log")]
    for kind in ("approval-asked", "approval-voting", "approval-voted", "approval-redeemed"):
        assert kinds.count(kind) == 1, kind
    redeemed = [r for r in lines(running.folder / "log") if r["kind"] == "decision" and r["effect"] == "allow"]
    assert redeemed[0]["ticket"]["id"] == number and redeemed[0]["request"]["ticket"] == number
    value = policy("replay", running.folder / "log", "--policy", running.policy, "--format", "json").json()
    assert not value["changed"].get("asked") and not value["changed"].get("denied")


@pytest.mark.parametrize(
    "change",
    [
        {"resource": "src/b"},
        {"session": "other"},
        {"cwd": "/x"},
        {"context": {}, "branch": "main"},
        {"action": "delete"},
    ],
)
def test_an_edited_request_never_matches(running: Running, change: dict[str, Any]) -> None:
    number = ask(running)["ticket"]["id"]
    answer(running, "mia", number)
    assert ask(running, **change, ticket=number)["effect"] == "deny"
    assert ask(running, ticket=number)["effect"] == "allow"


def test_a_link_that_leads_elsewhere_is_another_request(running: Running) -> None:
    work = running.folder / "work"
    (work / "src").mkdir(parents=True)
    (work / "src/harmless").touch()
    (work / "src/other").touch()
    (work / "src/link").symlink_to("harmless")
    place = {"resource": "src/link", "workspace": str(work), "cwd": str(work), "home": "/h"}
    number = ask(running, **place)["ticket"]["id"]
    shown = policy(
        "approvals", "show", number, "--socket", running.socket, "--token-file", running.folder / "mia.token"
    ).out
    assert "it does    write src/link" in shown
    answer(running, "mia", number)
    (work / "src/link").unlink()
    (work / "src/link").symlink_to("other")
    assert ask(running, **place)["effect"] == "ask"
    assert ask(running, **place, ticket=number)["effect"] == "deny"
    (work / "src/link").unlink()
    (work / "src/link").symlink_to("harmless")
    assert ask(running, **place, ticket=number)["effect"] == "allow"


def test_another_agent_and_another_policy_never_match(running: Running) -> None:
    number = ask(running)["ticket"]["id"]
    answer(running, "mia", number)
    assert ask(running, OTHER_AGENT, ticket=number)["effect"] == "deny"
    digest = running.call("GET", "/v1/policy", **bearer(AGENT))[1]["digest"]
    running.change(POLICY + 'allow read "docs/**"\n')
    end = time.monotonic() + 10
    while running.call("GET", "/v1/policy", **bearer(AGENT))[1]["digest"] == digest:
        assert time.monotonic() < end
        time.sleep(0.05)
    changed = ask(running, ticket=number)
    assert changed["effect"] == "deny" and "PLR234" in changed["reasons"][0]


def test_a_quorum_is_of_different_people_with_reasons(running: Running) -> None:
    number = ask(running, action="do", resource="deploy")["ticket"]["id"]
    assert answer(running, "mia", number)[0] == 403
    assert answer(running, "eva", number, reason="")[1]["error"]["code"] == "PLR233"
    assert answer(running, "eva", number)[1]["state"] == "pending"
    assert answer(running, "eva", number)[1]["error"]["code"] == "PLR232"
    assert answer(running, "ben", number)[1]["state"] == "approved"
    assert ask(running, action="do", resource="deploy", ticket=number)["effect"] == "allow"


def test_a_no_ends_it(running: Running) -> None:
    number = ask(running)["ticket"]["id"]
    assert answer(running, "ben", number, "reject", "not today")[1]["state"] == "rejected"
    assert answer(running, "mia", number)[0] == 409
    assert ask(running, ticket=number)["effect"] == "deny"
    seen = running.call("GET", f"/v1/approvals/{number}", **bearer(AGENT))[1]
    assert seen == {"id": number, "state": "rejected", "until": 0.0, "left": {"review": 1}}  # no names, no reasons


def test_nobody_approves_itself(running: Running) -> None:
    number = ask(running)["ticket"]["id"]
    body = {"ticket": number, "verdict": "approve", "reason": ""}
    for token in (AGENT, OTHER_AGENT, OPERATOR, "x" * 40, TOKENS["mia"][:-1]):
        status, reply = running.call("POST", "/v1/approvals/vote", body, **bearer(token))
        assert status == 403 and reply["error"]["code"] == "PLR230", token
    assert running.call("POST", "/v1/approvals/vote", body)[0] == 403  # this user is root, and no person
    assert running.call("GET", "/v1/approvals", **bearer(AGENT))[0] == 403
    assert running.call("GET", f"/v1/approvals/{number}", **bearer(OTHER_AGENT))[0] == 404
    assert ask(running, TOKENS["mia"])["effect"] == "deny"  # a person is not an agent
    assert ask(running, ticket=number)["effect"] == "deny"
    running.stop()
    refused = [r["code"] for r in lines(running.folder / "log") if r["kind"] == "refused"]
    assert refused.count("PLR230") >= 6


def test_of_many_redeems_at_once_one_is_allowed(running: Running) -> None:
    number = ask(running)["ticket"]["id"]
    answer(running, "mia", number)
    effects: list[str] = []
    threads = [threading.Thread(target=lambda: effects.append(ask(running, ticket=number)["effect"])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(effects) == ["allow", *["deny"] * 7]


def test_the_same_question_shares_a_ticket_and_there_are_not_too_many(running: Running) -> None:
    numbers = {ask(running)["ticket"]["id"] for _ in range(5)}
    assert len(numbers) == 1
    for n in range(19):
        assert ask(running, resource=f"src/{n}")["effect"] == "ask"
    full = ask(running, resource="src/more")
    assert full["effect"] == "deny" and "PLR236" in full["reasons"][0]
    assert ask(running)["effect"] == "ask"


def test_waiting_ends_with_the_answer(running: Running) -> None:
    number = ask(running)["ticket"]["id"]
    began = time.monotonic()
    assert running.call("GET", f"/v1/approvals/{number}?wait=1", **bearer(AGENT))[1]["state"] == "pending"
    assert 0.8 < time.monotonic() - began < 3
    got: list[Any] = []
    waiter = threading.Thread(target=lambda: got.append(running.call("GET", f"/v1/approvals/{number}?wait=30", **bearer(AGENT))))  # fmt: skip
    waiter.start()
    time.sleep(0.3)
    answer(running, "mia", number)
    waiter.join(5)
    assert got[0][1]["state"] == "approved"
    assert running.call("GET", "/v1/approvals/none?wait=9", **bearer(AGENT))[0] == 404


def test_an_approval_can_be_taken_back(running: Running) -> None:
    for token in (TOKENS["ben"], OPERATOR, AGENT):
        number = ask(running)["ticket"]["id"]
        answer(running, "mia", number)
        assert running.call("POST", "/v1/approvals/revoke", {"ticket": number}, **bearer(OTHER_AGENT))[0] in {400, 403}
        assert (
            running.call("POST", "/v1/approvals/revoke", {"ticket": number}, **bearer(token))[1]["state"] == "revoked"
        )
        assert ask(running, ticket=number)["effect"] == "deny"


def kept(folder: Path) -> tuple[str, ...]:
    """The arguments of a service whose state and log outlive it."""
    (folder / "state").mkdir(mode=0o700)
    return ("--config", "{folder}/serve.toml", "--state", str(folder / "state"), "--log", str(folder / "log"))


def test_what_people_said_outlives_the_service(tmp_path: Path) -> None:
    arguments = kept(tmp_path)
    with service(POLICY, *arguments, prepare=configured) as running:
        number = ask(running)["ticket"]["id"]
        answer(running, "mia", number)
        running.process.send_signal(signal.SIGKILL)
        running.process.wait(5)
    with service(POLICY, *arguments, prepare=configured) as again:
        assert ask(again, ticket=number)["effect"] == "allow"


OLDER = {
    "store and counter": "the decision log counts 3 changes, and it has 2",
    "log cut": "`head` is gone",
    "log gone": "the decision log has no count",
    "log's files gone": "the log's files are gone",
}


@pytest.mark.parametrize("attack", OLDER)
def test_an_older_store_is_noticed_by_the_log_when_its_counter_is_older_too(tmp_path: Path, attack: str) -> None:
    arguments = kept(tmp_path)
    log, state = tmp_path / "log", tmp_path / "state"
    with service(POLICY, *arguments, prepare=configured) as running:
        number = ask(running)["ticket"]["id"]
        answer(running, "mia", number)
        running.stop()
    old = {path: path.read_bytes() for path in (*state.iterdir(), log / "00000001.jsonl") if path.is_file()}
    with service(POLICY, *arguments, prepare=configured) as running:
        assert ask(running, ticket=number)["effect"] == "allow"
        running.stop()
    for path, data in old.items():
        if path.name.startswith("approvals") or attack == "log cut":
            path.write_bytes(data)
    if attack == "log cut":
        (log / "head").unlink()
    elif attack == "log gone":
        shutil.rmtree(log)
    elif attack == "log's files gone":
        (log / "00000001.jsonl").unlink()
    with service(POLICY, *arguments, prepare=configured) as again:
        assert ask(again, ticket=number)["effect"] == "deny"
        notices = again.call("GET", "/v1/state", **bearer(OPERATOR))[1]["notices"]
        assert OLDER[attack] in notices[0]
        assert ("records of the decision log were lost" in " ".join(notices)) == (
            attack in {"log cut", "log's files gone"}
        )
        number = ask(again)["ticket"]["id"]  # and it goes on from there
        answer(again, "mia", number)
        again.stop()
    with service(POLICY, *arguments, prepare=configured) as again:
        assert ask(again, ticket=number)["effect"] == "allow"
        notices = again.call("GET", "/v1/state", **bearer(OPERATOR))[1]["notices"]
        assert not [n for n in notices if "rolled back" in n or "decision log" in n]


def test_a_counter_that_is_gone_takes_back_what_is_open_and_operators_hear_of_it(running: Running) -> None:
    number = ask(running)["ticket"]["id"]
    answer(running, "mia", number)
    running.stop()
    store = running.folder / "approvals.db"

    def prepare(folder: Path) -> None:
        configured(folder)
        (folder / store.name).write_bytes(store.read_bytes())

    with service(POLICY, *ARGUMENTS, prepare=prepare) as again:
        assert ask(again, ticket=number)["effect"] == "deny"
        notice, _shared = again.call("GET", "/v1/state", **bearer(OPERATOR))[1]["notices"]
        assert "rolled back" in notice and "approvals.db.mark` is gone" in notice and "(1)" in notice
        assert "policy_store_rolled_back 1" in again.call("GET", "/metrics", **bearer(OPERATOR))[1]
        assert ask(again)["effect"] == "ask"  # people are asked anew, and that is how it goes on
        again.stop()
        (record,) = [r for r in lines(again.folder / "log") if r["kind"] == "approvals-rolled-back"]
        assert record["revoked"] == 1 and "is gone" in record["why"]
        assert [e["why"] for e in again.log() if e["event"] == "approvals-rolled-back"] == [record["why"]]


def test_without_a_store_nothing_is_asked(running: Running) -> None:
    number = ask(running)["ticket"]["id"]
    answer(running, "mia", number)
    (running.folder / "approvals.db").unlink()
    (running.folder / "approvals.db").mkdir()
    # the open file still answers; a service that starts anew does not
    running.stop()
    done = policy("serve", "--policy", running.policy, "--socket", running.folder / "t", "--config", running.folder / "serve.toml", "--state", running.folder)  # fmt: skip
    assert done.code == 2 and "approvals.db" in done.err


def test_a_store_that_is_held_denies_and_recovers(running: Running) -> None:
    number = ask(running)["ticket"]["id"]
    answer(running, "mia", number)
    with contextlib.closing(sqlite3.connect(running.folder / "approvals.db", isolation_level=None)) as other:
        other.execute("begin immediate")
        for request in ({}, {"ticket": number}, {"resource": "src/b"}):
            held = ask(running, **request)
            assert held["effect"] == "deny" and "PLR237" in held["reasons"][0]
        assert answer(running, "mia", number)[0] == 503
        assert ask(running, action="read")["effect"] == "allow"  # what nobody is asked about goes on
        other.execute("rollback")
    assert ask(running, ticket=number)["effect"] == "allow"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (f'[[person]]\nname = "x"\ntoken-sha256 = "{token_digest(AGENT)}"\n', "is also an agent"),
        (f'[[person]]\nname = "x"\ntoken-sha256 = "{token_digest(OPERATOR)}"\n', "also the operators'"),
        (f'[[person]]\nname = "x"\ntoken-sha256 = "{token_digest(TOKENS["mia"])}"\n', "one person counts once"),
        ('[[person]]\nname = "mia"\nuid = 4711\n', "one person counts once"),
        ('[[person]]\nname = "Mia "\nuid = 4711\n', "should match pattern"),
        ('[[person]]\nname = "m\u0456a"\nuid = 4711\n', "should match pattern"),
        ('[[person]]\nname = "x"\n', "how the person is known"),
        (f'[[principal]]\nuid = {os.geteuid()}\nagents = ["z"]\n[[person]]\nname = "x"\nuid = {os.geteuid()}\n', "is also an agent"),
    ],
)  # fmt: skip
def test_a_person_is_one_and_no_agent(tmp_path: Path, more: str, message: str) -> None:
    configured(tmp_path, more)
    (tmp_path / "p.policy").write_text(POLICY)
    done = policy("serve", "--policy", tmp_path / "p.policy", "--socket", tmp_path / "s", "--config", tmp_path / "serve.toml", "--state", tmp_path)  # fmt: skip
    assert done.code == 2 and message in done.err, done.err


def test_an_old_token_is_worth_nothing() -> None:
    def prepare(folder: Path) -> None:
        old = f'[[person]]\nname = "old"\ngroups = ["@team"]\ntoken-sha256 = "{token_digest("z" * 40)}"\ntoken-until = 2020-01-01\n'
        configured(folder, old)

    with service(POLICY, *ARGUMENTS, prepare=prepare) as running:
        number = ask(running)["ticket"]["id"]
        body = {"ticket": number, "verdict": "approve"}
        assert running.call("POST", "/v1/approvals/vote", body, **bearer("z" * 40))[0] == 403


def test_the_commands(running: Running) -> None:
    place = ("--socket", running.socket, "--token-file", running.folder / "mia.token")
    assert policy("approvals", "list", *place).code == 1
    number = ask(running, resource="src/\u202egnp.x", cwd="/work", workspace="/work", home="/h", lexical=True)[
        "ticket"
    ]["id"]
    shown = policy("approvals", "list", *place)
    assert shown.code == 0 and number in shown.out and "needs 1 of review" in shown.out
    whole = policy("approvals", "show", number, *place).out
    assert "src/\\u202egnp.x" in whole and "/work" in whole and "1 of @team" in whole and "\u202e" not in whole
    assert "approved" in policy("approvals", "approve", number, "--reason", "fine", *place).out
    assert policy("approvals", "reject", number, *place).code == 1
    assert policy("approvals", "revoke", number, *place).out == f"revoked: {number}\n"
    assert "revoked" in policy("approvals", "list", *place).out
    assert (
        json.loads(policy("approvals", "list", "--format", "json", *place).out)["latest"][0]["votes"][0]["reason"]
        == "fine"
    )
    assert policy("approvals", "list", "--socket", running.socket).code == 1
    made = policy("approvals", "token")
    assert token_digest(made.out.strip()) in made.err


def test_an_agent_behind_a_hook_tries_again() -> None:
    def prepare(folder: Path) -> None:
        configured(folder, f'[[principal]]\nuid = {os.geteuid()}\nagents = ["local"]\n')
        (folder / "ws/src").mkdir(parents=True)
        (folder / "ws/src/a").touch()

    with service(POLICY, *ARGUMENTS, prepare=prepare) as running:
        ws = running.folder / "ws"
        payload = {
            "session_id": "s", "tool_use_id": "t1", "tool_name": "Write", "cwd": str(ws), "hook_event_name": "PreToolUse",
            "tool_input": {"file_path": str(ws / "src/a"), "content": "y"},
        }  # fmt: skip
        first = hook("claude", payload, "--socket", running.socket, cwd=ws)
        assert first.verdict == "deny" and "people are asked (ticket " in first.err
        number = re.findall(r"ticket ([0-9a-f]{16})", first.err)[0]
        answer(running, "mia", number)
        again = {**payload, "tool_use_id": "t2"}
        assert hook("claude", again, "--socket", running.socket, cwd=ws).verdict == "allow"
        assert hook("claude", again, "--socket", running.socket, cwd=ws).verdict == "deny"
        assert "approved" in policy("log", "story", running.folder / "log", "s").out


def test_people_are_told() -> None:
    def prepare(folder: Path) -> None:
        script = f"cat > {folder}/told.part && mv {folder}/told.part {folder}/told; env > {folder}/env; exit 3"
        configured(folder, f'[notify]\ncommand = ["/bin/sh", "-c", "{script}"]\n')

    with service(POLICY, *ARGUMENTS, prepare=prepare) as running:
        number = ask(running)["ticket"]["id"]
        end = time.monotonic() + 10
        while not (running.folder / "env").exists():
            assert time.monotonic() < end
            time.sleep(0.05)
        told = json.loads((running.folder / "told").read_text())
        assert told["id"] == number and told["request"]["resource"] == "src/a" and told["left"] == {"review": 1}
        assert "TOKEN" not in (running.folder / "env").read_text() and AGENT not in json.dumps(told)
        ask(running)  # the same ticket: nobody is told twice
        time.sleep(0.3)
        assert running.stop() == 0
        assert [e["why"] for e in running.log() if e["event"] == "notify-failed"] == ["it ended with 3"]


def test_a_teller_that_hangs_holds_nothing_up() -> None:
    def prepare(folder: Path) -> None:
        configured(folder, '[notify]\ncommand = ["/bin/sleep", "600"]\n')

    with service(POLICY, *ARGUMENTS, prepare=prepare) as running:
        began = time.monotonic()
        for n in range(12):
            assert ask(running, resource=f"src/{n}")["effect"] == "ask"
        assert time.monotonic() - began < 5
        assert running.stop() == 0


def test_a_teller_is_a_program_by_its_whole_path(tmp_path: Path) -> None:
    configured(tmp_path, '[notify]\ncommand = ["notify-send"]\n')
    (tmp_path / "p.policy").write_text(POLICY)
    done = policy("serve", "--policy", tmp_path / "p.policy", "--socket", tmp_path / "s", "--config", tmp_path / "serve.toml", "--state", tmp_path)  # fmt: skip
    assert done.code == 2 and "whole path" in done.err
