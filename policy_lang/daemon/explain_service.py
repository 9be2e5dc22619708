"""Explanations as the service gives them: they count and are recorded as decisions, and nobody is asked by them."""

from __future__ import annotations

import os
from dataclasses import dataclass

from ..audit.recorder import Decided, all_watched
from ..domain.request import Request
from ..domain.strict_json import Json
from ..wire.decisions import candidates_json
from .deciding.questions import Consultation, explanation
from .decision_service import DecisionService
from .identity.principals import Caller

_PID = os.getpid()


@dataclass(frozen=True, slots=True)
class ExplainService:
    """The policy in force, asked why."""

    decisions: DecisionService

    def begin(self, request: Request, caller: Caller) -> Consultation | None:
        """What a decider is asked to explain; None where there are none. Raises RequestError."""
        if self.decisions.pool is None:
            return None
        (bound,) = self.decisions.bound([request], self.decisions.principals.binding(caller))
        return explanation(
            self.decisions.pool, self.decisions.active.loaded().policy, bound, caller.seen, self.decisions.notes
        )

    def explain(self, request: Request, caller: Caller, asked: Consultation | None = None) -> tuple[Decided, Json]:
        """A decision with what every rule about the action said. Raises RequestError.

        It counts and is recorded as any other, and nobody is asked because of it.
        """
        binding = self.decisions.principals.binding(caller)
        (request,) = self.decisions.bound([request], binding)
        loaded = self.decisions.active.loaded()
        if asked is None:
            explained = loaded.policy.explain(request)
            decision, said, records = explained.decision, candidates_json(explained), {}
        else:
            found = asked.found(loaded.policy)[0]
            request, decision, said = found.request, found.decision, asked.value.get("explanation", {})
            records = {} if found.record is None else {0: found.record}
        source: Json = {"by": "service", "pid": _PID, "uid": caller.uid, "explained": True}
        seconds = 0.0 if asked is None else asked.seconds
        (decided,) = all_watched(lambda _: [decision], [request], source, seconds, records)
        self.decisions.count(
            [request], [decision], binding, None if self.decisions.active.observe is not None else loaded
        )
        if self.decisions.recorder.records is not None:
            self.decisions.recorder.add([decided])
        return decided, said
