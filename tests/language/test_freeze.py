"""`freeze when N denials within TIME`."""

from __future__ import annotations

from pathlib import Path

import pytest

from policy_lang import Policy, PolicyError
from policy_lang.domain.errors import Source
from policy_lang.domain.limits import limit
from policy_lang.syntax.format import format_file
from policy_lang.syntax.parse import parse

BASE = 'policy "p"\nallow read "a"\n'


def codes(text: str) -> list[str]:
    with pytest.raises(PolicyError) as error:
        Policy.loads(text)
    return [d.code for d in error.value.diagnostics]


def test_it_is_read_and_written() -> None:
    text = 'policy "p"\n\nfreeze   when 10 denials\n   within 300s # why\nfreeze when 2 denials within 90s\n\nallow read "a"\n'
    once = format_file(parse(Source("p.policy", text)))
    assert (
        once
        == 'policy "p"\n\nfreeze when 10 denials within 5m  # why\nfreeze when 2 denials within 90s\n\nallow read "a"\n'
    )
    assert format_file(parse(Source("p.policy", once))) == once
    found = Policy.loads(text).policy_set.freezes
    assert [(f.denials, f.seconds, f.line) for f in found] == [(10, 300, 3), (2, 90, 5)]


def test_it_changes_the_digest_and_no_decision() -> None:
    plain, one, two = (
        Policy.loads(t)
        for t in (BASE, BASE + "freeze when 3 denials within 1m", BASE + "freeze when 4 denials within 1m")
    )
    assert len({plain.digest, one.digest, two.digest}) == 3
    for policy in (plain, one, two):
        for _ in range(5):
            assert policy.decide(action="read", resource="b").effect == "deny"
        assert policy.decide(action="read", resource="a").effect == "allow"


def test_they_add_up_over_imports_and_ceilings(tmp_path: Path) -> None:
    (tmp_path / "more.policy").write_text('guardrail "more"\nfreeze when 5 denials within 1h\ndeny read "x"\n')
    (tmp_path / "top.policy").write_text('policy "top"\nfreeze when 100 denials within 1d\nallow read "**"\n')
    (tmp_path / "p.policy").write_text(
        'policy "p"\nimport "more.policy"\nwithin "top.policy"\nallow read "a"\nfreeze when 1 denials within 1s\n'
    )
    policy = Policy.load(str(tmp_path / "p.policy"))
    assert sorted(f.denials for f in policy.policy_set.freezes) == [1, 5, 100]
    assert sorted(f.denials for f in policy.engine.prepared.freezes) == [1, 5, 100]


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("freeze when 0 denials within 5m", "PLE316"), ("freeze when 1001 denials within 5m", "PLE316"), ("freeze when 3 denials within 0s", "PLE316"),
        ("freeze when 3 denials within 31d", "PLE316"), ("freeze when 99999999999999999999 denials within 5m", "PLE316"),
        ("freeze when denials within 5m", "PLE110"), ("freeze 3 denials within 5m", "PLE110"), ("freeze when 3 denials", "PLE110"),
        ("freeze when 3 denial within 5m", "PLE110"), ('agent "x" { freeze when 3 denials within 5m }', "PLE503"),
        ('let freeze = "x"\nallow read freeze', "PLE112"),
    ],
)  # fmt: skip
def test_mistakes(statement: str, code: str) -> None:
    assert code in codes(BASE + statement)


def test_the_limits_and_the_word() -> None:
    Policy.loads(BASE + "freeze when 1 denials within 1s\nfreeze when 1000 denials within 30d")
    Policy.loads(BASE + 'let denials = "x"\nallow read denials')


@pytest.mark.parametrize(
    ("name", "statement", "code"),
    [
        ("freeze_seconds", "freeze when 3 denials within {}s", "PLE316"),
        ("tier_expiry_seconds", 'tier people {{ approvers "@a" expires {}s }}', "PLE313"),
        ("quorum", 'tier people {{ approvers "@a" quorum {} }}', "PLE313"),
    ],
)
def test_times_and_numbers_of_people_end_where_the_table_says(name: str, statement: str, code: str) -> None:
    Policy.loads(BASE + statement.format(limit(name)))
    assert codes(BASE + statement.format(limit(name) + 1)) == [code]
