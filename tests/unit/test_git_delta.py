"""Differences between objects of git: what they make, and that whatever is none of them is refused as such."""

from __future__ import annotations

import pytest

from policy_lang.facts.git_delta import DeltaError, patched

BASE = bytes(range(200)) * 400
WHOLE = b"\x80\xf1\x04" + b"\x0d" + b"\x97\x05\x02\x01\x0a" + b"\x03abc"
"""To 80,000 bytes, making 13: ten of them from a place of three bytes, three of its own."""


def test_pieces_of_the_base_and_its_own_bytes() -> None:
    assert patched(BASE, WHOLE, 13) == BASE[0x010205 : 0x010205 + 10] + b"abc"
    assert patched(BASE, b"\x80\xf1\x04\x80\x80\x04\x80", 0x10000) == BASE[:0x10000]  # no size is 64 KiB


@pytest.mark.parametrize("end", range(len(WHOLE)))
def test_what_ends_too_soon_is_refused(end: int) -> None:
    with pytest.raises(DeltaError):
        patched(BASE, WHOLE[:end], 13)


@pytest.mark.parametrize(
    "delta",
    [b"\x05" + WHOLE[3:], WHOLE + b"\x00", WHOLE + b"\x01x", b"\x80" * 20, WHOLE[:3] + b"\x0e" + WHOLE[4:]],
    ids=["another base", "an instruction that is none", "too much", "a size without an end", "too little"],
)
def test_what_is_no_difference_is_refused(delta: bytes) -> None:
    with pytest.raises(DeltaError):
        patched(BASE, delta, 1000)


def test_no_more_is_made_than_is_taken() -> None:
    with pytest.raises(DeltaError):
        patched(BASE, WHOLE, 12)
