"""Decisions and their records: none is an allow, or an approval, that is not on the disk."""

from __future__ import annotations

from time import perf_counter

from ..domain.actions import DENY
from ..domain.record import replace
from .disk_snapshot import Recording
from .event import FoundRecord, decision_event, happening
from .log import LogUnavailableError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ..domain.decision import Decision
    from ..domain.request import Request
    from ..domain.strict_json import Json
    from .log import DecisionLog

UNAVAILABLE = "audit_unavailable (PLI002): the decision cannot be recorded"


class Pending:
    """A record that is not written yet."""

    __slots__ = ("event",)

    def __init__(self, event: Json) -> None:
        self.event = event


class Decided(Pending):
    """A decision and its record, which is not written yet; `commit` withdraws what cannot be recorded.

    Replies are made from `decision` behind that, so none is given that is not on the disk.
    """

    __slots__ = ("decision",)

    def __init__(self, decision: Decision, event: Json) -> None:
        super().__init__(event)
        self.decision = decision

    def withdraw(self, why: str) -> None:
        """Make the decision a denial."""
        self.decision = self.decision.withdrawn(why)


def watched(decide: Callable[[Request], Decision], request: Request, source: Json) -> Decided:
    """A decision and its record: what was asked, what the disk said, what was decided and how long it took."""
    (decided,) = all_watched(lambda requests: [decide(requests[0])], [request], source)
    return decided


def all_watched(
    decide: Callable[[list[Request]], list[Decision]],
    requests: list[Request],
    source: Json,
    took: float = 0.0,
    records: Mapping[int, FoundRecord] = {},
) -> list[Decided]:
    """Decisions that are made together, and a record of each.

    They `took` so many seconds already, and some have parts of their `records`, by their places.
    """
    began = perf_counter()
    requests = [observed(r) for r in requests]
    decisions = decide(requests)
    micros = int((took + perf_counter() - began) * 1e6) // len(requests)
    pairs = enumerate(zip(requests, decisions, strict=True))
    return [_decided(r, d, micros, source, records.get(i)) for i, (r, d) in pairs]


def observed(request: Request) -> Request:
    """The request with a disk that notes what is looked at, if anything is and none was given."""
    looks = request.workspace is not None and not request.lexical and request.disk is None
    return replace(request, disk=Recording()) if looks else request


def _decided(
    request: Request, decision: Decision, micros: int, source: Json, found: FoundRecord | None = None
) -> Decided:
    disk = request.disk if isinstance(request.disk, Recording) else None
    try:
        event = decision_event(request, decision, micros, source, disk, found)
    except Exception as error:  # noqa: BLE001 (fail closed: a request whose values are not values)
        decision = decision.withdrawn(f"{UNAVAILABLE}: {type(error).__name__}")
        event = happening("unrecordable", id=decision.id, why=type(error).__name__, source=source)
    return Decided(decision, event)


def commit(log: DecisionLog, pending: Sequence[Pending]) -> str:
    """Write what waits, as a whole. Why that failed, or nothing; when it failed, every decision becomes a denial.

    A batch without anything but denials does not wait for the disk: nothing happens because of it.
    """
    granted = [p for p in pending if isinstance(p, Decided) and p.decision.effect != DENY]
    try:
        log.append([p.event for p in pending], durable=bool(granted))
    except LogUnavailableError as error:
        why = f"{UNAVAILABLE}: {error}"
        for one in granted:
            one.withdraw(why)
        return why
    return ""
