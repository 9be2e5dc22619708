"""Verification of a log: whether it is what was written, or the first record that is not."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field

from ..domain.strict_json import Json
from .chain import FIRST, DamagedRecordError, followed, opened
from .log import checkpoint_text, read_head
from .read import Line, LogReadError, log_files, log_lines

Check = Callable[[bytes, Json], bool]
"""Whether a checkpoint's signature over a text holds."""


@dataclass(slots=True)
class Verified:
    """What was found. `fault` names the first bad record; without one the chain is whole.

    `first` and `last` are numbers of records, `digest` the last one's; `signed` the number up to which a checkpoint
    with a good signature vouches. `notes` are the log's own records of what was lost, and when.
    """

    files: int = 0
    records: int = 0
    first: int = 0
    last: int = 0
    digest: str = FIRST
    log: str = ""
    signed: int = 0
    checkpoints: int = 0
    notes: list[Json] = field(default_factory=list)
    fault: str = ""


def verify(path: str, check: Check | None = None, expected: tuple[int, str] | None = None) -> Verified:
    """Follow a log's chain. `check` tests signatures; `expected` is a number and digest that were noted elsewhere.

    Raises LogReadError when there is nothing to read.
    """
    found = Verified()
    wanted = {} if expected is None else {expected[0]: (expected[1], "that was noted")}
    head = _head(path)
    if head is not None:
        wanted.setdefault(head[0], (head[1], "that `head` names"))
    for file in log_files(path):
        found.files += 1
        try:
            for line in log_lines(file):
                _one(found, line, check, wanted)
                if found.fault:
                    return found
        except LogReadError as error:
            found.fault = str(error)
            return found
    for number, (_, what) in wanted.items():
        if number > found.last:
            lost = number - found.last
            missing = "the last record is missing" if lost == 1 else f"the last {lost} records are missing"
            found.fault = f"record {found.last + 1}: {missing}; record {number} is the one {what}"
    if not found.fault and check is not None and not found.signed:
        found.fault = "no checkpoint is signed with this key"
    return found


def _one(found: Verified, line: Line, check: Check | None, wanted: dict[int, tuple[str, str]]) -> None:
    before = found.last if found.records else None
    try:
        number, digest = followed(line.data, line.ended, before, found.digest)
        plain = line.data.find(b'"kind":"decision"', 0, 120) >= 0
        value = None if plain else opened(line.data)
    except DamagedRecordError as error:
        after = found.last + 1 if found.records else 1
        found.fault = f"record {after} ({line.place}): {error}"
        return
    if not found.records:
        found.first = number
    if line.number == 1 and (value is None or value["kind"] != "segment"):
        missing = found.last + 1 if found.records else number - 1
        found.fault = f"record {missing} ({line.place}): it is missing; a file begins with a record that says so"
        return
    found.records += 1
    found.last = number
    if value is not None:
        _note(found, line, value, check)
    found.digest = digest
    named = wanted.get(number)
    if named is not None and named[0] != digest:
        found.fault = f"record {number} ({line.place}): it is not the one {named[1]}"


def _note(found: Verified, line: Line, value: Json, check: Check | None) -> None:
    kind = value["kind"]
    if kind == "segment":
        if found.log and value.get("log") != found.log:
            found.fault = f"record {found.last} ({line.place}): it is of another log"
        found.log = str(value.get("log", ""))
    elif kind == "checkpoint":
        found.checkpoints += 1
        if check is not None:
            text = checkpoint_text(found.log, found.last - 1, found.digest, value["time"])
            if value.get("of") != found.last - 1 or not check(text, value):
                found.fault = f"record {found.last} ({line.place}): its signature does not hold"
            found.signed = found.last
    elif kind in {"cut", "gap"}:
        found.notes.append(value)


def _head(path: str) -> tuple[int, str] | None:
    """The number and digest that the log's `head` names, when it can be read."""
    try:
        with open(os.path.join(path, "head"), "rb") as stream:
            state = read_head(stream.read(256))
    except OSError:
        return None
    return None if state is None or not state.seq else (state.seq, state.hash)
