"""Queries about some rules alone: what they grant, and no other rule does."""

from __future__ import annotations

import pytest

from policy_lang import Policy
from policy_lang.analysis.query import query


@pytest.mark.parametrize(
    ("action", "others", "own", "found"),
    [
        ("read", '"docs/a", "docs/b"', '"docs/*"', True),
        ("read", '"docs/**"', '"docs/*"', False),
        ("read", '"docs/a", "docs/b"', '"docs/{a,b}"', False),
        ("run", '"make a"', '"make *"', True),
        ("run", '"make **"', '"make *"', False),
        ("push", '"topic/a"', '"topic/**"', True),
        ("connect", '"https://a.example/x"', '"https://a.example/**"', True),
        ("connect", '"a.example"', '"https://a.example/**"', False),
    ],
)  # fmt: skip
def test_what_only_these_rules_grant(action: str, others: str, own: str, found: bool) -> None:
    policy = Policy.loads(f'policy "p"\nallow {action} {others}\nrule own: allow {action} {own}\n')
    less = frozenset(r.id for r in policy.policy_set.layers[0].rules) - {"p#own"}
    without = Policy.loads(f'policy "p"\nallow {action} {others}\n')
    answer = query(
        policy.engine, (action,), only=frozenset({"p#own"}), less=less,
        accept=lambda w: without.decide_request(w.request(without.policy_set)).effect == "deny",
    )  # fmt: skip
    assert (bool(answer.grants), answer.undecided) == (found, [])
