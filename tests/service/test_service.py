"""The service as a caller sees it: routes, principals, sessions, freezing, reloading."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import signal
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from policy_lang.daemon.identity.principals import Binding, Principals
from policy_lang.facts.owners import ANYBODY, writers
from tests.console.support import policy as command

from .support import POLICY, Running, service

TOKEN, OTHER = "t" * 40, "u" * 40


@pytest.fixture(scope="module")
def one() -> Iterator[Running]:
    with service() as running:
        yield running


def test_a_decision(one: Running) -> None:
    status, reply = one.call("POST", "/v1/decide", {"id": "7", "action": "read", "resource": "src/a", "agent": "a"})
    assert status == 200
    assert (reply["id"], reply["effect"], reply["rules"][0]["line"]) == ("7", "allow", 3)
    assert reply["policy_digest"].startswith("sha256:")
    assert len(reply["decision_id"]) == 32
    status, reply = one.call("POST", "/v1/decide", {"action": "write", "resource": "src/a"})
    assert (reply["effect"], reply["tiers"]) == ("ask", ["review"])
    assert one.decide(action="run", resource=["git", "status"]) == "allow"
    assert one.decide(action="run", resource="git status; rm x") == "deny"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"action": "raed", "resource": "x"}, 400, "PLR106"), ({"action": "read"}, 400, "PLR105"), ("{", 400, "PLR103"),
        ({"action": "read", "resource": "x", "now": 1}, 400, "PLR104"), ("[]", 400, "PLR103"), (b"\xff", 400, "PLR102"),
        ('{"action":"read","action":"write","resource":"x"}', 400, "PLR104"), ('{"a":NaN}', 400, "PLR103"),
        ({"action": "read", "resource": "x", "agent": "b"}, 403, "PLR202"), ("", 400, "PLR103"),
        ('{"action":"read","resource":"\\ud800"}', 400, "PLR102"), ("[" * 100_000, 400, "PLR101"),
    ],
)  # fmt: skip
def test_a_bad_request_is_refused_and_says_deny(one: Running, body: object, status: int, code: str) -> None:
    found, reply = one.call("POST", "/v1/decide", body)
    assert (reply["error"]["code"], reply["effect"]) == (code, "deny")
    assert found == (413 if code == "PLR101" else status)


def test_a_batch_answers_each_by_itself(one: Running) -> None:
    requests = [
        {"action": "read", "resource": "src/a", "id": "1"}, {"action": "raed", "resource": "x"},
        {"action": "read", "resource": "src/secret"}, {"action": "read", "resource": "x", "agent": "other"},
    ]  # fmt: skip
    status, reply = one.call("POST", "/v1/decide/batch", {"requests": requests})
    assert status == 200
    assert [d["effect"] for d in reply["decisions"]] == ["allow", "deny", "deny", "deny"]
    assert [d.get("error", {}).get("code") for d in reply["decisions"]] == [None, "PLR106", None, "PLR202"]
    for count, status in ((100, 200), (101, 400)):
        found, reply = one.call("POST", "/v1/decide/batch", {"requests": [requests[0]] * count})
        assert found == status, reply
    assert one.call("POST", "/v1/decide/batch", {"requests": []})[0] == 400
    assert one.call("POST", "/v1/decide/batch", {"requests": [], "more": 1})[0] == 400


def test_an_explanation(one: Running) -> None:
    status, reply = one.call("POST", "/v1/explain", {"action": "read", "resource": "src/secret"})
    assert status == 200
    assert [c["why"] for c in reply["candidates"]] == ["its `except` matches"]


def test_what_is_known(one: Running) -> None:
    status, reply = one.call("GET", "/v1/policy")
    assert (status, reply["name"], reply["ready"], reply["error"]) == (200, "p", True, None)
    assert one.call("GET", "/healthz") == (200, {"status": "ok"})
    assert one.call("GET", "/readyz") == (200, {"status": "ready"})
    text = one.call("GET", "/metrics")[1]
    assert 'policy_decisions_total{effect="allow"}' in text
    assert "policy_connections 1" in text
    document = one.call("GET", "/openapi.json")[1]
    assert document["openapi"] == "3.1.0"
    assert set(document["paths"]) >= {"/v1/decide", "/access/v1/evaluations", "/metrics"}


def test_unknown_ways(one: Running) -> None:
    assert one.call("GET", "/v1/none")[0] == 404
    status, reply = one.call("GET", "/v1/decide")
    assert (status, reply["effect"]) == (405, "deny")
    assert one.call("POST", "/v1/decide/", {})[0] == 404
    assert one.call("DELETE", "/v1/decide")[0] == 405


def test_the_command_line_example(one: Running) -> None:
    import shutil
    import subprocess

    if shutil.which("curl") is None:
        pytest.skip("no curl on this machine")
    done = subprocess.run(
        ["curl", "-s", "--unix-socket", one.socket, "http://localhost/v1/decide", "--data", '{"action": "read", "resource": "src/a"}'],
        capture_output=True, check=True, timeout=10,
    )  # fmt: skip
    assert json.loads(done.stdout)["effect"] == "allow"


# AuthZEN


def ask(subject: str, action: str, kind: str, name: str, **more: object) -> dict[str, object]:
    return {
        "subject": {"type": "agent", "id": subject},
        "action": {"name": action},
        "resource": {"type": kind, "id": name},
        **more,
    }


def test_an_evaluation(one: Running) -> None:
    status, reply = one.call("POST", "/access/v1/evaluation", ask("a", "read", "file", "src/a"), X_Request_ID="abc")
    assert (status, reply["decision"], reply["context"]["effect"]) == (200, True, "allow")
    for body, effect in (
        (ask("a", "read", "file", "src/secret"), "deny"), (ask("a", "write", "path", "src/a"), "ask"),
        (ask("a", "read", "host", "src/a"), "deny"), (ask("a", "can_read", "todo", "1"), "allow"),
        (ask("a", "can_write", "todo", "1"), "deny"), (ask("a", "can.read", "todo", "1"), "deny"),
        (ask("a", "read", "file", "src/a", context={"time": "x"}), "deny"),
        ({**ask("a", "read", "file", "src/a"), "resource": {"type": "file", "id": "src/a", "properties": {"metod": "x"}}}, "deny"),
    ):  # fmt: skip
        status, reply = one.call("POST", "/access/v1/evaluation", body)
        assert status == 200
        assert reply["decision"] is (effect == "allow")
        assert reply["context"]["effect"] == effect
    for broken in ({}, {"subject": {"type": "agent"}}, [], {**ask("a", "read", "file", "x"), "action": "read"}):
        status, reply = one.call("POST", "/access/v1/evaluation", broken)
        assert (status, reply["effect"]) == (400, "deny")
    assert one.call("POST", "/access/v1/evaluation", ask("b", "read", "file", "src/a"))[0] == 403
    user = {**ask("a", "read", "file", "src/a"), "subject": {"type": "user", "id": "a"}}
    assert one.call("POST", "/access/v1/evaluation", user)[0] == 403


def test_a_search_for_actions(one: Running) -> None:
    def found(kind: str, name: str, subject: str = "a") -> tuple[int, list[str]]:
        body = {"subject": {"type": "agent", "id": subject}, "resource": {"type": kind, "id": name}}
        status, reply = one.call("POST", "/access/v1/search/action", body)
        return status, [r["name"] for r in reply.get("results", [])]

    assert found("file", "src/a") == (200, ["read"])
    assert found("file", "src/secret") == found("todo", "1") == found("command", "rm -rf /") == (200, [])
    assert found("file", "src/a", "b")[0] == 403
    assert "search_action_endpoint" in one.call("GET", "/.well-known/authzen-configuration")[1]


def test_the_request_id_comes_back(one: Running) -> None:
    data = json.dumps(ask("a", "read", "file", "src/a")).encode()
    head = f"POST /access/v1/evaluation HTTP/1.1\r\nhost: x\r\nx-request-id: bfe9-e\r\nconnection: close\r\ncontent-length: {len(data)}\r\n\r\n"
    assert b"x-request-id: bfe9-e\r\n" in one.raw(head.encode() + data)


def test_evaluations(one: Running) -> None:
    files = [{"resource": {"type": "file", "id": name}} for name in ("src/a", "src/secret", "src/b")]
    base = {"subject": {"type": "agent", "id": "a"}, "action": {"name": "read"}, "evaluations": files}
    for semantic, expected in (
        (None, [True, False, True]), ("execute_all", [True, False, True]), ("deny_on_first_deny", [True, False]),
        ("permit_on_first_permit", [True]),
    ):  # fmt: skip
        options = {} if semantic is None else {"options": {"evaluations_semantic": semantic}}
        status, reply = one.call("POST", "/access/v1/evaluations", {**base, **options})
        assert status == 200
        assert [e["decision"] for e in reply["evaluations"]] == expected
    single = one.call("POST", "/access/v1/evaluations", ask("a", "read", "file", "src/a"))[1]
    assert single["decision"] is True
    assert one.call("POST", "/access/v1/evaluations", {**base, "subject": None})[0] == 400
    assert one.call("POST", "/access/v1/evaluations", {**base, "options": {"evaluations_semantic": "any"}})[0] == 400
    assert "access_evaluation_endpoint" in one.call("GET", "/.well-known/authzen-configuration")[1]


# principals


def configured(folder: Path) -> None:
    for name, token in (("agent.token", TOKEN), ("operator.token", OTHER)):
        (folder / name).write_text(token + "\n")
        (folder / name).chmod(0o600)
    (folder / "serve.toml").write_text(f"""
[[principal]]
uid = {os.geteuid()}
agents = ["a", "b"]
repo = "acme/web"
context = {{ env = "dev" }}

[[principal]]
token-file = "agent.token"
agents = ["c"]

[operators]
token-file = "operator.token"

[approvals]
same-user = true
""")
    (folder / "serve.toml").chmod(0o600)


CONFIGURED = """policy "p"
context { env: "dev" | "prod" }
freeze when 3 denials within 1m
agent "a" { allow read "src/**" when env == "dev"  repo "acme/web" { allow read "docs/**" } }
agent "c" { allow write "src/**" }
"""


@pytest.fixture(scope="module")
def many() -> Iterator[Running]:
    with service(CONFIGURED, "--config", "{folder}/serve.toml", "--state", "{folder}", prepare=configured) as running:
        yield running


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_who_asks_is_told_by_the_channel(many: Running) -> None:
    read = {"action": "read", "resource": "src/x"}
    assert many.call("POST", "/v1/decide", read)[1]["error"]["code"] == "PLR202"  # it may be two: which?
    assert many.call("POST", "/v1/decide", {**read, "agent": "a"})[1]["effect"] == "allow"
    assert many.call("POST", "/v1/decide", {**read, "resource": "docs/x", "agent": "a"})[1]["effect"] == "allow"
    assert many.call("POST", "/v1/decide", {**read, "agent": "c"})[0] == 403
    write = {"action": "write", "resource": "src/x"}
    assert many.call("POST", "/v1/decide", write, **bearer(TOKEN))[1]["effect"] == "allow"
    assert many.call("POST", "/v1/decide", {**write, "agent": "a"}, **bearer(TOKEN))[0] == 403
    for wrong in ("x" * 40, TOKEN[:-1], OTHER):
        assert many.call("POST", "/v1/decide", {**read, "agent": "a"}, **bearer(wrong))[1]["error"]["code"] == "PLR201"
    assert many.call("POST", "/v1/decide", {**read, "agent": "a"}, Authorization="Basic eDp5")[0] == 403
    for name, value in (("repo", "acme/other"), ("context", {"env": "prod"})):
        status, reply = many.call("POST", "/v1/decide", {**read, "agent": "a", name: value})
        assert (status, reply["error"]["code"]) == (403, "PLR203")


def test_only_operators_steer(many: Running) -> None:
    for path, body in (
        ("/v1/freeze", {"agent": "b"}), ("/v1/lift", {"agent": "b"}), ("/v1/sessions/start", {"agent": "b"}),
        ("/v1/sessions/end", {"session": "x"}), ("/v1/policy/reload", None), ("/v1/escalations/settle", {"escalation": "x"}),
    ):  # fmt: skip
        assert many.call("POST", path, body)[1]["error"]["code"] == "PLR206", path
        assert many.call("POST", path, body, **bearer(TOKEN))[1]["error"]["code"] == "PLR206", path
    assert many.call("GET", "/v1/state")[0] == 403
    assert many.call("GET", "/v1/state", **bearer(OTHER))[0] == 200


def test_freezing_and_lifting(many: Running) -> None:
    read = {"action": "read", "resource": "src/x", "agent": "a"}
    status, reply = many.call("POST", "/v1/freeze", {"agent": "a", "reason": "looks odd"}, **bearer(OTHER))
    assert (status, reply["by"]) == (200, "a token")
    status, reply = many.call("POST", "/v1/decide", read)
    assert reply["effect"] == "deny"
    assert "frozen by a token: looks odd" in reply["reasons"][0]
    assert [f["agent"] for f in many.call("GET", "/v1/state", **bearer(OTHER))[1]["frozen"]] == ["a"]
    kept = json.loads((many.folder / "frozen.json").read_text())
    assert [f["name"] for f in kept["frozen"]] == ["a"]
    assert stat.S_IMODE((many.folder / "frozen.json").stat().st_mode) == 0o600
    assert many.call("POST", "/v1/lift", {"agent": "a"}, **bearer(OTHER))[0] == 200
    assert many.call("POST", "/v1/decide", read)[1]["effect"] == "allow"
    assert many.call("POST", "/v1/lift", {"agent": "a"}, **bearer(OTHER))[0] == 404
    for wrong in ({}, {"agent": "a", "session": "s"}, {"agent": "a", "why": "x"}):
        assert many.call("POST", "/v1/freeze", wrong, **bearer(OTHER))[0] == 400


def test_a_rule_freezes_and_a_new_session_name_does_not_help(many: Running) -> None:
    read = {"action": "read", "resource": "nowhere", "agent": "b"}
    for number in range(3):
        assert "no rule" in many.call("POST", "/v1/decide", {**read, "session": f"s{number}"})[1]["reasons"][0]
    reply = many.call("POST", "/v1/decide", {**read, "session": "s9"})[1]
    assert "frozen by a rule of the policy: 3 denials within 60 s" in reply["reasons"][0]
    assert (
        many.call("POST", "/v1/decide", {"action": "read", "resource": "src/x", "agent": "a"})[1]["effect"] == "allow"
    )
    many.call("POST", "/v1/lift", {"agent": "b"}, **bearer(OTHER))
    assert "no rule" in many.call("POST", "/v1/decide", read)[1]["reasons"][0]  # the count begins anew


def test_a_session_has_a_token_of_its_own(many: Running) -> None:
    body = {"agent": "a", "session": "nightly", "repo": "acme/web", "context": {"env": "dev"}}
    status, reply = many.call("POST", "/v1/sessions/start", body, **bearer(OTHER))
    assert status == 201
    token = reply["token"]
    assert many.call("POST", "/v1/sessions/start", body, **bearer(OTHER))[0] == 404  # the name is taken
    read = {"action": "read", "resource": "docs/x"}
    assert many.call("POST", "/v1/decide", read, **bearer(token))[1]["effect"] == "allow"
    assert many.call("POST", "/v1/decide", {**read, "session": "other"}, **bearer(token))[0] == 403
    for _ in range(3):
        many.call("POST", "/v1/decide", {"action": "read", "resource": "nowhere"}, **bearer(token))
    assert "the session is frozen" in many.call("POST", "/v1/decide", read, **bearer(token))[1]["reasons"][0]
    assert many.call("POST", "/v1/decide", {**read, "agent": "a"})[1]["effect"] == "allow"  # the agent itself is not
    session = next(s for s in many.call("GET", "/v1/state", **bearer(OTHER))[1]["sessions"])
    assert session["decisions"] == {"allow": 1, "ask": 0, "deny": 4}
    assert "token" not in session
    assert many.call("POST", "/v1/sessions/end", {"session": "nightly"}, **bearer(token))[0] == 200
    assert many.call("POST", "/v1/decide", read, **bearer(token))[1]["error"]["code"] == "PLR201"


def test_an_escalation_is_listed(many: Running) -> None:
    status, reply = many.call("POST", "/v1/escalations", {"agent": "a", "question": "may I use \u202e the key?"})
    assert status == 201
    listed = many.call("GET", "/v1/state", **bearer(OTHER))[1]["escalations"]
    assert [(e["agent"], e["question"]) for e in listed] == [("a", "may I use \u202e the key?")]
    assert many.call("POST", "/v1/escalations/settle", reply, **bearer(OTHER))[0] == 200
    for size, expected in ((2000, 201), (2001, 400)):
        assert many.call("POST", "/v1/escalations", {"agent": "a", "question": "x" * size})[0] == expected
    for _ in range(15):
        assert many.call("POST", "/v1/escalations", {"agent": "a", "question": "again"})[0] == 201
    assert many.call("POST", "/v1/escalations", {"agent": "a", "question": "again"})[0] == 429
    assert many.call("POST", "/v1/escalations", {"agent": "b", "question": "mine"})[0] == 201


def test_what_is_frozen_outlives_the_service() -> None:
    frozen = '{"frozen":[{"kind":"agent","name":"a","why":"w","by":"user 0","since":1.0}]}'

    def prepare(folder: Path) -> None:
        (folder / "frozen.json").write_text(frozen)
        (folder / "frozen.json").chmod(0o600)

    with service(POLICY, "--agent", "a", "--state", "{folder}", prepare=prepare) as running:
        assert running.decide(action="read", resource="src/a") == "deny"


# reloading


def test_a_change_is_loaded_and_a_broken_one_is_not() -> None:
    with service() as running:
        first = running.wait_for()["digest"]
        running.change(POLICY.replace("src/secret", "src/other"))
        second = running.wait_for(digest_is_not=first)["digest"]
        assert running.decide(action="read", resource="src/secret") == "allow"
        running.change("allow raed")
        end = time.monotonic() + 10
        while not (state := running.call("GET", "/v1/policy")[1])["error"]:
            assert time.monotonic() < end
            time.sleep(0.05)
        assert state["digest"] == second
        assert "PLE201" in state["error"]
        assert running.decide(action="read", resource="src/secret") == "allow"
        text = running.call("GET", "/metrics")[1]
        assert 'policy_loads_total{result="bad"} 1' in text
        assert "policy_policy_stale 1" in text
        running.policy.unlink()
        time.sleep(0.6)
        assert running.call("GET", "/v1/policy")[1]["digest"] == second
        running.change(POLICY)
        running.wait_for(digest=first, error=None)
        assert running.stop() == 0
        events = [e["event"] for e in running.log()]
        assert events[:2] == ["policy-loaded", "serving"]
        assert "policy-refused" in events
        assert events[-1] == "stopped"
        assert not os.path.exists(running.socket)


def test_imports_are_watched_and_sighup_reads_again() -> None:
    def prepare(folder: Path) -> None:
        (folder / "more.policy").write_text('policy "more"\nallow read "docs/**"\n')
        another, me = os.geteuid() + 1, pwd.getpwuid(os.geteuid()).pw_name
        text = f'[[principal]]\nuid = {another}\nagents = ["a"]\n[operators]\nusers = ["{me}"]\n'
        (folder / "serve.toml").write_text(text)

    with service('policy "p"\nimport "more.policy"\n', "--config", "{folder}/serve.toml", prepare=prepare) as running:
        before = running.wait_for()["digest"]
        (running.folder / "more.policy").write_text('policy "more"\nallow read "lib/**"\n')
        running.wait_for(digest_is_not=before)
        running.process.send_signal(signal.SIGHUP)
        end = time.monotonic() + 10
        while 'policy_loads_total{result="good"} 3' not in running.call("GET", "/metrics")[1]:
            assert time.monotonic() < end
            time.sleep(0.05)


def test_what_an_agent_could_have_changed_waits_for_a_person() -> None:
    """The agent runs as the files' owner, and checks out a branch with a weaker policy."""
    weak = POLICY.replace("src/secret", "src/other")
    with service(POLICY, "--agent", "a", "--log", "{folder}/log") as running:
        first = running.wait_for()["digest"]
        running.policy.write_text(weak)
        end = time.monotonic() + 10
        while not (state := running.call("GET", "/v1/policy")[1])["held"]:
            assert time.monotonic() < end
            time.sleep(0.05)
        assert (state["digest"], state["error"]) == (first, None)
        assert f"kill -HUP {running.process.pid}" in state["held"]
        assert running.call("GET", "/v1/state")[0] == 403  # nor does it steer
        assert running.decide(action="read", resource="src/secret") == "deny"
        assert "policy_policy_stale 1" in running.call("GET", "/metrics")[1]
        running.policy.write_text(POLICY)
        running.wait_for(digest=first, held=None)
        running.policy.write_text(weak)
        running.process.send_signal(signal.SIGHUP)
        running.wait_for(digest_is_not=first, held=None)
        assert running.decide(action="read", resource="src/secret") == "allow"
        assert running.stop() == 0
        assert [e["in_force"] for e in running.log() if e["event"] == "policy-held"][:1] == [first]


def test_who_could_have_written_a_file(tmp_path: Path) -> None:
    folder, me = tmp_path / "a", os.geteuid()
    folder.mkdir()
    (folder / "file").write_text("")
    (tmp_path / "link").symlink_to("a/file")
    for name in (folder / "file", tmp_path / "link", folder / "gone"):
        assert writers(str(name)) - {0} == {me} - {0}
    folder.chmod(0o775)
    assert ANYBODY in writers(str(folder / "file")) and ANYBODY in writers(str(tmp_path / "link"))
    folder.chmod(0o1777)
    assert ANYBODY not in writers(str(folder / "file"))
    if me == 0:
        os.chown(folder, 12345, -1)
        assert writers(str(tmp_path / "link")) == {0, 12345}


@pytest.mark.parametrize(
    ("binding", "could"),
    [
        (Binding(("a",), uid=7), {7}),
        (Binding(("a",), uid=0), {0}),
        (Binding(("a",), gid=7), {7, 8}),
        (Binding(("a",), token="t"), {7, 8}),
    ],
)
def test_whom_agents_may_run_as(binding: Binding, could: set[int]) -> None:
    """Nobody knows whom those run as that a group or a token stands for."""
    assert {uid for uid in (0, 7, 8) if Principals((binding,), frozenset(), ()).agents(uid)} == could


def test_without_a_policy_everything_is_denied() -> None:
    with service("allow raed") as running:
        status, reply = running.call("POST", "/v1/decide", {"action": "read", "resource": "src/a"})
        assert (status, reply["effect"]) == (200, "deny")
        assert "no policy is in force" in reply["reasons"][0]
        assert running.call("GET", "/readyz")[0] == 503
        running.policy.write_text(POLICY)
        running.wait_for(ready=True)
        assert running.decide(action="read", resource="src/a") == "allow"


# starting


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "say who asks"), (("--agent", "a", "--config", "x"), "say who asks"), (("--agent", "a", "--tcp", "127.0.0.1:0"), "belong together"),
        (("--config", "/nowhere/serve.toml"), "cannot be opened"), (("--agent", "a", "--socket", "/nowhere/s"), "there is no folder"),
        (("--agent", "a", "--group", "no-such-group"), "no group"),
    ],
)  # fmt: skip
def test_it_does_not_start(arguments: tuple[str, ...], message: str, tmp_path: Path) -> None:
    (tmp_path / "p.policy").write_text(POLICY)
    given = arguments if "--socket" in arguments else ("--socket", str(tmp_path / "s"), *arguments)
    done = command("serve", "--policy", tmp_path / "p.policy", *given)
    assert done.code == 2
    assert message in done.err


def test_tcp_needs_the_token_and_no_web_page_may_ask(tmp_path: Path) -> None:
    import http.client
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def prepare(folder: Path) -> None:
        (folder / "token").write_text(TOKEN)
        (folder / "token").chmod(0o600)

    arguments = ("--agent", "a", "--tcp", f"127.0.0.1:{port}", "--token-file", "{folder}/token")
    with service(POLICY, *arguments, prepare=prepare):

        def status(**headers: str) -> int:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            with contextlib.closing(connection):
                connection.request("POST", "/v1/decide", '{"action":"read","resource":"src/a"}', headers)
                return connection.getresponse().status

        assert status(**bearer(TOKEN)) == 200
        assert status() == 403
        assert status(**bearer(OTHER)) == 403
        assert status(**bearer(TOKEN), Origin="http://evil.example") == 403
        assert status(**bearer(TOKEN), Host="evil.example") == 403
        assert status(**bearer(TOKEN), Host=f"localhost:{port}") == 200
