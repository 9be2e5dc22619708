"""Stops of a log: each question that was denied or asked once, with how often it came and from whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ...domain import strict_json
from ...domain.digest import sha256
from ...domain.limits import limit
from ...domain.strict_json import Json
from ..learning.observe import Seen
from ..questions import NO_QUESTION
from ..row import confined, earliest, let_pass, said, table, text
from ..source import Counted, record_of

KINDS = ("ask", "deny", "would")
_MOST = limit("suggest_stops")
_LONGEST = limit("suggest_record_bytes")


@dataclass(slots=True)
class Stop:
    """One question that was stopped, or would have been. `record` is the last of it."""

    record: Json
    seen: Seen
    first: str
    kinds: set[str]

    @property
    def agent(self) -> str:
        """Who asked."""
        return text(table(self.record.get("request")).get("agent"))

    def add(self, other: Stop) -> None:
        """Count more of the same."""
        if other.seen.last > self.seen.last:
            self.record = other.record
        self.seen.add(other.seen)
        self.first = earliest(self.first, other.first)
        self.kinds |= other.kinds


@dataclass(slots=True)
class Stops:
    """The stops of a log, or of a part of it. `lost` counts those that are not looked at, by why."""

    found: dict[bytes, Stop] = field(default_factory=dict)
    lost: Counter[str] = field(default_factory=Counter)
    decisions: int = 0

    def add(self, key: bytes, stop: Stop) -> None:
        """Count a stop. Over the limit a new one is lost, and told."""
        known = self.found.get(key)
        if known is not None:
            known.add(stop)
        elif len(self.found) >= _MOST:
            self.lost[f"more than {_MOST:,} different ones"] += stop.seen.count
        else:
            self.found[key] = stop

    def merge(self, other: Stops) -> None:
        """Add what another part of the log shows."""
        for key, stop in other.found.items():
            self.add(key, stop)
        self.lost.update(other.lost)
        self.decisions += other.decisions


def finder(kinds: tuple[str, ...], agent: str | None) -> Callable[[list[Counted]], Stops]:
    """What looks for stops of these kinds, of one agent or of all."""

    def look(lines: Iterable[Counted]) -> Stops:
        found = Stops()
        for data, times in lines:
            record = record_of(data)
            if record["kind"] != "decision":
                continue
            request = table(record.get("request"))
            if agent is not None and text(request.get("agent")) != agent:
                continue
            found.decisions += times
            kind = kind_of(record)
            if kind not in kinds:
                continue
            if table(record.get("source")).get("frozen"):
                found.lost["the agent or session was frozen"] += times
            elif len(data) > _LONGEST:
                found.lost["the record is too long"] += times
            else:
                time = text(record.get("time"))
                seen = Seen(times, {text(request.get("session"))}, time)
                found.add(_key(record, request), Stop(record, seen, time, {kind}))
        return found

    return look


def kind_of(record: Json) -> str:
    """How a decision stopped what was asked: `ask`, `deny`, `would` where it was only observed; or it did not."""
    if let_pass(record):
        return "would"
    return "" if said(record)[0] == "allow" else said(record)[0]


_NO_DIFFERENCE = {*NO_QUESTION, "session"}


def _key(record: Json, request: Json) -> bytes:
    """What makes two stops the same question: who asked what, and where."""
    same = [{k: v for k, v in request.items() if k not in _NO_DIFFERENCE}, confined(record)]
    return sha256(strict_json.dump(same)).digest()[:16]
