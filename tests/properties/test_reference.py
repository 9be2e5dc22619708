"""Engine and reference semantics give the same decision on generated policies and requests."""

from __future__ import annotations

import pytest
from hypothesis import Phase, given, note, settings
from hypothesis import strategies as st

from tests.lanes import PARTS, pick, run_part
from tests.promises import tried
from tests.reference import semantics as ref

from .strategies import ATTRIBUTES, TIERS, files, policies, requests
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
    tried("I2", _COUNT["decisions"])


_NAMES = ["uninstall", "delete", "un", "list", "ls", "diff", "prod", "x"]
_SPELLED = [
    ["-n", "prod"], ["-nprod"], ["--namespace", "prod"], ["--namespace=prod"], ["-n", "x"], ["--set", "prod"],
    ["--set=x"], ["-A"], ["-a"], ["-q"], ["-aq"], ["-qa"], ["-Aqn", "prod"], ["--all"], ["--force"], ["--all-namespaces"],
]  # fmt: skip
_known_commands = st.lists(st.one_of(st.sampled_from(_NAMES).map(lambda w: [w]), st.sampled_from(_SPELLED)), max_size=4)
_known_patterns = st.builds(
    lambda parts, end: " ".join(["helm", *(w for p in parts for w in p), *end]),
    st.lists(st.one_of(st.sampled_from([*_NAMES, "*"]).map(lambda w: [w]), st.sampled_from(_SPELLED)), max_size=3),
    st.sampled_from([[], ["**"], ["**"]]),
)
_known_options = st.lists(
    st.sampled_from(["-n", "--namespace=prod", "-n=p*", "--set", "-aq", "--all", "--force", "-A"]), max_size=2
)


def test_a_program_that_is_known_is_read_as_the_reference_reads_it() -> None:
    @settings(max_examples=pick(300, 2_000, 20_000), phases=[Phase.generate])
    @given(
        st.sampled_from(["deny", "ask", "allow"]), _known_patterns, _known_patterns, _known_options, _known_options,
        st.lists(_known_commands, min_size=8, max_size=8),
    )  # fmt: skip
    def agree(
        effect: str, pattern: str, other: str, with_: list[str], without: list[str], commands: list[list[list[str]]]
    ) -> None:
        tier = "review" if effect == "ask" else ""
        restricting = ref.Rule(effect, ["run"], [pattern], tier=tier, with_=with_, without=without)
        if effect == "allow":
            restricting.exclude = [other]
        rules = [restricting] if effect == "allow" else [restricting, ref.Rule("allow", ["run"], ["helm **"])]
        policy = ref.Policy(ref.Module("m1", rules=rules), TIERS, ATTRIBUTES)
        loaded = load(policy)
        if loaded is None:
            return
        for parts in commands:
            request = ref.Request("run", ["helm", *(w for p in parts for w in p)])
            expected = ref.decide(policy, request)
            decision = ask(loaded, request)
            assert (decision.effect, set(decision.tiers)) == expected, (files(policy), request.resource, decision)

    agree()
