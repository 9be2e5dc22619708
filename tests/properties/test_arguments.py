"""Arguments of calls: decided as the reference says, compiled or not, and told apart exactly."""

from __future__ import annotations

from typing import Any

from hypothesis import given, note, settings
from hypothesis import strategies as st

from policy_lang import Policy, PolicyError
from policy_lang.analysis.diff import diff
from policy_lang.analysis.prove import prove
from tests.lanes import share
from tests.reference import semantics as ref

from .strategies import argument_conditions, arguments, condition_text
from .test_compiled import twin

HEAD = 'policy "p"\ncontext { env: "dev" | "prod" }\ntier review { approvers "@x" }\n'
TOOL = "t.x"
Rules = list[tuple[str, Any]]
rules = st.lists(
    st.tuples(st.sampled_from(["allow", "allow", "deny", "ask"]), argument_conditions), min_size=1, max_size=3
)
REPOS = (None, "acme/web", "Acme/web", "x")
cases = st.lists(
    st.tuples(arguments, st.sampled_from(REPOS), st.sampled_from([None, "dev", "prod"])), min_size=25, max_size=25
)


def text_of(found: Rules) -> str:
    words = {"allow": "allow", "deny": "deny", "ask": "ask review"}
    return HEAD + "".join(f'{words[e]} call "{TOOL}" when {condition_text(c)}\n' for e, c in found)


def loaded(found: Rules) -> Policy | None:
    """The policy, None where a condition cannot hold, which is a mistake."""
    try:
        return Policy.loads(text_of(found))
    except PolicyError as error:
        assert {d.code for d in error.diagnostics} == {"PLE403"}, error
        return None


def judged(found: Rules) -> ref.Policy:
    made = [ref.Rule(e, ["call"], [TOOL], tier="review" if e == "ask" else "", scopes=[c]) for e, c in found]
    return ref.Policy(ref.Module("p", rules=made), {"review": []}, {"env": None})


def expected(found: Rules, case: Any) -> str:
    given_, repo, env = case
    context = {} if env is None else {"env": env}
    return ref.decide(judged(found), ref.Request("call", TOOL, repo=repo, arguments=given_, context=context))[0]


def asked(policy: Policy, case: Any) -> str:
    given_, repo, env = case
    context = {} if env is None else {"env": env}
    return policy.decide(action="call", resource=TOOL, repo=repo, arguments=given_, context=context).effect


@settings(max_examples=share(250, 5_000), deadline=None)
@given(rules, cases)
def test_they_are_decided_as_the_reference_says(found: Rules, wanted: list[Any]) -> None:
    policy = loaded(found)
    if policy is None:
        return
    compiled = twin(policy)
    for case in wanted:
        note(text_of(found))
        assert asked(policy, case) == expected(found, case), case
        assert asked(compiled, case) == asked(policy, case), case


@settings(max_examples=share(150, 3_000), deadline=None)
@given(argument_conditions, cases)
def test_a_condition_that_cannot_hold_never_does(condition: Any, wanted: list[Any]) -> None:
    if loaded([("allow", condition)]) is None:
        for case in wanted:
            assert expected([("allow", condition)], case) == "deny", (condition_text(condition), case)


@settings(max_examples=share(200, 4_000), deadline=None)
@given(rules, rules, cases)
def test_two_policies_differ_exactly_where_the_reference_says(old: Rules, new: Rules, wanted: list[Any]) -> None:
    one, two = loaded(old), loaded(new)
    if one is None or two is None:
        return
    found = diff(one.engine, two.engine, sample=False)
    assert not found.undecided
    differing = [case for case in wanted if expected(old, case) != expected(new, case)]
    note(text_of(old))
    note(text_of(new))
    for case in differing:
        before, after = expected(old, case), expected(new, case)
        kind = (
            "widened"
            if before == "deny"
            else "narrowed"
            if after == "deny"
            else "raised"
            if after == "ask"
            else "lowered"
        )
        assert any(row.kind == kind for row in found.rows), (case, kind)
    for row in found.rows:
        given_ = row.witness.given
        case = (row.witness.arguments, given_.get("repo"), given_.get("env"))
        assert expected(old, case) != expected(new, case), row


@settings(max_examples=share(120, 2_000), deadline=None)
@given(rules, cases)
def test_a_claim_is_proved_exactly_where_it_holds(found: Rules, wanted: list[Any]) -> None:
    if loaded(found) is None:
        return
    policy = Policy.loads(f'{text_of(found)}\nprove "c" {{ never allow call "{TOOL}" }}\n')
    (proof,) = prove(policy.engine)
    allowed = any(expected(found, case) == "allow" for case in wanted)
    note(text_of(found))
    assert proof.verdict in {"proved", "refuted"}
    assert not (allowed and proof.verdict == "proved")
