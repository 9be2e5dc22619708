"""What people grant is the policy with rules in it: it never permits what a denial, a ceiling or the floor forbids."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from hypothesis import note
from hypothesis import strategies as st

from policy_lang import Policy, PolicyError
from policy_lang.compiler.load import compile_file
from policy_lang.daemon.weighing.comparing import with_rules
from policy_lang.domain.errors import RequestError
from tests.lanes import PARTS, pick, run_part
from tests.reference import semantics as ref

from .strategies import AGENTS, SORTS, files, policies, requests, rule_text, rules
from .support import FOLDER, IMPOSSIBLE, ask, load

POLICIES, DECISIONS = pick(40, 60, 1_000), pick(400, 800, 20_000)
_COUNT = {"decisions": 0, "newly": 0, "forbidden": 0}


def _granted(policy: ref.Policy, agent: str, text: str) -> Policy | None:
    """The engine's policy with what was granted, made as the service makes it."""
    texts = {os.path.join(FOLDER, name): whole for name, whole in files(policy).items()}
    main = next(iter(texts))
    texts[main] = with_rules(texts[main], main, agent, [text])
    try:
        return Policy._of(compile_file(main, read=lambda path, _: texts[path].encode()))
    except PolicyError as error:
        assert {d.code for d in error.diagnostics} <= IMPOSSIBLE, texts[main]
        return None


def _with(policy: ref.Policy, rule: ref.Rule) -> ref.Policy:
    return replace(policy, root=replace(policy.root, rules=[*policy.root.rules, rule]))


def _forbidden(policy: ref.Policy, request: ref.Request) -> bool:
    """Whether a rule denies it, or a ceiling does not permit it, by the reference alone."""
    values = ref.known(policy, request)
    for _, found in ref.layers(policy.root, []):
        if any(r.effect == "deny" and ref.truth(r, request, values) == ref.YES for _, r in found):
            return True
    ceilings = [c for c in policy.root.ceilings if not c.guardrail]
    return any(ref.decide(replace(policy, root=c), request)[0] == "deny" for c in ceilings)


def _agree(data: st.DataObject) -> None:
    policy = data.draw(policies())
    if load(policy) is None:
        return
    agent = data.draw(st.sampled_from([a for a in AGENTS if a]))
    drawn = data.draw(rules(sort=data.draw(st.sampled_from(list(SORTS)))))
    rule = replace(drawn, effect="allow", tier="", override=False, scopes=[])
    try:
        granted = _granted(policy, agent, rule_text(rule))
    except RequestError:
        return  # `opaque`, or what is no rule
    if granted is None:
        return
    only = [("==", "agent", agent)]
    expected = _with(policy, replace(rule, scopes=only))
    for _ in range(12):
        request = data.draw(requests(expected))
        asked = replace(request, agent=agent)
        forbidden = _forbidden(policy, asked)
        for one in (asked, request):
            got = ask(granted, one)
            wanted = ref.decide(expected, one)
            if (got.effect, set(got.tiers)) != wanted:
                note(repr((rule, one, got)))
            assert (got.effect, set(got.tiers)) == wanted  # it is the policy with that rule, and no other
            if one.agent != agent:
                assert wanted == ref.decide(policy, one)  # and of nobody else
        if forbidden:
            assert ask(granted, asked).effect == "deny"
        _COUNT["decisions"] += 1
        _COUNT["forbidden"] += forbidden
        _COUNT["newly"] += ref.decide(policy, asked)[0] == "deny" and ask(granted, asked).effect != "deny"


@pytest.mark.parametrize("part", PARTS)
def test_what_is_granted_stays_below_denials_ceilings_and_the_floor(part: int) -> None:
    _COUNT.update(dict.fromkeys(_COUNT, 0))
    run_part(part, _agree, POLICIES, lambda: _COUNT["decisions"] >= DECISIONS)
    assert _COUNT["decisions"] >= DECISIONS
    assert min(_COUNT["newly"], _COUNT["forbidden"]) > _COUNT["decisions"] // 50, _COUNT
