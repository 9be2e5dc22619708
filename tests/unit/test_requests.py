"""Requests and decisions are values: whoever needs another makes one, and no decision writes into what it was given."""

from __future__ import annotations

import json
from collections import UserDict
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from policy_lang import Policy, Request
from policy_lang.audit.log import DecisionLog
from policy_lang.domain.decision import Decision
from policy_lang.domain.errors import RequestError
from policy_lang.domain.record import replace
from policy_lang.pep.deciders import CompiledDecider
from policy_lang.pep.questions import HookQuestion
from policy_lang.wire.requests import request_of

UNTIL = 'policy "d"\nallow read "src/**" until 2030-01-01\nallow run "cat src/a" until 2030-01-01\n'
EARLY, LATE = 1_790_000_000.0, 3_800_000_000.0
"""2026 and 2090."""


def decided(policy: Policy, request: Request) -> Decision:
    return policy.decide_request(request)


def explained(policy: Policy, request: Request) -> Decision:
    return policy.explain(request).decision


@pytest.mark.parametrize("ask", [decided, explained])
@pytest.mark.parametrize("with_log", [False, True])
@pytest.mark.parametrize("request_", [Request("read", "src/a"), Request("run", "cat src/a")], ids=["read", "run"])
def test_a_reused_request_is_decided_by_the_clock_of_now(
    ask: Callable[[Policy, Request], Decision],
    with_log: bool,
    request_: Request,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "d.policy").write_text(UNTIL)
    log = DecisionLog(str(tmp_path / "log")) if with_log else None
    policy = Policy.load(str(tmp_path / "d.policy"), log=log)
    monkeypatch.setattr("time.time", lambda: EARLY)
    assert ask(policy, request_).allowed
    monkeypatch.setattr("time.time", lambda: LATE)
    assert not ask(policy, request_).allowed
    assert request_.now is None


def test_a_time_that_is_given_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    policy = Policy.loads(UNTIL)
    monkeypatch.setattr("time.time", lambda: LATE)
    assert policy.decide_request(Request("read", "src/a", now=EARLY)).allowed


def test_a_request_cannot_be_changed() -> None:
    request = Request("read", "src/a")
    with pytest.raises(AttributeError, match="frozen"):
        request.now = 1.0  # type: ignore[misc]
    other = replace(request, now=1.0)
    assert (request.now, other.now, other.resource) == (None, 1.0, "src/a")


ASKED = [
    Request("read", "src/a"),
    Request("read", "src/a", workspace="WORK", cwd="WORK", home="WORK"),
    Request("read", "src/**", pattern=True),
    Request("run", "cd src; cat a | tee b; git push origin HEAD", workspace="WORK", cwd="WORK", git={"remotes": {}}),
    Request("run", ("rg", "x", "src"), workspace="WORK", cwd="WORK", inner=True),
    Request("connect", "a.example:80", resolved=("10.0.0.1",), context={"level": "high"}),
    Request("no-such", "x"),
    Request("read", 7),  # type: ignore[arg-type]
]


@pytest.mark.parametrize("with_log", [False, True])
def test_no_decision_writes_into_what_it_was_given(with_log: bool, tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a").write_text("")
    text = (
        'policy "d"\ncontext { level: "low" | "high" }\nallow read "**" until 2099-01-01\nallow run "**"\n'
        'allow connect "**:*" when level == "high"\n'
    )
    (tmp_path / "d.policy").write_text(text)
    policy = Policy.load(str(tmp_path / "d.policy"), log=DecisionLog(str(tmp_path / "log")) if with_log else None)
    places = ("workspace", "cwd", "home")
    for asked in ASKED:
        request = replace(asked, **{n: str(tmp_path) for n in places if getattr(asked, n)})
        before = repr(request)
        disk, context, git = request.disk, request.context, request.git
        policy.decide_request(request)
        policy.explain(request)
        assert repr(request) == before
        assert request.disk is disk
        assert request.context is context
        assert request.git is git


def test_the_hook_leaves_its_questions_alone(tmp_path: Path) -> None:
    from policy_lang._version import __version__
    from policy_lang.compiler.binary import compile_binary

    (tmp_path / "d.policy").write_text(UNTIL)
    (tmp_path / "d.plc").write_bytes(compile_binary(str(tmp_path / "d.policy"), __version__))
    question = HookQuestion("read", "src/a")
    common: dict[str, object] = {"agent": "x", "workspace": str(tmp_path)}
    before = json.dumps([question.fields, common])
    for log in ("", str(tmp_path / "log")):
        CompiledDecider(str(tmp_path / "d.plc"), log).decide([question], common, 0.0)
        assert json.dumps([question.fields, common]) == before


def test_a_decision_is_another_one_when_it_is_withdrawn_or_approved() -> None:
    decision = Policy.loads('policy "d"\nallow read "src/**"').decide(action="read", resource="src/a")
    ticket = {"id": "t"}
    others = [
        decision.withdrawn("no"),
        decision.waiting("people are asked", ticket),
        decision.approved("by mia", ticket),
    ]
    assert decision.effect == "allow"
    assert decision.ticket is None
    assert [d.effect for d in others] == ["deny", "ask", "allow"]
    assert [d.ticket for d in others] == [None, ticket, ticket]
    assert {d.id for d in others} == {decision.id}
    with pytest.raises(AttributeError):
        decision.ticket = ticket  # type: ignore[misc]


def test_both_ways_of_asking_remember_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    policy = Policy.loads('policy "d"\nallow do "deploy"')
    engine, asked = policy.engine, []
    answer = engine.answer
    monkeypatch.setattr(engine, "answer", lambda request: asked.append(request) or answer(request))
    for fields in ({}, {"agent": "x"}, {"agent": "x", "branch": "b"}, {"workspace": "/w"}, {"resolved": ("10.0.0.1",)}):
        before = len(asked)
        policy.decide(action="do", resource="deploy", **fields)  # type: ignore[arg-type]
        policy.decide_request(Request("do", "deploy", **fields))  # type: ignore[arg-type]
        policy.decide(action="do", resource="deploy", **fields)  # type: ignore[arg-type]
        assert len(asked) == before + 1, fields


def test_what_looks_at_the_disk_is_decided_anew(tmp_path: Path) -> None:
    policy = Policy.loads('policy "d"\nallow read "src/**"\nallow run "cat **"')
    (tmp_path / "src").mkdir()
    where = str(tmp_path)
    asked = [
        Request("read", "src/a", workspace=where, cwd=where),
        Request("run", "cat src/a", workspace=where, cwd=where),
    ]
    assert [policy.decide_request(r).effect for r in asked] == ["allow", "allow"]
    (tmp_path / "src" / "a").symlink_to("/etc/passwd")
    assert [policy.decide_request(r).effect for r in asked] == ["deny", "deny"]


def test_odd_values_are_denied_and_not_remembered() -> None:
    policy = Policy.loads('policy "d"\nallow read "src/**"')
    for odd in ([], {}, ["read"], None, 7):
        assert policy.decide(action=odd, resource="src/a").effect == "deny"  # type: ignore[arg-type]
        assert policy.decide_request(Request(odd, "src/a")).effect == "deny"  # type: ignore[arg-type]
        assert policy.decide(action="read", resource="src/a", agent=odd).effect in {"allow", "deny"}  # type: ignore[arg-type]


MALFORMED: list[dict[str, object]] = [
    {"now": "x"}, {"now": "5"}, {"now": [1]}, {"resolved": 5}, {"context": 5}, {"agent": ["a"]}, {"now": {}},
]  # fmt: skip


@pytest.mark.parametrize("timed", [False, True])
@pytest.mark.parametrize("with_log", [False, True])
@pytest.mark.parametrize("fields", MALFORMED, ids=repr)
def test_what_is_malformed_is_denied_and_never_raises(
    fields: dict[str, object], with_log: bool, timed: bool, tmp_path: Path
) -> None:
    (tmp_path / "d.policy").write_text(
        'policy "d"\nallow read "**"'
        + (" until 2099-01-01" if timed else "")
        + '\nallow run "**"\nallow connect "**:*"\n'
    )
    policy = Policy.load(str(tmp_path / "d.policy"), log=DecisionLog(str(tmp_path / "log")) if with_log else None)
    for action, resource in (("read", "a"), ("run", "ls"), ("connect", "a.example")):
        decisions = [
            policy.decide(action=action, resource=resource, **fields),  # type: ignore[arg-type]
            policy.decide_request(Request(action, resource, **fields)),  # type: ignore[arg-type]
            policy.explain(Request(action, resource, **fields)).decision,  # type: ignore[arg-type]
        ]
        for decision in decisions:
            assert decision.effect == "deny"
            assert decision.reasons[0].startswith(
                ("refused (PLR", "internal error (PLI001)", "audit_unavailable (PLI002)")
            )
    assert policy.decide(action="read", resource="a", now=1.7e9).allowed


def test_what_cannot_be_explained_is_shown_as_denied() -> None:
    policy = Policy.loads('policy "d"\nallow run "ls"\nallow connect "**:*"')
    for request in (Request("run", ["ls"]), Request("connect", "x", resolved=5), Request(["run"], "ls")):  # type: ignore[arg-type]
        explained = policy.explain(request)
        assert explained.decision.effect == "deny"
        assert not explained.rules


EVIL = {"origin": "https://evil.example/x.git"}


@pytest.mark.parametrize("with_log", [False, True])
@pytest.mark.parametrize("kind", [dict, MappingProxyType, UserDict])
def test_a_table_of_any_kind_says_what_it_says(
    kind: Callable[[object], Mapping[str, object]], with_log: bool, tmp_path: Path
) -> None:
    (tmp_path / "d.policy").write_text(
        'policy "x"\nallow run "git push **"\nallow push "origin:**"\nallow connect "good.example"'
    )
    log = DecisionLog(str(tmp_path / "log")) if with_log else None
    policy = Policy.load(str(tmp_path / "d.policy"), log=log)

    def pushed(remotes: object, wrap: Callable[[object], Mapping[str, object]] = kind) -> Decision:
        git = wrap({"remotes": remotes})
        return policy.decide(action="run", resource="git push origin feat/x", branch="feat/x", git=git)

    assert pushed(kind({"origin": "https://good.example/x.git"})).allowed
    assert not pushed(kind(EVIL)).allowed
    assert "no rule of `x` grants `connect`" in " ".join(pushed(kind(EVIL)).reasons)


@pytest.mark.parametrize(
    "git", [5, [("remotes", EVIL)], {"remotes": 5}, {"remotes": [("origin", "x")]}, {"remotes": {}, "push_default": 5}]
)
def test_a_table_that_is_none_is_refused(git: object) -> None:
    policy = Policy.loads('policy "x"\nallow run "git push **"\nallow push "**"\nallow connect "**:*"')
    decision = policy.decide(action="run", resource="git push origin feat/x", branch="feat/x", git=git)  # type: ignore[arg-type]
    assert decision.effect == "deny"
    assert decision.reasons[0].startswith("refused (PLR001)")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "the field `resource` is missing"),
        ({"resource": "x", "content": {"text": "a"}}, "the field `content.tool` is missing"),
        ({"resource": "x", "content": {"tool": "Write", "colour": 1}}, "unknown field `content.colour`"),
        ({"resource": "x", "colour": 1}, "unknown field `colour`"),
    ],
)
def test_an_error_names_the_field_within(fields: dict[str, object], said: str) -> None:
    with pytest.raises(RequestError, match=said):
        request_of({"action": "write", **fields})
