"""Globs that only the engine writes: one or more characters of a set."""

from __future__ import annotations

import itertools
import re

import pytest

from policy_lang.automata.alphabet import Alphabet
from policy_lang.automata.budget import Budget
from policy_lang.automata.glob import REPEATED, Glob
from policy_lang.automata.letters import letters

DIGITS = f"[0-9]{REPEATED}"
GLOBS = {
    f"x.{DIGITS}": r"x\.[0-9]+", DIGITS: "[0-9]+", f"{DIGITS}*": "[0-9].*", f"*{DIGITS}x": ".*[0-9]+x", f"{DIGITS}{DIGITS}": "[0-9]{2,}",
    f"{DIGITS}1": "[0-9]+1", f"{DIGITS}[0-9-]{REPEATED}x": "[0-9]+[0-9-]+x", f"?{DIGITS}*{DIGITS}": ".[0-9].*[0-9]",
}  # fmt: skip


@pytest.mark.parametrize("text", GLOBS)
def test_it_matches_what_the_expression_does(text: str) -> None:
    glob = Glob(text)
    for size in range(5):
        for chars in itertools.product("01x.-", repeat=size):
            name = "".join(chars)
            assert glob.matches(name) is (re.fullmatch(GLOBS[text], name) is not None), name


def test_it_meets_other_globs_exactly() -> None:
    found = letters(
        [Glob(f"x.{DIGITS}"), Glob("*.plc"), Glob("x.?")], [], Alphabet("segment", (), frozenset()), Budget()
    )
    kinds = {tuple(Glob(t).matches(s) for t in (f"x.{DIGITS}", "*.plc", "x.?")) for s in found}
    assert (True, False, True) in kinds
    assert (True, False, False) in kinds
    assert not any(first and second for first, second, _ in kinds)


@pytest.mark.parametrize("text", GLOBS)
def test_it_has_members(text: str) -> None:
    filled = Glob(text).filled("z")
    assert filled is not None
    assert Glob(text).matches(filled)
