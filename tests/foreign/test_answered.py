"""The models of clients against the clients' own answers: never wider, and mostly the same; and what is exported."""

from __future__ import annotations

import pytest

from policy_lang import Policy
from policy_lang.domain.actions import ALLOW, DENY
from policy_lang.domain.errors import Source
from policy_lang.domain.request import Request
from policy_lang.foreign.compare import decided, imported
from policy_lang.foreign.formats import format_named
from policy_lang.foreign.permissions import HOME, STRICTNESS, WORKSPACE
from policy_lang.foreign.writing import exported_permissions

from .answered import CLIENTS, Case, cases

NOTHING = "none"
"""The answer where no rule is about a command, and what holds then is not asked here."""
BROKEN = {"claude-04"}
"""No JSON: nothing of it holds, and ours is refused with its place."""
ALL = [(client, one) for client in CLIENTS for one in cases(client) if one.name not in BROKEN]
EXPORTED = [pytest.param(client, one, id=f"{client}: {one.name}") for client, one in ALL if one.policy]
DIFFERENT = {"claude": 122, "codex-rules": 0, "gemini": 9, "opencode": 1}
"""Answers in which the model is stricter: what is expanded, and programs that only read."""
UNREAD = {"claude": 55, "codex-rules": 0, "gemini": 7, "opencode": 0}
"""Commands that are asked about for the way they are written (`(ls)`, `ls &`, `/bin/ls`, `cat a 2>&1`), where a policy
decides by what runs, and those that look at a denied file without reading it, which are denied there and asked about here.
"""


@pytest.mark.parametrize(("client", "case"), [pytest.param(c, one, id=f"{c}: {one.name}") for c, one in ALL])
def test_the_model_is_never_wider_than_the_client(client: str, case: Case) -> None:
    model = format_named(client).read(case.sources).model
    wrong = [(asked, answer, model(asked)) for asked, answer in case.answers if answer != NOTHING]
    assert [one for one in wrong if STRICTNESS[one[2]] < STRICTNESS[one[1]]] == []


@pytest.mark.parametrize("client", CLIENTS)
def test_the_model_mostly_answers_as_the_client(client: str) -> None:
    models = [(format_named(client).read(case.sources).model, case) for name, case in ALL if name == client]
    different = [
        (asked, answer)
        for model, case in models
        for asked, answer in case.answers
        if model(asked) != answer and answer != NOTHING
    ]
    assert len(different) <= DIFFERENT[client], different


@pytest.mark.parametrize("client", CLIENTS)
def test_the_policy_is_wider_only_in_what_it_reads_better(client: str) -> None:
    wider = []
    for case in (one for name, one in ALL if name == client and not one.policy):
        made = imported(format_named(client).read(case.sources), "imported").translated.policy
        effects = [(asked, answer, decided(made, asked).effect) for asked, answer in case.answers]
        wider += [one for one in effects if STRICTNESS[one[2]] < STRICTNESS[one[1]]]
    assert len(wider) <= UNREAD[client], wider
    assert [one for one in wider if one[0].action != "run" or (one[1], one[2]) == (DENY, ALLOW)] == []


@pytest.mark.parametrize(("client", "case"), EXPORTED)
def test_what_is_exported_is_what_the_client_was_asked_about(client: str, case: Case) -> None:
    kind, policy = format_named(client), Policy.loads(f'policy "p"\n{case.policy}', "/srv/acme/policies/p.policy")
    like = Request("read", ".", workspace=WORKSPACE, home=HOME, tmp="/tmp", cwd=WORKSPACE)
    made = exported_permissions(kind, kind.writer(), policy, like, kind.place)
    there = {source.path: source.text for source in case.sources}
    assert _meaning(client, made.text) == _meaning(client, there[kind.place])


def _meaning(client: str, text: str) -> list[str]:
    kind = format_named(client)
    return [one.text for one in kind.read([Source(kind.place, text)]).entries if one.span is not None]


@pytest.mark.parametrize(("client", "case"), EXPORTED)
def test_the_client_permits_by_it_only_what_the_policy_does(client: str, case: Case) -> None:
    policy = Policy.loads(f'policy "p"\n{case.policy}', "/srv/acme/policies/p.policy")
    rows = zip(case.answers, case.by_itself, strict=True)
    beyond = [
        asked
        for (asked, answer), by_itself in rows
        if answer == ALLOW and by_itself != ALLOW and decided(policy, asked).effect != ALLOW
    ]
    assert beyond == []
    assert any(answer == ALLOW for _, answer in case.answers) or client == "codex-rules"
