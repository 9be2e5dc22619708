"""Events and decisions on their way to the service's own log and to the decision log."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from ..audit.event import happening
from ..audit.log import DecisionLog, LogUnavailableError
from ..audit.recorder import Pending, commit
from ..domain.errors import RequestError
from .metrics import Metrics
from .signals import Signal


@dataclass(slots=True)
class Recorder:
    """Collects what is to be recorded; `commit` writes all of it at once.

    `log` is the service's own log: it takes an event's name and its fields. Without `records`, a decision log, there
    is no other. `pending` is raised when something waits to be written.
    """

    log: Callable[..., None] = lambda *_, **__: None
    records: DecisionLog | None = None
    metrics: Metrics = field(default_factory=Metrics)
    pending: Signal = field(default_factory=Signal)
    _waiting: list[Pending] = field(default_factory=list)

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
        self._waiting += records
        self.pending()

    def commit(self) -> str:
        """Write what waits. Why that failed, or nothing; when it failed, its decisions have become denials."""
        waiting, self._waiting = self._waiting, []
        if self.records is None or not waiting:
            return ""
        began = time.perf_counter()
        why = commit(self.records, waiting)
        self.metrics.recorded(len(waiting), time.perf_counter() - began, bool(why))
        return why

    def checkpoint(self) -> None:
        """Sign what was recorded since the last time. Failing to is not a fault of a decision."""
        if self.records is not None:
            with suppress(LogUnavailableError):
                self.records.checkpoint()

    def close(self) -> None:
        """The service ends: sign the last of the log."""
        self.checkpoint()
        if self.records is not None:
            self.records.close()
