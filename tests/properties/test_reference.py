"""Engine and reference semantics give the same decision on generated policies and requests."""

from __future__ import annotations

import pytest
from hypothesis import note
from hypothesis import strategies as st

from tests.lanes import PARTS, pick, run_part
from tests.reference import semantics as ref

from .strategies import files, policies, requests
from .support import ask, load

POLICIES, DECISIONS = pick(60, 60, 1_000), pick(1_250, 1_250, 125_000)
"""Policies in a round, and the least decisions of a part."""
REQUESTS = pick(24, 24, 42)
_COUNT = {"decisions": 0, "allow": 0, "ask": 0, "deny": 0}


def _agree(data: st.DataObject) -> None:
    policy = data.draw(policies())
    loaded = load(policy)
    if loaded is None:
        return
    for _ in range(REQUESTS):
        request = data.draw(requests(policy))
        effect, tiers = ref.decide(policy, request)
        decision = ask(loaded, request)
        _COUNT["decisions"] += 1
        _COUNT[effect] += 1
        if (decision.effect, set(decision.tiers)) != (effect, tiers):
            note("\n".join(f"--- {n}\n{t}" for n, t in files(policy).items()))
            note(repr(request))
            note(repr(decision))
        assert (decision.effect, set(decision.tiers)) == (effect, tiers)


@pytest.mark.parametrize("part", PARTS)
def test_engine_and_reference_agree(part: int) -> None:
    _COUNT.update(dict.fromkeys(_COUNT, 0))
    run_part(part, _agree, POLICIES, lambda: _COUNT["decisions"] >= DECISIONS)
    assert _COUNT["decisions"] >= DECISIONS
    assert min(_COUNT["allow"], _COUNT["ask"], _COUNT["deny"]) > _COUNT["decisions"] // 50
