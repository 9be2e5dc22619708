"""Policies with one fault each: the rule about it finds it, and shows what the policy answers."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomli

from tests.lint.support import context_of, found

PLANTED = tomli.loads(Path(__file__).with_name("planted.toml").read_text())


@pytest.mark.parametrize("name", PLANTED)
def test_the_fault_is_found(name: str) -> None:
    case = PLANTED[name]
    findings = found(case["policy"], select=(case["code"],))
    assert {f.code for f in findings} == {case["code"]}
    context = context_of(case["policy"])
    for step in (s for f in findings for s in f.steps):
        assert context.engine.decide(step.witness.request(context.policy)).effect == step.effect


def test_there_are_enough_of_them() -> None:
    assert len(PLANTED) >= 40
