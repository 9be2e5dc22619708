"""The table of promises: its tests are there and tell of it, and the page says the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.promises import PROMISES, Promise
from tests.scoreboard import judge, nodes

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/explanation/reliability.md").read_text()


@pytest.mark.parametrize("promise", PROMISES, ids=lambda p: p.name)
def test_a_promise_has_tests_that_tell_of_it_and_stands_on_the_page(promise: Promise) -> None:
    check, deep, full = promise.counts
    assert check <= deep <= full
    assert f"| {promise.name} | {promise.injected} | {check:,} / {full:,} | {promise.holds} |" in PAGE
    assert all(f"`{name}`" in PAGE for name in (*promise.most, *promise.least))
    told = ""
    for test in promise.tests:
        file, _, name = test.partition("::")
        told += (text := (ROOT / file).read_text())
        assert not name or re.search(rf"def test_\w*{name[1:]}_" if name[0] == "@" else rf"def {name}\(", text), test
    assert not promise.tests or re.search(rf'tried\(\s*"{promise.name}"', told)
    assert all((f"{name}=" in told or f'"{name}"' in told) for name in (*promise.most, *promise.least))


def test_a_figure_outside_its_bound_is_missed() -> None:
    promise = Promise("X", "i", (1, 2, 3), "h", most={"ms": 10}, least={"rate": 5})
    for told, result, done in (
        ([(2, {"ms": 10, "rate": 5})], "held", 2), ([(2, {"ms": 11, "rate": 5})], "MISSED", 2), ([(2, {"ms": 1, "rate": 4})], "MISSED", 2),
        ([(1, {"ms": 1, "rate": 9})], "MISSED", 1), ([(1, {"ms": 1, "rate": 9}), (1, {"rate": 4})], "MISSED", 2), ([(2, {"ms": 1})], "MISSED", 2),
    ):  # fmt: skip
        row = {"wanted": 2, "done": 0}
        judge(promise, row, [{"times": times, "figures": figures} for times, figures in told])
        assert (row["result"], row["done"]) == (result, done), told


def test_tests_of_a_promise_may_be_chosen_by_a_word() -> None:
    promise = Promise("X", "i", (1, 1, 1), "h", ("tests/a.py::test_b", "tests/c.py"))
    assert nodes(promise) == ["tests/a.py::test_b", "tests/c.py"]
    assert nodes(Promise("X", "i", (1, 1, 1), "h", ("tests/a.py::@f15",))) == ["tests/a.py", "-k", "f15"]
