"""`otherwise ask TIER`: what nothing grants is asked for; denials, the floor and ceilings stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from policy_lang import Policy, PolicyError, __version__
from policy_lang.analysis.diff import diff
from policy_lang.analysis.prove import prove
from policy_lang.analysis.query import query
from policy_lang.compiler.binary import compile_binary
from policy_lang.domain.errors import Source
from policy_lang.syntax.format import format_file
from policy_lang.syntax.parse import parse

HEAD = 'policy "p"\ntier review { approvers "@r" }\ntier security { approvers "@s" includes review }\n'
RULES = 'allow read "./"\nask security write "src/**"\ndeny run "rm **" except opaque\nallow run "ls **"\n'


def effect(text: str, action: str, resource: object, **more: object) -> tuple[str, tuple[str, ...]]:
    given = {"workspace": "/workspace", "home": "/home/agent", "lexical": True, **more}
    decision = Policy.loads(text).decide(action=action, resource=resource, **given)  # type: ignore[arg-type]
    return decision.effect, tuple(decision.tiers)


@pytest.mark.parametrize(
    ("action", "resource", "expected"),
    [
        ("read", "src/a.ts", ("allow", ())),
        ("read", "/etc/hosts", ("ask", ("review",))),
        ("write", "src/a.ts", ("ask", ("security",))),
        ("write", "Makefile", ("ask", ("review",))),
        ("write", ".git/hooks/pre-commit", ("deny", ())),
        ("run", "rm x", ("deny", ())),
        ("run", "terraform plan", ("ask", ("review",))),
        ("run", "$COMMAND", ("ask", ("review",))),
        ("run", "python3 -c 'print(1)'", ("ask", ("review",))),
        ("run", "ls && terraform plan", ("ask", ("review",))),
        ("run", "ls src", ("allow", ())),
        ("connect", "https://example.com/", ("ask", ("review",))),
        ("push", "origin:main", ("ask", ("review",))),
        ("call", "github.get_issue", ("ask", ("review",))),
        ("push", "origin:../x", ("deny", ())),  # malformed
    ],
)
def test_what_nothing_grants_is_asked_for(action: str, resource: str, expected: tuple[str, tuple[str, ...]]) -> None:
    assert effect(HEAD + RULES + "otherwise ask review\n", action, resource) == expected


@pytest.mark.parametrize("statement", ["", "otherwise ask review run, push\n"])
def test_only_of_the_actions_that_it_names(statement: str) -> None:
    text = HEAD + RULES + statement
    assert effect(text, "connect", "https://example.com/") == ("deny", ())
    assert effect(text, "run", "terraform plan")[0] == ("ask" if statement else "deny")


def test_an_action_that_no_rule_speaks_of_has_an_answer_of_its_own() -> None:
    policy = Policy.loads('policy "p"\ntier t { approvers "@x" }\nallow read "a"\notherwise ask t use\n')
    effects = {a: policy.decide(action=a, resource="x").effect for a in ("call", "use", "do", "setenv", "use", "call")}
    assert effects == {"call": "deny", "use": "ask", "do": "deny", "setenv": "deny"}


def test_a_scope_counts_where_it_surely_holds() -> None:
    text = HEAD + 'context { ci: bool }\nagent "codex*" { otherwise ask review }\nwhen ci { otherwise ask security }\n'
    assert effect(text, "read", "a") == ("deny", ())
    assert effect(text, "read", "a", agent="codex-1") == ("ask", ("review",))
    assert effect(text, "read", "a", agent="claude") == ("deny", ())
    assert effect(text, "read", "a", agent="claude", context={"ci": True}) == ("ask", ("security",))
    assert effect(text, "read", "a", agent="codex", context={"ci": True}) == ("ask", ("security",))  # includes review


def test_a_stricter_question_about_what_cannot_be_read_stays() -> None:
    """A weaker tier by spelling would be a way round."""
    text = HEAD + "ask security run opaque\notherwise ask review\n"
    assert effect(text, "run", "python3 -c 'print(1)'") == ("ask", ("security",))
    assert effect(text, "run", "$X") == ("ask", ("security",))
    assert effect(text, "run", "terraform plan") == ("ask", ("review",))


def test_what_a_guardrail_asks_for_is_asked_for_as_well(tmp_path: Path) -> None:
    (tmp_path / "g.policy").write_text('guardrail "g"\ntier security\nask security push "main"\n')
    (tmp_path / "p.policy").write_text(HEAD.replace('"p"\n', '"p"\nimport "g.policy"\n') + "otherwise ask review\n")
    policy = Policy.load(str(tmp_path / "p.policy"))
    assert policy.decide(action="push", resource="main").tiers == ("security",)
    assert policy.decide(action="push", resource="x").tiers == ("review",)


def test_a_ceiling_stands_and_may_ask_by_itself(tmp_path: Path) -> None:
    (tmp_path / "c.policy").write_text(
        'policy "c"\ntier org { approvers "@o" }\nallow read "docs/**"\notherwise ask org write\n'
    )
    (tmp_path / "p.policy").write_text(
        'policy "p"\nwithin "c.policy"\ntier review { approvers "@r" }\nallow write "src/**"\notherwise ask review\n'
    )
    policy = Policy.load(str(tmp_path / "p.policy"))
    asked = {
        r: policy.decide(action=a, resource=r)
        for a, r in (("read", "docs/a"), ("read", "src/a"), ("write", "src/b"), ("write", "b"))
    }
    assert [(d.effect, d.tiers) for d in asked.values()] == [
        ("ask", ("review",)), ("deny", ()), ("ask", ("org",)), ("ask", ("org", "review"))
    ]  # fmt: skip


def test_a_public_address_of_a_granted_name_is_not_asked_for() -> None:
    text = HEAD + 'allow connect "api.example.com"\notherwise ask review\n'
    public, private = ({"resolved": (a,)} for a in ("8.8.8.8", "10.0.0.1"))
    assert effect(text, "connect", "https://api.example.com/", **public) == ("allow", ())
    assert effect(text, "connect", "https://api.example.com/", **private) == ("ask", ("review",))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (HEAD.replace("policy", "guardrail") + "otherwise ask review\n", "PLE504"),
        (HEAD + "otherwise ask revew\n", "PLE203"),
        (HEAD + "otherwise allow\n", "PLE110"),
        (HEAD + 'otherwise ask review read "x"\n', "PLE110"),
        (HEAD + "otherwise\n", "PLE110"),
        (HEAD + "otherwise ask review fly\n", "PLE201"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(text: str, code: str) -> None:
    with pytest.raises(PolicyError) as caught:
        Policy.loads(text)
    assert [d.code for d in caught.value.diagnostics] == [code]


def test_it_is_written_as_it_is_read() -> None:
    text = HEAD + 'otherwise   ask review run,push\nagent "codex*" { otherwise ask review }\n'  # fmt: skip
    made = format_file(parse(Source("p.policy", text)))
    assert "otherwise ask review run, push\n" in made
    assert 'agent "codex*" {\n    otherwise ask review\n}' in made  # fmt: skip
    assert format_file(parse(Source("p.policy", made))) == made


def test_a_compiled_policy_asks_alike(tmp_path: Path) -> None:
    source = tmp_path / "p.policy"
    source.write_text(HEAD + RULES + 'agent "codex*" { otherwise ask review run }\n')
    compiled = tmp_path / "p.plc"
    compiled.write_bytes(compile_binary(str(source), __version__))
    for agent in ("codex", "claude", None):
        first, second = (
            Policy.load(str(p)).decide(agent=agent, action="run", resource="terraform plan") for p in (source, compiled)
        )
        assert first.verdict.support == second.verdict.support
        assert (first.effect, first.tiers, first.reasons) == (second.effect, second.tiers, second.reasons)
        assert first.effect == ("ask" if agent == "codex" else "deny")


def test_a_difference_and_a_query_show_it() -> None:
    without, with_, stricter = (
        Policy.loads(HEAD + RULES + more)
        for more in ("", "otherwise ask review call\n", "otherwise ask security call\n")
    )
    rows = diff(without._engine, with_._engine).rows
    assert [(r.kind, r.action, r.new.tiers) for r in rows] == [("widened", "call", ("review",))]
    assert {(r.kind, r.action) for r in diff(with_._engine, without._engine).rows} == {("narrowed", "call")}
    assert {(r.kind, r.action) for r in diff(with_._engine, stricter._engine).rows} == {("raised", "call")}
    assert diff(with_._engine, with_._engine).same
    grants = query(with_._engine, ("call", "read")).grants
    assert {(g.action, g.effect, g.tiers) for g in grants} == {("call", "ask", ("review",)), ("read", "allow", ())}


def test_a_claim_is_refuted_by_it() -> None:
    proofs = (
        'prove "calls" {\n    always deny call "*"\n    always ask review call "**"\n    never allow call "**"\n}\n'
    )
    asked = Policy.loads(HEAD + RULES + "otherwise ask review call\n" + proofs)
    outcomes = [p.verdict for p in prove(asked._engine)]
    assert outcomes == ["refuted", "proved", "proved"]
