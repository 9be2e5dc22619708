"""What a command has in some reading of its words only meets what restricts."""

from __future__ import annotations

import pytest

from policy_lang import Policy, Request
from policy_lang.engine.effects import act_effect
from policy_lang.shell.acts import Act
from policy_lang.shell.values import literal

POLICY = """
policy "p"
tier person { approvers "@reviewers" }
allow run "**"
allow read "src/**"
deny read "**/*.env"
ask person connect "*.acme.example"
deny run "rm **"
"""


def effect(action: str, word: str, supposed: bool = True) -> tuple[str, tuple[str, ...]]:
    engine = Policy.loads(POLICY).engine
    argv = tuple(literal(w) for w in word.split()) if action == "run" else ()
    act = Act(action, literal("" if argv else word), 0, 0, argv, supposed=supposed)
    request = Request("run", ("x",), workspace="/w", home="/h", lexical=True)
    verdict = act_effect(engine.evaluator, act, request, engine.environment(request)).verdict
    return verdict.effect, verdict.tiers


@pytest.mark.parametrize(
    ("action", "word", "granted", "supposed"),
    [
        ("read", "src/a", "allow", "allow"),
        ("read", "docs/a", "deny", "allow"),  # nothing grants it, and nothing restricts it
        ("read", "docs/a.env", "deny", "deny"),
        ("write", ".git/config", "deny", "deny"),  # the protected floor restricts
        ("write", "docs/a", "deny", "allow"),
        ("connect", "x.other.example", "deny", "allow"),
        ("connect", "x.acme.example", "ask", "ask"),
        ("connect", "not a host", "deny", "allow"),  # no program takes it for one either
        ("run", "rm x", "deny", "deny"),
        ("run", "ls x", "allow", "allow"),
    ],
)
def test_only_what_restricts_counts(action: str, word: str, granted: str, supposed: str) -> None:
    assert effect(action, word, supposed=False)[0] == granted
    assert effect(action, word)[0] == supposed


def test_it_asks_the_tier_of_the_rule() -> None:
    assert effect("connect", "x.acme.example") == ("ask", ("person",))


def test_both_are_remembered_apart() -> None:
    policy = Policy.loads(POLICY)
    engine = policy.engine
    request = Request("run", ("x",), workspace="/w", home="/h", lexical=True)
    env = engine.environment(request)
    found = [
        act_effect(engine.evaluator, Act("read", literal("docs/a"), 0, 0, supposed=s), request, env).verdict.effect
        for s in (True, False, True, False)
    ]
    assert found == ["allow", "deny", "allow", "deny"]
