"""One character of one glob changed: found, exactly when a path of a small universe is decided differently, or another."""

from __future__ import annotations

import itertools

import pytest

from policy_lang import Policy, PolicyError
from policy_lang.analysis.diff import diff

SEGMENTS = ["a", "b", "ab", "ba", "aab", "x", "a.b", ".a"]
UNIVERSE = ["/".join(p) for n in (1, 2, 3) for p in itertools.product(SEGMENTS, repeat=n)]


def load(pattern: str) -> Policy | None:
    try:
        return Policy.loads(f'policy "p" allow read "./" except "b/b" deny read "{pattern}"')
    except PolicyError:
        return None


@pytest.mark.parametrize("pattern", ["a*b", "**/a?", "[ab]x/*", "a/**/b", "{a,ab}/.a", "*.b/**", "a/?b/*a"])
def test_one_character(pattern: str) -> None:
    old = load(pattern)
    assert old is not None
    before = [old.decide(action="read", resource=path).effect for path in UNIVERSE]
    for at, char in itertools.product(range(len(pattern)), "ab*?x"):
        new = load(pattern[:at] + char + pattern[at + 1 :])
        if new is None:
            continue
        after = [new.decide(action="read", resource=path).effect for path in UNIVERSE]
        found = diff(old.engine, new.engine)
        assert not found.undecided
        kinds = {r.kind for r in found.rows}
        if any(b == "deny" != a for b, a in zip(before, after, strict=True)):
            assert "widened" in kinds
        if any(a == "deny" != b for b, a in zip(before, after, strict=True)):
            assert "narrowed" in kinds
        if found.same:
            assert before == after
        elif before == after:  # the witness lies outside the small universe, and the engines confirm it
            assert all(r.old.effect != r.new.effect for r in found.rows)
