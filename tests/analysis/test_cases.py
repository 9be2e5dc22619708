"""Cases of conditions: exactly those that trying every value finds, also where one option stands for others like it."""

from __future__ import annotations

import itertools
import time
from random import Random

import pytest

from policy_lang import Policy
from policy_lang.analysis.cases import FALSE, OPEN, TRUE, UNKNOWN, Cases, both, either, negated, outcome
from policy_lang.analysis.diff import diff
from policy_lang.domain.conditions import Atom, Formula, Join, join

SUBJECTS = [f"{UNKNOWN}option -{letter}" for letter in "abcde"]
BITS = (TRUE, FALSE, OPEN)


def formula(draw: Random, depth: int = 3) -> Formula:
    kind = draw.random()
    if depth == 0 or kind < 0.3:
        return Atom(draw.choice(SUBJECTS), "==", (True,))
    if kind < 0.4:
        return Join("not", (formula(draw, depth - 1),))
    parts = [formula(draw, depth - 1) for _ in range(draw.randint(1, 4))]
    return join("or" if kind < 0.8 else "and", parts)


def test_an_answer_about_cases_is_what_trying_every_value_finds() -> None:
    merged = 0
    for seed in range(600):
        draw = Random(seed)
        formulas = [formula(draw) for _ in range(draw.randint(1, 3))]
        demands = [(f, draw.choice([1, 2, 3, 4, 5, 6])) for f in formulas]
        tried = (
            dict(zip(SUBJECTS, values, strict=True)) for values in itertools.product([True, False, None], repeat=5)
        )
        expected = any(all(outcome(f, case) & allowed for f, allowed in demands) for case in tried)
        cases = Cases(formulas, {})
        merged += bool(cases.together)
        assert bool(cases.agents(frozenset((cases.small(f), a) for f, a in demands))) is expected, (seed, demands)
    assert merged > 50


def test_options_with_values_that_are_alike_do_what_all_of_them_can() -> None:
    given = [Atom(f"{UNKNOWN}option -{n}", "==", (True,)) for n in range(4)]
    valued = [Atom(f"{UNKNOWN}option -{n}=x", "==", (True,)) for n in range(4)]
    one, other = join("or", given), join("or", [join("and", pair) for pair in zip(given, valued, strict=True)])
    cases = Cases([one, other], {})
    assert len([s for s in cases.values if s.startswith(UNKNOWN)]) == 4  # of eight
    subjects = [a.subject for a in (*given, *valued)]
    reached = {
        tuple(outcome(f, dict(zip(subjects, values, strict=True))) for f in (one, other))
        for values in itertools.product([True, False, None], repeat=8)
    }
    for outcomes in itertools.product(BITS, repeat=2):
        demands = frozenset(zip(map(cases.small, (one, other)), outcomes, strict=True))
        assert bool(cases.agents(demands)) is (outcomes in reached), outcomes


@pytest.mark.parametrize("first", range(1, 8))
def test_the_outcomes_of_a_join_are_those_of_its_parts(first: int) -> None:
    def known(mask: int) -> list[bool | None]:
        return [v for v, bit in zip((True, False, None), BITS, strict=True) if mask & bit]

    one, two = Atom("a", "==", (True,)), Atom("b", "==", (True,))
    for second in range(1, 8):
        pairs = [{"a": a, "b": b} for a in known(first) for b in known(second)]
        for found, op in ((both, "and"), (either, "or")):
            expected = 0
            for values in pairs:
                expected |= outcome(Join(op, (one, two)), values)  # type: ignore[arg-type]
            assert found(first, second) == expected
    assert negated(first) == sum(outcome(Join("not", (one,)), {"a": v}) for v in known(first))  # type: ignore[dict-item]


def test_globs_of_options_are_compared_in_time() -> None:
    """Each stands for every option of its program, of which most are alike."""
    head = 'policy "p"\ntier review { approvers "@p" }\nallow run "docker run **"\n'
    old = head + 'ask review run "docker run -* **" with "--rm"\n'
    new = head + 'ask review run "docker run --* **" with "--rm"\ndeny run "docker run -* img **" without "-v"\n'
    began = time.process_time()
    found = diff(Policy.loads(old).engine, Policy.loads(new).engine, sample=False)
    assert {r.kind for r in found.rows} == {"narrowed"}
    assert not found.undecided
    assert time.process_time() - began < 20
