"""What fuzzing has kept and found, once more in every check."""

from __future__ import annotations

import random
import time

import pytest

from tests.lanes import LANE
from tests.promises import count, tried

from . import corpus_files, reached
from .targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_the_corpus_finds_nothing(name: str) -> None:
    inputs = corpus_files.read(name)
    assert inputs
    for data in inputs:
        TARGETS[name](data)


@pytest.mark.parametrize("name", TARGETS)
def test_any_bytes_are_a_value_or_an_error_in_time(name: str) -> None:
    chance = random.Random(None if LANE == "nightly" else name)
    pool = corpus_files.read(name)
    times = -(-count("I1") // len(TARGETS))
    TARGETS[name](pool[0])  # what is made once, is
    took = []
    for _ in range(times):
        data = reached.mutated(chance, pool)
        began = time.process_time()
        try:
            TARGETS[name](data)
        except Exception as error:
            raise AssertionError(f"{name}: {data!r}") from error
        took.append(time.process_time() - began)
    took.sort()
    bounded = (
        "compiled_ms" if name in {"policy", "permissions"} else "p999_ms"
    )  # a whole policy is compiled once, and no caller waits for it
    tried("I1", times, **{bounded: took[int(times * 0.999)] * 1000})


def test_the_corpora_are_small_and_of_targets() -> None:
    files = sorted(corpus_files.FOLDER.iterdir())
    assert {p.stem for p in files} == TARGETS.keys()
    assert sum(p.stat().st_size for p in files) <= corpus_files.MOST


def test_the_guide_finds_what_chance_would_not() -> None:
    def target(data: bytes) -> None:
        from policy_lang.domain.strict_json import MalformedError, load

        try:
            value = load(data)
        except MalformedError:
            return
        assert value != {}

    tried, _, found = reached.search(target, [b"[{]"], seconds=20, seed=1)
    assert found is not None, tried
