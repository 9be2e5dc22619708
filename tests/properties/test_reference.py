"""Engine and reference semantics give the same decision on generated policies and requests."""

from __future__ import annotations

import os

from hypothesis import Phase, given, note, settings
from hypothesis import strategies as st

from tests.reference import semantics as ref

from .strategies import files, policies, requests
from .support import ask, load

DEEP = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
POLICIES = 50_000 if DEEP else 900
REQUESTS = 42 if DEEP else 24
EXTRA = {"phases": [Phase.generate]} if os.environ.get("NOSHRINK") else {}
_COUNT = {"decisions": 0, "allow": 0, "ask": 0, "deny": 0}


@settings(max_examples=POLICIES, **EXTRA)
@given(st.data())
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


def test_engine_and_reference_agree() -> None:
    _COUNT.update(dict.fromkeys(_COUNT, 0))
    _agree()
    assert _COUNT["decisions"] >= (1_000_000 if DEEP else 10_000)
    assert min(_COUNT["allow"], _COUNT["ask"], _COUNT["deny"]) > _COUNT["decisions"] // 50
