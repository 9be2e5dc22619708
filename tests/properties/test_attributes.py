"""Attributes that are compared with each other: decided as the reference says, and told apart exactly."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from policy_lang import Policy
from policy_lang.analysis.diff import diff
from policy_lang.analysis.prove import prove
from tests.lanes import share
from tests.reference import semantics as ref

from .strategies import condition_text

NAMES = ("agent", "owner", "repo", "team")
VALUES = (None, "a", "core", "somebody", "x/y")
HEAD = 'policy "p"\ncontext { owner: string  team: string = "core" }\n'
"""Of all values the reference is asked about each; `team` is never absent."""

atoms = st.one_of(
    st.tuples(st.just("same"), st.sampled_from(NAMES), st.sampled_from(NAMES)).filter(lambda a: a[1] != a[2]),
    st.tuples(st.just("same"), st.sampled_from(NAMES), st.sampled_from(NAMES)).filter(lambda a: a[1] != a[2]),
    st.tuples(st.sampled_from(["==", "!="]), st.sampled_from(NAMES), st.sampled_from(VALUES[1:])),
)
conditions = st.recursive(
    atoms,
    lambda inner: st.one_of(
        inner.map(lambda c: ("not", c)),
        st.lists(inner, min_size=2, max_size=3).map(lambda cs: ("and", *cs)),
        st.lists(inner, min_size=2, max_size=3).map(lambda cs: ("or", *cs)),
    ),
    max_leaves=4,
)
Rules = list[tuple[str, Any]]
rules = st.lists(st.tuples(st.sampled_from(["allow", "allow", "deny"]), conditions), min_size=1, max_size=3)
CASES = [dict(zip(NAMES, found, strict=True)) for found in itertools.product(VALUES, repeat=4)]


def loaded(found: Rules) -> Policy | None:
    """The policy, None where a condition cannot hold, which is a mistake."""
    lines = [f'{effect} do "x" when {condition_text(condition)}' for effect, condition in found]
    made = [found[i] for i, line in enumerate(lines) if _holds_for_some(found[i][1])]
    if len(made) < len(found):
        return None
    return Policy.loads(HEAD + "\n".join(lines) + "\n")


def _holds_for_some(condition: Any) -> bool:
    others = ("b", "c", "d", "e")  # values that nothing speaks of, so that all may differ
    every = (dict(zip(NAMES, v, strict=True)) for v in itertools.product((*VALUES, *others), repeat=4))
    return any(ref.condition(condition, {**v, "team": v["team"] or "core"}) == ref.YES for v in every)


def expected(found: Rules, case: dict[str, str | None]) -> str:
    values = {**case, "team": case["team"] or "core"}
    truths = [(effect, ref.condition(condition, values)) for effect, condition in found]
    if any(effect == "deny" and truth != ref.NO for effect, truth in truths):
        return "deny"
    return "allow" if any(effect == "allow" and truth == ref.YES for effect, truth in truths) else "deny"


def asked(policy: Policy, case: dict[str, str | None]) -> str:
    context = {name: case[name] for name in ("owner", "team") if case[name] is not None}
    return policy.decide(action="do", resource="x", agent=case["agent"], repo=case["repo"], context=context).effect


@settings(max_examples=share(120, 2_000), deadline=None)
@given(rules)
def test_they_are_decided_as_the_reference_says(found: Rules) -> None:
    policy = loaded(found)
    for case in CASES if policy is not None else ():
        assert asked(policy, case) == expected(found, case), (found, case)  # type: ignore[arg-type]


@settings(max_examples=share(120, 2_000), deadline=None)
@given(rules, rules)
def test_two_policies_differ_exactly_where_the_reference_says(old: Rules, new: Rules) -> None:
    one, two = loaded(old), loaded(new)
    if one is None or two is None:
        return
    found = diff(one.engine, two.engine)
    differing = [case for case in CASES if expected(old, case) != expected(new, case)]
    assert not found.undecided
    assert bool(found.rows) or not differing, (old, new, differing[:1])
    for row in found.rows:
        effects = [p.decide_request(row.witness.request(p.engine.policy)).effect for p in (one, two)]
        assert effects[0] != effects[1], (old, new, row)


@settings(max_examples=share(120, 2_000), deadline=None)
@given(rules)
def test_a_claim_is_proved_exactly_where_it_holds(found: Rules) -> None:
    if loaded(found) is None:
        return
    lines = "\n".join(f'{effect} do "x" when {condition_text(condition)}' for effect, condition in found)
    policy = Policy.loads(f'{HEAD}{lines}\nprove "c" {{ never allow do "x" }}\n')
    (proof,) = prove(policy.engine)
    allowed = any(expected(found, case) == "allow" for case in CASES)
    assert proof.verdict in {"proved", "refuted"}
    assert not (allowed and proof.verdict == "proved"), found
