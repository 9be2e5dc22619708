"""Sessions behind walls: who may start one, what it changes, and that nothing else makes a request confined."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from policy_lang.daemon.console.suggest import suggested
from policy_lang.daemon.identity.principals import Binding, bind
from policy_lang.domain.record import replace
from policy_lang.domain.request import Request
from policy_lang.pep.channel import ChannelError
from policy_lang.pep.questions import RefusedError
from policy_lang.pep.sessions import end_session, policy_digest, start_session
from policy_lang.records.ocsf import ocsf_events
from policy_lang.records.questions import asked, question
from policy_lang.records.row import row
from policy_lang.records.suggesting.stops import finder
from policy_lang.report.approvals import facts
from policy_lang.report.records import render_record
from tests.console.support import policy as command
from tests.hooks.launcher import launcher
from tests.needs import extra

from .inside import AGENT, MIA, Inside
from .support import Running, service
from .test_service import OTHER, TOKEN, bearer, configured

POLICY = """policy "p"
context { env: "dev" | "prod" }
agent "a", "c" { when confined { allow run "pytest" }  allow read "src/**"  when not confined { allow do "publish" } }
"""
RUN = {"action": "run", "resource": "pytest"}


@pytest.fixture(scope="module")
def one() -> Iterator[Running]:
    with service(POLICY, "--config", "{folder}/serve.toml", "--log", "{folder}/log", prepare=configured) as running:
        yield running


def started(running: Running, confined: bool = True, **given: Any) -> tuple[str, str]:
    """The name and the token of a session of the agent `a`."""
    body = {"agent": "a", "confined": confined, **given}
    status, reply = running.call("POST", "/v1/sessions/start", body, **bearer(OTHER))
    assert (status, reply["confined"]) == (201, confined), reply
    return reply["session"], reply["token"]


def effect(running: Running, token: str, **request: Any) -> str:
    status, reply = running.call("POST", "/v1/decide", {**RUN, **request}, **bearer(token))
    return str(reply["effect"]) if status == 200 else str(reply["error"]["code"])


def test_only_the_session_decides_whether_a_request_is_confined(one: Running) -> None:
    (_, walled), (_, plain) = started(one), started(one, confined=False)
    assert (effect(one, walled), effect(one, plain)) == ("allow", "deny")
    publish = {"action": "do", "resource": "publish"}
    assert (effect(one, walled, **publish), effect(one, plain, **publish)) == ("deny", "allow")
    assert one.decide(**RUN, agent="a") == "deny"
    assert effect(one, TOKEN) == "deny"


def test_it_is_so_in_a_batch_an_explanation_and_over_authzen(one: Running) -> None:
    evaluation = {
        "subject": {"type": "agent", "id": "a"},
        "action": {"name": "run"},
        "resource": {"type": "command", "id": "pytest"},
    }
    for confined in (True, False):
        _, token = started(one, confined)
        wanted = "allow" if confined else "deny"
        for together in (True, False):
            body = {"requests": [RUN, RUN], "together": together, "advise": True}
            reply = one.call("POST", "/v1/decide/batch", body, **bearer(token))[1]
            assert {d["effect"] for d in reply["decisions"]} == {wanted}
        assert one.call("POST", "/v1/explain", RUN, **bearer(token))[1]["effect"] == wanted
        assert one.call("POST", "/access/v1/evaluation", evaluation, **bearer(token))[1]["decision"] is confined


@pytest.mark.parametrize(
    "field",
    [{"confined": True}, {"Confined": True}, {"confined ": True}, {"context": {"confined": True}}, {"origin": {"confined": "true"}}],
)  # fmt: skip
@pytest.mark.parametrize("token", [TOKEN, None])
def test_a_field_of_a_request_does_not_make_it_confined(one: Running, field: dict[str, Any], token: str | None) -> None:
    headers = {} if token is None else bearer(token)
    body = {**RUN, **({} if token else {"agent": "a"}), **field}
    for path, sent in (("/v1/decide", body), ("/v1/decide/batch", {"requests": [body]})):
        _, reply = one.call("POST", path, sent, **headers)
        assert reply.get("decisions", [reply])[0]["effect"] == "deny", reply


@pytest.mark.parametrize("where", ["context", "subject", "action", "resource", "evaluation"])
def test_nor_does_one_over_authzen(one: Running, where: str) -> None:
    body: dict[str, Any] = {
        "subject": {"type": "agent", "id": "a"}, "action": {"name": "run"}, "resource": {"type": "command", "id": "pytest"}, "context": {},
    }  # fmt: skip
    if where == "evaluation":
        body["confined"] = True
    elif where == "context":
        body["context"]["confined"] = True
    else:
        body[where]["properties"] = {"confined": True}
    assert one.call("POST", "/access/v1/evaluation", body)[1].get("decision") is not True


@pytest.mark.parametrize(
    "headers",
    [{"Confined": "true"}, {"X_Confined": "1"}, {"Authorization": "Confined true"}, {"Authorization": f"Bearer {TOKEN} confined"}],
)  # fmt: skip
def test_nor_does_a_header(one: Running, headers: dict[str, str]) -> None:
    assert one.call("POST", "/v1/decide", {**RUN, "agent": "a"}, **headers)[1]["effect"] == "deny"


def test_a_request_that_says_so_itself_is_set_right() -> None:
    """Whatever the request object holds, what is bound to the caller counts."""
    for said in (True, False):
        for bound in (True, False):
            request = replace(Request("run", "pytest", agent="a"), confined=said)
            assert bind(request, Binding(("a",), uid=1, confined=bound)).confined is bound


def test_agents_start_no_session(one: Running) -> None:
    _, walled = started(one)
    body = {"agent": "a", "confined": True}
    for headers in ({}, bearer(TOKEN), bearer(walled), bearer("x" * 40)):
        status, reply = one.call("POST", "/v1/sessions/start", body, **headers)
        assert (status, reply["error"]["code"]) == (403, "PLR206"), reply
        assert "token" not in reply
    for wrong in ("yes", 1, None, "true"):
        assert one.call("POST", "/v1/sessions/start", {**body, "confined": wrong}, **bearer(OTHER))[0] == 400


def test_no_configuration_confines(tmp_path: Path) -> None:
    """A channel that the launcher did not make is none: no principal of the configuration can be said to be behind walls."""
    configured(tmp_path)
    text = (tmp_path / "serve.toml").read_text()
    (tmp_path / "serve.toml").write_text(text.replace('agents = ["c"]', 'agents = ["c"]\nconfined = true'))
    (tmp_path / "p.policy").write_text(POLICY)
    done = command(
        "serve", "--policy", tmp_path / "p.policy", "--socket", tmp_path / "s", "--config", tmp_path / "serve.toml"
    )
    assert done.code == 2 and "confined" in done.err


def test_the_token_is_of_one_agent_and_one_session(one: Running) -> None:
    name, token = started(one, workspace="/w", home="/h", repo="acme/web", context={"env": "dev"})
    other, _ = started(one, confined=False)
    assert effect(one, token) == "allow"
    assert effect(one, token, agent="c") == "PLR202"
    for changed in (
        {"session": other},
        {"workspace": "/x"},
        {"home": "/x"},
        {"repo": "acme/x"},
        {"context": {"env": "prod"}},
    ):
        assert effect(one, token, **changed) == "PLR203"
    for wrong in (token[:-1], token + "0", token.upper(), name):
        assert effect(one, wrong) == "PLR201"
    assert effect(one, token, agent="a", session=name) == "allow"


def test_when_it_has_ended_the_token_is_worth_nothing(one: Running) -> None:
    name, token = started(one)
    assert effect(one, token) == "allow"
    assert one.call("POST", "/v1/sessions/end", {"session": name}, **bearer(TOKEN))[0] == 403
    assert one.call("POST", "/v1/sessions/end", {"session": name}, **bearer(token))[0] == 200  # the launcher's own way
    assert effect(one, token) == "PLR201"
    again, _ = started(one, confined=False, session=name)
    assert again == name and effect(one, token) == "PLR201"


def test_a_start_forgets_sessions_and_their_tokens() -> None:
    def kept(folder: Path) -> None:
        configured(folder)

    with service(POLICY, "--config", "{folder}/serve.toml", prepare=kept) as first:
        _, token = started(first, session="n")
        assert effect(first, token) == "allow"
        first.stop()
    with service(POLICY, "--config", "{folder}/serve.toml", prepare=kept) as second:
        assert effect(second, token) == "PLR201"
        started(second, confined=False, session="n")
        assert effect(second, token) == "PLR201"


def test_what_operators_see(one: Running) -> None:
    operator = ("--socket", one.socket, "--token-file", str(one.folder / "operator.token"))
    agent = ("--socket", one.socket, "--token-file", str(one.folder / "agent.token"))
    begun = command("session", "start", "a", "--name", "seen", "--confined", *operator)
    assert begun.err == "session seen of a, behind walls\n"
    assert effect(one, begun.out.strip()) == "allow"
    plain = command("session", "start", "a", "--name", "plain", *operator)
    assert plain.err == "session plain of a\n" and effect(one, plain.out.strip()) == "deny"
    refused = command("session", "start", "a", "--confined", *agent)
    assert (refused.code, "PLR206" in refused.err) == (1, True)
    shown = command("state", *operator).out
    assert "session  seen of a, behind walls, last" in shown and "session  plain of a, last" in shown
    rows = {s["session"]: s["confined"] for s in one.call("GET", "/v1/state", **bearer(OTHER))[1]["sessions"]}
    assert rows["seen"] is True and rows["plain"] is False


def test_records_and_replay_tell_the_two_apart(tmp_path: Path) -> None:
    with service(POLICY, "--config", "{folder}/serve.toml", "--log", "{folder}/log", prepare=configured) as running:
        for confined in (True, False):
            effect(running, started(running, confined)[1], action="read", resource="src/x")
            effect(running, started(running, confined)[1])
        running.stop()
        lines = [
            json.loads(line)
            for file in sorted((running.folder / "log").glob("*.jsonl*"))
            for line in file.read_text().splitlines()
        ]
        decisions = [r for r in lines if r["kind"] == "decision"]
        assert [r.get("confined", False) for r in decisions] == [True, True, False, False]
        assert all("confined" not in r["request"] for r in decisions)
        assert [r.get("confined") for r in lines if r["kind"] == "session-started"] == [True, True, None, None]
        assert [asked(r).confined for r in decisions] == [True, True, False, False]
        assert ["behind walls" in render_record(row(r)) for r in decisions] == [True, True, False, False]
        assert [e.get("unmapped", {}).get("confined") for e in ocsf_events(decisions)] == [True, True, None, None]
        with extra():
            from policy_lang.records.otel import attributes
        assert [attributes(row(r)).get("policy_lang.confined") for r in decisions] == [True, True, None, None]
        same = [{**r, "request": {**r["request"], "session": "s"}} for r in decisions]
        assert question(same[0]) != question(same[2])  # what was asked is the same, but for the walls
        found = finder(("deny",), None)([(json.dumps({**r, "effect": "deny"}).encode(), 1) for r in same])
        assert len(found.found) == 4  # and so they are not counted as one
        value = command("replay", running.folder / "log", "--policy", running.policy, "--format", "json").json()
        assert value["same"] == 4 and not any(value["changed"].values())


# the launcher's side


def test_a_launcher_begins_and_ends_its_session(one: Running) -> None:
    made = start_session(one.socket, OTHER, "a", "/w", "/h", "acme/web", confined=True)
    assert effect(one, made.token) == "allow"
    assert (
        effect(one, made.token, workspace="/x")
        == effect(one, made.token, home="/x")
        == effect(one, made.token, repo="x")
        == "PLR203"
    )
    in_force = one.call("GET", "/v1/policy")[1]["digest"]
    assert policy_digest(one.socket, made.token) == policy_digest(one.socket, OTHER) == in_force
    assert one.call("POST", "/v1/decide", RUN, **bearer(made.token))[1]["policy_digest"] == in_force
    end_session(one.socket, made)
    assert effect(one, made.token) == "PLR201"
    with pytest.raises(RefusedError, match=r"the service refused \(PLR206\)"):
        end_session(one.socket, made)
    with pytest.raises(RefusedError, match=r"the service refused \(PLR201\)"):
        policy_digest(one.socket, made.token)


def test_a_launcher_that_is_no_operators_is_refused(one: Running) -> None:
    for token in (TOKEN, "", "x" * 40):
        with pytest.raises(RefusedError, match=r"^the service refused \(PLR206\): only an operator may do this$"):
            start_session(one.socket, token, "a", "/w", "/h", confined=True)
    with pytest.raises(RefusedError, match="a session is one agent's"):
        start_session(one.socket, OTHER, "*", "/w", "/h", confined=True)


def test_a_policy_that_is_not_in_force_has_no_digest() -> None:
    none = service('policy "p"\nnonsense\n', "--config", "{folder}/serve.toml", prepare=configured)
    with none as running, pytest.raises(RefusedError, match="no policy in force"):
        policy_digest(running.socket, OTHER)


def test_a_service_that_is_not_there_or_not_the_services(one: Running, tmp_path: Path) -> None:
    with pytest.raises(ChannelError, match="cannot be reached"):
        start_session(str(tmp_path / "s"), OTHER, "a", "/w", "/h", confined=True)
    with launcher(tmp_path, lambda _: (201, {"session": "s", "token": "t", "agent": "a", "confined": True})) as other:
        with pytest.raises(ChannelError, match="which is not the service's"):
            start_session(str(tmp_path / "walls.sock"), OTHER, "a", "/w", "/h", confined=True, owner=54321)
        assert not other.calls  # nobody was shown the token
        assert (
            start_session(str(tmp_path / "walls.sock"), OTHER, "a", "/w", "/h", confined=True, owner=os.geteuid()).token
            == "t"
        )


GOOD = {"session": "s", "token": "t", "agent": "a", "confined": True}


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (201, {**GOOD, "confined": False}), (201, {**GOOD, "agent": "b"}), (201, {k: v for k, v in GOOD.items() if k != "confined"}),
        (201, {**GOOD, "token": ""}), (201, {**GOOD, "token": 7}), (201, {**GOOD, "session": None}), (201, [GOOD]), (201, b"{"), (201, b""),
        (500, GOOD), (302, GOOD), (403, {"error": "x"}), (403, {"error": {"code": "PLR206", "message": "no"}}),
    ],
)  # fmt: skip
def test_an_answer_that_is_another_starts_nothing(tmp_path: Path, status: int, answer: Any) -> None:
    with launcher(tmp_path, lambda _: (status, answer)), pytest.raises(RefusedError, match=r"^the service"):
        start_session(str(tmp_path / "walls.sock"), OTHER, "a", "/w", "/h", confined=True)


# approvals


@pytest.fixture
def inside(tmp_path: Path) -> Inside:
    return Inside(tmp_path)


def session(inside: Inside, confined: bool, name: str = "s") -> str:
    """The token of a session; one of the name is ended first."""
    inside.call("POST", "/v1/sessions/end", {"session": name}, 0)
    body = {"agent": "codex", "session": name, "confined": confined}
    status, reply = inside.call("POST", "/v1/sessions/start", body, 0)
    assert status == 201, reply
    return str(reply["token"])


@pytest.mark.parametrize("confined", [True, False])
@pytest.mark.parametrize("named", [True, False])
def test_an_approval_holds_on_its_side_of_the_walls_only(inside: Inside, confined: bool, named: bool) -> None:
    number = inside.ask(token=session(inside, confined))["ticket"]["id"]
    assert inside.vote(number, MIA)[1]["state"] == "approved"
    given = {"ticket": number} if named else {}
    answer = inside.ask(token=session(inside, not confined), **given)
    assert answer["effect"] == ("deny" if named else "ask")
    assert "PLR234" in answer["reasons"][0] if named else answer["ticket"]["id"] != number
    assert inside.state(number) == "approved"
    assert inside.ask(token=session(inside, confined), **given)["effect"] == "allow"


def test_an_unconfined_caller_of_the_same_agent_redeems_none(inside: Inside) -> None:
    """The agent's own user, and its own token, may name the session and the ticket, and get nothing by it."""
    number = inside.ask(token=session(inside, True))["ticket"]["id"]
    inside.vote(number, MIA)
    for token in ("", "a" * 40):
        assert inside.ask(AGENT, token, ticket=number)["effect"] == "deny"
        assert inside.ask(AGENT, token)["ticket"]["id"] != number
    assert inside.state(number) == "approved"


def test_a_no_behind_walls_is_none_outside(inside: Inside) -> None:
    number = inside.ask(token=session(inside, True))["ticket"]["id"]
    inside.vote(number, MIA, "reject", "no")
    assert inside.ask(token=session(inside, True))["effect"] == "deny"
    assert inside.ask(token=session(inside, False))["effect"] == "ask"


def test_people_are_shown_the_walls(inside: Inside) -> None:
    for confined in (True, False):
        number = inside.ask(token=session(inside, confined))["ticket"]["id"]
        view = inside.call("GET", f"/v1/approvals/{number}", uid=MIA)[1]
        assert any(name == "walls" and "behind walls" in value for name, value in facts(view)) is confined
        assert view["request"].get("confined", False) is confined


def test_a_rule_that_is_shown_for_it_says_confined(inside: Inside) -> None:
    assert inside.service.approvals is not None
    shown = []
    for confined in (True, False):
        number = inside.ask(token=session(inside, confined))["ticket"]["id"]
        ticket = inside.service.approvals.store.get(number)
        assert ticket is not None
        shown.append((suggested(ticket), ticket.question_id))
    assert "when confined" in shown[0][0] and shown[1][0] and "confined" not in shown[1][0]
    assert shown[0][1] != shown[1][1]  # yes to one is no evidence for the other


def test_what_is_done_together_is_bound_as_well(inside: Inside) -> None:
    requests = [{"action": "write", "resource": r, "session": "s"} for r in ("src/a", "src/b")]
    body = {"requests": requests, "together": True}
    first = inside.call("POST", "/v1/decide/batch", body, AGENT, session(inside, True))[1]["decisions"]
    number = first[0]["ticket"]["id"]
    inside.vote(number, MIA)
    for r in requests:
        r["ticket"] = number
    again = inside.call("POST", "/v1/decide/batch", body, AGENT, session(inside, False))[1]["decisions"]
    assert {d["effect"] for d in again} == {"deny"}
    again = inside.call("POST", "/v1/decide/batch", body, AGENT, session(inside, True))[1]["decisions"]
    assert {d["effect"] for d in again} == {"allow"}
