"""Which lines of ours an input reaches: how the corpus is kept small, and the guide where atheris is not installed."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType
from typing import Any

OURS = str(Path(__file__).parents[2] / "policy_lang")
Line = tuple[int, int]


def lines_of(target: Callable[[bytes], None], data: bytes) -> set[Line]:
    """The pairs of code and line that run for an input. What the target raises passes through."""
    found: set[Line] = set()

    def line(frame: FrameType, event: str, _: object) -> Any:
        found.add((id(frame.f_code), frame.f_lineno))
        return line

    def call(frame: FrameType, event: str, _: object) -> Any:
        return line if frame.f_code.co_filename.startswith(OURS) else None

    sys.settrace(call)
    try:
        target(data)
    finally:
        sys.settrace(None)
    return found


def smallest(target: Callable[[bytes], None], inputs: Iterable[bytes], most: int) -> list[bytes]:
    """Of the inputs those that reach a line that no shorter one reaches, as many as fit into so many bytes."""
    seen: set[Line] = set()
    kept: list[bytes] = []
    for data in sorted(set(inputs), key=lambda i: (len(i), i)):
        reached = lines_of(target, data)
        if not reached <= seen and len(data) <= most:
            seen |= reached
            kept.append(data)
            most -= len(data)
    return kept


def mutated(chance: random.Random, pool: list[bytes]) -> bytes:
    """An input with a few bytes changed, left out, doubled, or taken from another one."""
    data = bytearray(chance.choice(pool))
    for _ in range(chance.choice((1, 1, 2, 4, 8))):
        at = chance.randrange(len(data) + 1)
        kind = chance.randrange(5)
        if kind == 0:
            data[at:at] = bytes([chance.randrange(256)])
        elif kind == 1:
            data[at : at + 1] = bytes([chance.choice(b"\0 \"'\\/*?[]{}()<>|&;$`~-=:.,#!%@\n\xc3\xff09aZ")])
        elif kind == 2:
            del data[at : at + chance.choice((1, 2, 8))]
        elif kind == 3:
            data[at:at] = data[at : at + 16]
        else:
            other = chance.choice(pool)
            start = chance.randrange(len(other) + 1)
            data[at:at] = other[start : start + chance.choice((2, 8, 64))]
    return bytes(data[:4096])


def search(
    target: Callable[[bytes], None], pool: list[bytes], seconds: float, seed: int
) -> tuple[int, list[bytes], bytes | None]:
    """Mutate what reaches new lines until the time is over or something is found: how many were tried, the pool, the find."""
    chance = random.Random(seed)
    pool = pool or [b""]
    seen: set[Line] = set()
    for data in pool:
        seen |= lines_of(target, data)
    tried, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        data = mutated(chance, pool)
        tried += 1
        try:
            reached = lines_of(target, data)
        except Exception:  # noqa: BLE001 (that is what is looked for)
            return tried, pool, data
        if not reached <= seen:
            seen |= reached
            pool.append(data)
    return tried, pool, None
