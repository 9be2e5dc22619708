"""People, asked through a service about a call that waits."""

from __future__ import annotations

import threading
from time import monotonic

from ..domain.actions import ALLOW, ASK, DENY
from ..domain.faults import PolicyLangError
from ..domain.limits import limit
from ..domain.serialize import request_json
from .port import Ruling

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..domain.request import Request
    from ..pep.deciders import ServiceDecider
    from .port import DecisionPort

_SECONDS = limit("call_seconds")
_LOOK = 1.0
"""Seconds between two looks."""
_BOUND = ("agent", "session", "lexical")
"""Fields that the session says itself, or that the service must look at the disk for."""


class Watch:
    """Looks once a second whether a session at the service still stands; when not, nothing is allowed any more."""

    def __init__(self, port: DecisionPort, why_ended: Callable[[], str]) -> None:
        self._port = port
        self._why_ended = why_ended
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.wait(_LOOK):
            self._port.ended = self._why_ended()


class ServiceAsker:
    """Asks the people of a service; what they say counts for one call. `wait` is how many seconds they have."""

    def __init__(self, decider: ServiceDecider, wait: int) -> None:
        self._decider = decider
        self._wait = wait

    def asked(self, request: Request) -> Ruling:
        """What came of it. Whatever goes wrong denies."""
        try:
            return self._asked(request)
        except PolicyLangError as error:
            return Ruling(DENY, str(error))

    def _asked(self, request: Request) -> Ruling:
        from ..pep.questions import HookQuestion

        fields = {k: v for k, v in request_json(request).items() if k not in _BOUND}
        action, resource = str(fields.pop("action")), fields.pop("resource")
        question = HookQuestion(action, tuple(resource) if isinstance(resource, list) else str(resource))
        until = monotonic() + self._wait
        found = self._decider.decide([question], fields, monotonic() + _SECONDS)
        if found.effect == ASK and found.ticket:
            if self._decider.settled(found.ticket, until) != "approved":
                return Ruling(DENY, "nobody has approved it")
            found = self._decider.decide([question], fields, monotonic() + _SECONDS)
        return Ruling(ALLOW if found.effect == ALLOW else DENY, "; ".join(found.reasons[:2]))
