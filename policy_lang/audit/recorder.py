"""Decisions and their records: none is an allow, or an approval, that is not on the disk."""

from __future__ import annotations

from time import perf_counter

from .event import decision_event, happening
from .log import LogUnavailableError
from .seen import Recording

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from ..domain.decision import Decision
    from ..domain.request import Request
    from .log import DecisionLog

    Json = dict[str, Any]

UNAVAILABLE = "audit_unavailable (PLI002): the decision cannot be recorded"


class Pending:
    """A record that is not written yet, and the decision that waits for it, if it is one's."""

    __slots__ = ("decision", "event")

    def __init__(self, event: Json, decision: Decision | None = None) -> None:
        self.event = event
        self.decision = decision


def watched(decide: Callable[[Request], Decision], request: Request, source: Json) -> tuple[Decision, Pending]:
    """A decision and its record: what was asked, what the disk said, what was decided and how long it took."""
    ((decision, pending),) = all_watched(lambda requests: [decide(requests[0])], [request], source)
    return decision, pending


def all_watched(
    decide: Callable[[list[Request]], list[Decision]], requests: list[Request], source: Json
) -> list[tuple[Decision, Pending]]:
    """Decisions that are made together, and a record of each."""
    began = perf_counter()
    for request in requests:
        if request.workspace is not None and not request.lexical and request.disk is None:
            request.disk = Recording()
    decisions = decide(requests)
    micros = int((perf_counter() - began) * 1e6) // len(requests)
    return [(d, _pending(r, d, micros, source)) for r, d in zip(requests, decisions, strict=True)]


def _pending(request: Request, decision: Decision, micros: int, source: Json) -> Pending:
    disk = request.disk if isinstance(request.disk, Recording) else None
    try:
        event = decision_event(request, decision, micros, source, disk)
    except Exception as error:  # noqa: BLE001 (fail closed: a request whose values are not values)
        decision.withdraw(f"{UNAVAILABLE}: {type(error).__name__}")
        event = happening("unrecordable", id=decision.id, why=type(error).__name__, source=source)
    return Pending(event, decision)


def commit(log: DecisionLog, pending: Sequence[Pending]) -> str:
    """Write what waits, as a whole. Why that failed, or nothing; when it failed, every decision is a denial.

    A batch without anything but denials does not wait for the disk: nothing happens because of it.
    """
    durable = any(p.decision is not None and p.decision.effect != "deny" for p in pending)
    try:
        log.append([p.event for p in pending], durable)
    except LogUnavailableError as error:
        why = f"{UNAVAILABLE}: {error}"
        for one in pending:
            if one.decision is not None and one.decision.effect != "deny":
                one.decision.withdraw(why)
        return why
    return ""
