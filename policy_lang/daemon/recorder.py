"""Events and decisions on their way to the service's own log and to the decision log."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from ..audit.anchor import Anchors
from ..audit.event import happening
from ..audit.log import DecisionLog, LogUnavailableError
from ..audit.recorder import UNAVAILABLE, Decided, Pending, commit
from ..domain.actions import DENY
from ..domain.errors import RequestError
from ..domain.limits import limit
from .metrics import Metrics
from .signals import Signal

COUNTED = "approvals-counted"
_CHECKPOINT = float(limit("checkpoint_seconds"))


@dataclass(slots=True)
class Recorder:
    """Collects what is to be recorded; `commit` writes all of it at once.

    `log` is the service's own log: it takes an event's name and its fields. Without `records`, a decision log, there
    is no other. `pending` is raised when something waits to be written. What is recorded may come from any thread.
    """

    log: Callable[..., None] = lambda *_, **__: None
    records: DecisionLog | None = None
    metrics: Metrics = field(default_factory=Metrics)
    pending: Signal = field(default_factory=Signal)
    count: Callable[[], tuple[str, int] | None] = lambda: None
    """Which store of approvals there is, and how many changes it has had: recorded with whatever is recorded."""
    unsigned: str = ""
    """Why nobody signs the decision log; empty when somebody does, or nobody is meant to."""
    anchors: Anchors | None = None
    _lost: str = ""
    _anchored: int = 0
    _counted: tuple[str, int] | None = None
    _count_at: float = 0.0
    _waiting: list[Pending] = field(default_factory=list)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def record_event(self, event: str, **fields: object) -> None:
        """Something has happened: it goes to the service's own log, and into the decision log."""
        self.log(event, **fields)
        if self.records is not None:
            self.add([Pending(happening(event, **fields))])

    def record_before(self, event: str, **fields: object) -> None:
        """Something is about to happen that must not go unrecorded. Raises RequestError when it cannot be recorded."""
        self.record_event(event, **fields)
        why = self.commit()
        if why:
            raise RequestError("PLR217", why)

    def add(self, records: Iterable[Pending]) -> None:
        """Records that wait to be written, decisions among them."""
        with self._lock:
            self._waiting += records
        self.pending()

    def commit(self) -> str:
        """Write what waits. Why that failed, or nothing; when it failed, its decisions have become denials."""
        with self._lock:
            return self._commit()

    def _commit(self) -> str:
        waiting, self._waiting = self._waiting, []
        if self.records is None or not waiting:
            return ""
        count = self._due()
        if count is not None:
            waiting.append(Pending(happening(COUNTED, store=count[0], changes=count[1])))
        stopped = self._stopped()
        if stopped:
            waiting = self._withdrawn(waiting, stopped)
        began = time.perf_counter()
        why = commit(self.records, waiting)
        self.metrics.recorded(len(waiting), time.perf_counter() - began, bool(why))
        if count is not None and not why:
            self._counted, self._count_at = count, began
        self._tell_cuts(self.records)
        if self.records.checkpoints != self._anchored:
            self.anchor()
        return why or stopped

    def _stopped(self) -> str:
        """Why nothing may be allowed though it could be recorded."""
        if self.anchors is None or not self.anchors.required:
            return ""
        return next(
            (f"{UNAVAILABLE}: `{n}` takes no head of the log: {w}" for n, w in self.anchors.failing.items()), ""
        )

    def _withdrawn(self, waiting: list[Pending], why: str) -> list[Pending]:
        """What is left to be recorded when everything but denials is withdrawn."""
        granted = [p for p in waiting if isinstance(p, Decided) and p.decision.effect != DENY]
        for one in granted:
            one.withdraw(why)
        if self.records is not None:
            self.records.refuse(len(granted))
        return [p for p in waiting if p not in granted]

    def anchor(self) -> None:
        """Bring where the log stands to the places outside it."""
        head = None if self.records is None else self.records.head
        if self.records is not None and self.anchors is not None and head is not None:
            self._anchored = self.records.checkpoints
            self.anchors.note(head)

    def tell_anchors(self) -> None:
        """Record which places outside the log have failed or recovered."""
        while self.anchors is not None and self.anchors.reports:
            event, fields = self.anchors.reports.popleft()
            self.record_event(event, **fields)

    def record_lost(self, event: str, why: str) -> None:
        """The log and a place outside it disagree: that is recorded, and operators hear of it."""
        self.record_event(event, why=why)
        self._lost = f"{why}; see `policy log verify`"

    def _due(self) -> tuple[str, int] | None:
        """The store's count, when it is not the last one that was recorded, or that is so long ago."""
        count = self.count()
        return count if count != self._counted or time.perf_counter() - self._count_at > _CHECKPOINT else None

    def _tell_cuts(self, records: DecisionLog) -> None:
        """What was found to be missing is in the log by now; operators hear of it as well."""
        for cut in records.cuts:
            self.log("log-cut", **{k: v for k, v in cut.items() if k != "kind"})
            self._lost = f"records of the decision log were lost: {cut['why']}; see `policy log verify`"
        records.cuts = []

    @property
    def notices(self) -> list[str]:
        """What operators must know of the decision log."""
        unsigned = f"the decision log is not signed: {self.unsigned}" if self.unsigned else ""
        failing = {} if self.anchors is None else self.anchors.failing
        lost = [f"`{name}` takes no head of the decision log: {why}" for name, why in failing.items()]
        return [text for text in (self._lost, unsigned, *lost) if text]

    def checkpoint(self) -> None:
        """Sign what was recorded since the last time. Failing to is not a fault of a decision."""
        if self.records is not None:
            with self._lock:
                with suppress(LogUnavailableError):
                    self.records.checkpoint()
                self.anchor()

    def close(self) -> None:
        """The service ends: sign the last of the log."""
        self.checkpoint()
        if self.anchors is not None:
            self.anchors.close()
        if self.records is not None:
            self.records.close()
