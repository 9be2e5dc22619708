"""A compiled policy decides as its source does, whatever the policy and the request."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from policy_lang import Policy
from policy_lang.compiled.codec import DamagedError, pack, unpack
from policy_lang.compiled.profiles import packed, unpacked
from policy_lang.compiled.reader import Contents
from policy_lang.compiled.writer import Origin, write
from policy_lang.compiler.profiles import builtin, builtin_names
from policy_lang.engine.pdp import Engine
from tests.lanes import share

from .strategies import policies, requests
from .support import ask, load

ORIGIN = Origin("1", "1", "p", ())

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4).map(tuple),
    max_leaves=20,
)


def twin(policy: Policy) -> Policy:
    """The same policy by way of its compiled form. Profiles are compared by a test of their own."""
    return Policy(Engine(Contents(write(policy.engine.prepared, ORIGIN, {})).prepared, profiles=policy.engine.profiles))


@settings(max_examples=share(150, 5_000))
@given(st.data())
def test_decisions_are_the_same(data: st.DataObject) -> None:
    policy = data.draw(policies())
    loaded = load(policy)
    if loaded is None:
        return
    compiled = twin(loaded)
    assert compiled.digest == loaded.digest
    for _ in range(16):
        request = data.draw(requests(policy))
        one, two = ask(loaded, request), ask(compiled, request)
        assert (one.effect, one.tiers, one.rules, one.reasons, one.obligations, one.opaque) == (
            two.effect, two.tiers, two.rules, two.reasons, two.obligations, two.opaque,
        )  # fmt: skip
        assert [(e.action, e.resource, e.verdict.effect, e.verdict.support) for e in one.effects] == [
            (e.action, e.resource, e.verdict.effect, e.verdict.support) for e in two.effects
        ]


@given(PLAIN)
def test_a_value_comes_back(value: object) -> None:
    data = pack(value)
    back = unpack(data)
    assert back == value
    assert pack(back) == data


@settings(max_examples=share(300, 20_000))
@given(st.binary(max_size=60))
def test_other_bytes_are_a_value_or_damaged(data: bytes) -> None:
    try:
        value = unpack(data)
    except DamagedError:
        return
    assert unpack(pack(value)) == value


def test_every_profile_comes_back() -> None:
    for name in builtin_names():
        profile = builtin(name)
        assert profile is not None
        assert unpacked(unpack(pack(packed(profile)))) == profile, name
