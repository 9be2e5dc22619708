"""Verification of a log: whether it is what was written, or the first record that is not.

A chain alone does not show that its end is missing, or that all of it was written anew. What stands outside the chain
does: `head`, a signature, a number and digest that were noted elsewhere. Without any of them a log is unanchored.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ..domain.strict_json import Json
from .chain import FIRST, DamagedRecordError, followed, opened
from .log import checkpoint_text, read_head
from .read import Line, LogReadError, log_files, log_lines

Check = Callable[[bytes, Json], bool]
"""Whether a checkpoint's signature over a text holds."""


@dataclass(slots=True)
class Verified:
    """What was found. `fault` names the first bad record; without one the chain is whole, as far as it can be seen.

    `anchored` is the number of the last record that something outside the chain vouches for, `anchor` what does; with
    none the chain may have been cut or remade.

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
    anchored: int = 0
    anchor: str = ""
    headless: bool = False
    """The log is a folder in which `head` is missing, or says nothing."""
    notes: list[Json] = field(default_factory=list)
    fault: str = ""
    met: set[str] = field(default_factory=set)
    """Which of those that noted heads were compared."""

    @property
    def whole(self) -> bool:
        """True when the chain is unbroken, and something outside it vouches for that."""
        return not self.fault and self.anchored > 0


@dataclass(frozen=True, slots=True)
class NotedHead:
    """Where a chain stood, as it was noted: in `head`, on paper, at an anchor. Without `log` it is of any log."""

    seq: int
    digest: str
    by: str
    log: str = ""


def verify(path: str, check: Check | None = None, noted: Sequence[NotedHead] = ()) -> Verified:
    """Follow a log's chain. `check` tests signatures; `noted` is what was noted elsewhere, all of which must hold.

    Raises LogReadError when there is nothing to read.
    """
    found = Verified()
    head = _head(path)
    found.headless = head is None and os.path.isdir(path)
    wanted: dict[int, list[NotedHead]] = {}
    for one in noted if head is None else (*noted, head):
        wanted.setdefault(one.seq, []).append(one)
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
    for one in (o for several in wanted.values() for o in several if o.log in {"", found.log}):
        if one.seq > found.last:
            lost = one.seq - found.last
            missing = "the last record is missing" if lost == 1 else f"the last {lost} records are missing"
            found.fault = f"record {found.last + 1}: {missing}; {one.by} names record {one.seq}"
    for by in () if found.fault else dict.fromkeys(one.by for one in noted):
        if by not in found.met:
            found.fault = f"{by} names no record of this log that is here"
    if not found.fault and check is not None and not found.signed:
        found.fault = "no checkpoint is signed with this key"
    return found


def _one(found: Verified, line: Line, check: Check | None, wanted: dict[int, list[NotedHead]]) -> None:
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
    for one in wanted.get(number, ()):
        if one.log not in {"", found.log}:
            continue
        if one.digest != digest:
            found.fault = f"record {number} ({line.place}): it is not the one that {one.by} names"
        found.anchored, found.anchor = number, one.by
        found.met.add(one.by)


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
            found.signed = found.anchored = found.last
            found.anchor = "a signature"
    elif kind in {"cut", "gap"}:
        found.notes.append(value)


def _head(path: str) -> NotedHead | None:
    """What the log's `head` says, when it can be read."""
    try:
        with open(os.path.join(path, "head"), "rb") as stream:
            state = read_head(stream.read(256))
    except OSError:
        return None
    return None if state is None or not state.seq else NotedHead(state.seq, state.hash, "`head`")
