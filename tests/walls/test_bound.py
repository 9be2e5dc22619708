"""Sockets bound inside are known by what they are, as many as there is room for."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from policy_lang.domain.limits import limit
from policy_lang.walls.bound import BoundSockets

MOST = limit("walls_sockets")


def bound(path: Path) -> int:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))
    return os.open(path, os.O_PATH)


@pytest.fixture
def near(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which names are short enough for a socket's address."""
    monkeypatch.chdir(tmp_path)
    return Path()


@pytest.fixture
def known() -> Iterator[BoundSockets]:
    """None yet, and let go at the end."""
    made = BoundSockets()
    yield made
    made.close()


def has(known: BoundSockets, name: str) -> bool:
    place = os.open(name, os.O_PATH)
    try:
        return known.has(place)
    finally:
        os.close(place)


def test_a_socket_that_was_bound_is_known_and_another_is_not(near: Path, known: BoundSockets) -> None:
    known.add(bound(near / "a"))
    assert has(known, "a")
    os.close(bound(near / "b"))
    assert not has(known, "b")


def test_the_number_of_one_whose_name_is_gone_is_not_given_to_another(near: Path, known: BoundSockets) -> None:
    """ext4 gives a number away at once."""
    for number in range(20):
        known.add(bound(near / "a"))
        os.unlink("a")
        other = bound(near / f"other-{number}")
        assert not known.has(other)
        os.close(other)


def test_as_many_as_there_is_room_for_are_known(near: Path, known: BoundSockets) -> None:
    for number in range(MOST):
        known.add(bound(near / str(number)))
    assert has(known, "0")
    known.add(bound(near / "more"))
    assert not has(known, "0")
    assert has(known, "1")
    assert has(known, "more")


def test_those_whose_name_is_gone_make_room_first(near: Path, known: BoundSockets) -> None:
    for number in range(MOST):
        known.add(bound(near / str(number)))
    os.unlink("7")
    known.add(bound(near / "more"))
    assert has(known, "0")
    assert has(known, "more")
