"""Proposals at a running service: refused, proposed, weighed, answered by people; and who tries to get around that."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from policy_lang.domain.limits import limit

from .support import Running, UnixConnection, service
from .test_approvals import AGENT, ARGUMENTS, OPERATOR, OTHER_AGENT, TOKENS, bearer, configured

POLICY = """policy "p"
within "ceiling.policy"
tier review { approvers "@team"  expires 30m }
allow read "src/**"
allow run "git status"
deny write "**/secret*"
"""
CEILING = """policy "ceiling"
allow read, write, delete "**"
allow run "**"
deny run "npm publish **"
"""


def with_approvers(folder: Path) -> None:
    configured(folder, '[proposals]\napprovers = ["@team"]\n')
    (folder / "ceiling.policy").write_text(CEILING)


@pytest.fixture
def running() -> Iterator[Running]:
    with service(POLICY, *ARGUMENTS, prepare=with_approvers) as found:
        yield found


def call(running: Running, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    """A call that may take as long as weighing does."""
    with contextlib.closing(UnixConnection(running.socket, 90)) as connection:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        reply = connection.getresponse()
        return reply.status, json.loads(reply.read())


def decide(running: Running, action: str, resource: Any, token: str = AGENT, session: str = "s", **more: Any) -> Any:
    body = {"action": action, "resource": resource, "session": session, **more}
    if token not in (AGENT, OTHER_AGENT):
        del body["session"]  # a session's own token says which
    return call(running, "POST", "/v1/decide", body, **bearer(token))[1]


def propose(
    running: Running, rules: str, action: str, resource: Any, token: str = AGENT, **more: Any
) -> tuple[int, Any]:
    body = {"rules": rules, "purpose": "to run the tests", "request": {"action": action, "resource": resource}, **more}
    return call(running, "POST", "/v1/proposals", body, **bearer(token))


def refused_then_proposed(running: Running, rules: str, action: str, resource: Any, **more: Any) -> dict[str, Any]:
    assert decide(running, action, resource, **more)["effect"] == "deny"
    status, reply = propose(running, rules, action, resource)
    assert status == 201, reply
    return dict(reply)


def seen(running: Running, name: str, person: str = "mia") -> dict[str, Any]:
    status, reply = call(running, "GET", f"/v1/proposals/{name}", **bearer(TOKENS[person]))
    assert status == 200, reply
    return dict(reply)


def answer(running: Running, what: str, name: str, person: str = "mia", **more: Any) -> tuple[int, Any]:
    body = {"proposal": name, **more}
    if what != "withdraw":
        body.setdefault("shown", seen(running, name)["shown"])
    return call(running, "POST", f"/v1/proposals/{what}", body, **bearer(TOKENS[person]))


def code(reply: tuple[int, Any]) -> str:
    return str(reply[1]["error"]["code"])


def test_a_person_sees_what_it_permits_and_grants_it_for_the_session(running: Running) -> None:
    made = refused_then_proposed(running, 'allow run "npm test"', "run", "npm test")
    shown = seen(running, made["proposal"])
    (row,) = shown["weighed"]["newly"]
    assert row["witness"]["resource"] == ["npm", "test"] and row["old"]["effect"] == "deny"
    assert shown["weighed"]["refused_call"]["effect"] == "allow" and shown["purpose"] == "to run the tests"
    assert decide(running, "run", "npm test")["effect"] == "deny"  # asking gives nothing
    status, reply = answer(running, "accept", made["proposal"], scope="session")
    assert (status, reply["ready"]) == (200, True), reply
    for _ in range(2):
        found = decide(running, "run", "npm test")
        assert found["effect"] == "allow" and "granted by `mia`" in found["reasons"][0]
    assert decide(running, "run", "npm test", session="other")["effect"] == "deny"
    assert decide(running, "run", "npm test", token=OTHER_AGENT)["effect"] == "deny"
    assert decide(running, "run", "npm install")["effect"] == "deny"
    assert answer(running, "withdraw", made["proposal"])[0] == 200
    assert decide(running, "run", "npm test")["effect"] == "deny"


def test_granted_for_one_call_it_is_that_call_once(running: Running) -> None:
    made = refused_then_proposed(running, 'allow run "npm **"', "run", "npm test")
    assert answer(running, "accept", made["proposal"], scope="once")[0] == 200
    assert decide(running, "run", "npm install")["effect"] == "deny"
    assert decide(running, "run", "npm test")["effect"] == "allow"
    assert decide(running, "run", "npm test")["effect"] == "deny"


def test_rejected_it_does_not_come_back_in_other_words(running: Running) -> None:
    made = refused_then_proposed(running, 'allow run "npm {test,install} **"', "run", "npm test")
    assert answer(running, "reject", made["proposal"], reason="use make")[0] == 200
    told = call(running, "GET", f"/v1/proposals/{made['proposal']}", **bearer(AGENT))[1]
    assert (told["state"], told["reason"]) == ("rejected", "use make")
    for again in ('allow run "npm test"', 'allow run "npm te* *"\nallow run "npm test"', 'allow run "**"'):
        assert code(propose(running, again, "run", "npm test")) == "PLR249", again
    decide(running, "run", "make test")
    assert propose(running, 'allow run "make test"', "run", "make test")[0] == 201


NOT_RULES = [
        "import std.git", 'within "x"', "otherwise ask review", 'tier t { approvers "x" }', 'deny read "a"',
        'ask review read "a"', 'let x = "a"\nallow read x', 'agent "other" { allow run "npm test" }',
        'rule a: allow run "npm test"', 'allow run "npm test" because "approved"', "allow run opaque",
        'allow write ".git/hooks/x" override protected', 'allow run "npm test" { match "npm test" }',
        'trust "/tmp"', "freeze when 3 denials within 10 s", "", "# nothing", 'allow run "np\u200bm test"',
        'policy "x"', 'allow run "npm test"\n' * 5, 'allow run "' + "a" * 2000 + '"', "}", 'when true { allow run "x" }',
]  # fmt: skip


def test_what_is_not_plainly_rules_is_refused(running: Running) -> None:
    decide(running, "run", "npm test")
    for rules in NOT_RULES:
        status, reply = propose(running, rules, "run", "npm test")
        assert status == 400 and reply["error"]["code"] in {"PLR253", "PLR106"}, (rules, reply)


def test_a_rule_that_a_ceiling_or_a_denial_forbids_reaches_nobody(running: Running) -> None:
    decide(running, "run", "npm publish")
    _, reply = propose(running, 'allow run "npm publish **"', "run", "npm publish")
    assert reply["error"]["code"] == "PLR250" and "a ceiling forbids all of it" in reply["error"]["message"], reply
    decide(running, "write", "secret")
    assert code(propose(running, 'allow write "**"', "write", "secret")) == "PLR250"


def test_only_who_was_refused_proposes_and_for_itself_alone(running: Running) -> None:
    assert code(propose(running, 'allow run "npm test"', "run", "npm test")) == "PLR244"
    decide(running, "run", "npm test")
    assert code(propose(running, 'allow run "npm test"', "run", "npm test", token=OTHER_AGENT)) == "PLR244"
    assert code(propose(running, 'allow run "npm test"', "run", "npm test", agent="other")) == "PLR202"
    assert code(propose(running, 'allow run "npm test"', "run", "npm test", session="another")) == "PLR244"


def test_nobody_answers_but_people_who_are_named(running: Running) -> None:
    made = refused_then_proposed(running, 'allow run "npm test"', "run", "npm test")
    body = {"proposal": made["proposal"], "shown": seen(running, made["proposal"])["shown"], "scope": "session"}
    for token in (AGENT, OTHER_AGENT, OPERATOR, TOKENS["eva"]):
        reply = call(running, "POST", "/v1/proposals/accept", body, **bearer(token))
        assert code(reply) == "PLR230", reply
    assert code(answer(running, "accept", made["proposal"], scope="once", shown="0" * 64)) == "PLR246"


def test_what_was_granted_ends_with_the_policy_and_with_the_session(running: Running) -> None:
    started = call(running, "POST", "/v1/sessions/start", {"agent": "codex", "session": "proved"}, **bearer(OPERATOR))[
        1
    ]
    token = started["token"]
    assert decide(running, "run", "npm test", token=token)["effect"] == "deny"
    status, made = propose(running, 'allow run "npm test"', "run", "npm test", token=token)
    assert status == 201, made
    assert answer(running, "accept", made["proposal"], scope="session")[1]["ready"]
    assert decide(running, "run", "npm test", token=token)["effect"] == "allow"
    assert decide(running, "run", "npm test", session="proved")["effect"] == "deny"  # only says so
    call(running, "POST", "/v1/sessions/end", {"session": "proved"}, **bearer(OPERATOR))
    again = call(running, "POST", "/v1/sessions/start", {"agent": "codex", "session": "proved"}, **bearer(OPERATOR))[1]
    assert decide(running, "run", "npm test", token=again["token"])["effect"] == "deny"
    assert seen(running, made["proposal"])["state"] == "ended"

    other = refused_then_proposed(running, 'allow run "make"', "run", "make")
    assert answer(running, "accept", other["proposal"], scope="session")[1]["ready"]
    assert decide(running, "run", "make")["effect"] == "allow"
    before = call(running, "GET", "/v1/policy", **bearer(OPERATOR))[1]["digest"]
    running.policy.write_text(POLICY + 'deny read "x"\n')
    call(running, "POST", "/v1/policy/reload", {}, **bearer(OPERATOR))
    end = time.monotonic() + 60
    while call(running, "GET", "/v1/policy", **bearer(OPERATOR))[1]["digest"] == before and time.monotonic() < end:
        time.sleep(0.1)
    assert decide(running, "run", "make")["effect"] == "deny"
    assert seen(running, other["proposal"])["state"] == "ended"


def test_proposal_purpose(running: Running) -> None:
    decide(running, "run", "npm test")
    for purpose in ("a" * (limit("proposal_purpose") + 1), "two\nlines", "\x1b[2J", ""):
        body = {
            "rules": 'allow run "npm test"',
            "purpose": purpose,
            "request": {"action": "run", "resource": "npm test"},
        }
        assert call(running, "POST", "/v1/proposals", body, **bearer(AGENT))[0] == 400
    body["purpose"] = "a" * limit("proposal_purpose")
    assert call(running, "POST", "/v1/proposals", body, **bearer(AGENT))[0] == 201
