"""Decisions as the service gives them: on behalf of a bound caller, counted, frozen principals denied, recorded."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from ..audit.recorder import Decided, all_watched, observed
from ..domain.decision import Answer, Decision, Verdict
from ..domain.errors import RequestError
from ..domain.observe import observed as observed_only
from ..domain.request import Request
from ..domain.strict_json import Json
from ..engine.explain import Explanation
from .active import ActivePolicy, Loaded
from .approval_service import ApprovalService
from .identity.principals import Binding, Caller, Principals, bind
from .metrics import Metrics
from .recorder import Recorder
from .state import Frozen, ServiceState
from .ticket_book import in_force

_PID = os.getpid()


@dataclass(slots=True)
class DecisionService:
    """The policy in force, asked for callers. With `approvals`, what asks becomes a ticket or redeems one."""

    active: ActivePolicy
    principals: Principals
    state: ServiceState
    recorder: Recorder
    metrics: Metrics
    approvals: ApprovalService | None = None

    def decide(self, requests: list[Request], caller: Caller) -> list[Decided]:
        """Decisions on one thing to do, whose principal is the caller. Raises RequestError for what is not.

        What they are is known when they are recorded: a reply reads them then.
        """
        binding = self.principals.binding(caller)
        requests = [bind(r, binding) for r in requests]
        first = requests[0]
        if any((r.agent, r.session) != (first.agent, first.session) for r in requests):
            raise RequestError("PLR106", "what is done together is done by one agent in one session")
        frozen = self.state.why_frozen(first.agent, first.session)
        if frozen is None and self.active.current is not None:
            requests = [self.active.current.policy.timed(r) for r in requests]
        if self.recorder.records is None:
            return [Decided(d, {}) for d in self._decided(requests, binding, frozen, caller)]
        source: Json = {"by": "service", "pid": _PID, "uid": caller.uid}
        if frozen is not None:
            source["frozen"] = frozen.kind  # no policy's decision: a replay leaves it out
        found = all_watched(lambda asked: self._decided(asked, binding, frozen, caller), requests, source)
        self.recorder.add(found)
        return found

    def advice(self, requests: list[Request], decisions: list[Decision], caller: Caller) -> str:
        """A sentence for an agent about what was denied; empty when there is none. Looked for when it is asked."""
        from ..engine.nearest import advice

        current = self.active.current
        if current is None or any(d.policy_digest != current.policy.digest for d in decisions):
            return ""
        binding = self.principals.binding(caller)
        bound = [current.policy.timed(bind(r, binding)) for r in requests]
        return advice(current.policy.engine, bound, decisions)

    def explain(self, request: Request, caller: Caller) -> Explanation:
        """A decision with what every rule about the action said. Raises RequestError."""
        request = bind(request, self.principals.binding(caller))
        return self.active.loaded().policy.explain(request)

    def _decided(
        self, requests: list[Request], binding: Binding | None, frozen: Frozen | None, caller: Caller
    ) -> list[Decision]:
        loaded = self.active.current
        if loaded is None:
            why = "no policy is in force: " + (self.active.error or "none was loaded")
            decisions = [_denied(r, "", why) for r in requests]
        elif frozen is not None:
            why = f"the {frozen.kind} is frozen by {frozen.by}: {frozen.why}"
            decisions = [_denied(r, loaded.policy.digest, why) for r in requests]
        else:
            if self.approvals is not None:
                requests = [observed(r) for r in requests]  # what is approved are these files
            decisions = [loaded.policy.decide_request(r) for r in requests]
            if self.active.observe is not None:
                decisions = [observed_only(d, self.active.observe) for d in decisions]
            effects = {d.effect for d in decisions}
            if self.approvals is not None and "ask" in effects and "deny" not in effects:
                decisions = self.approvals.decided(requests, decisions, in_force(loaded), caller.seen)
        freezes = loaded is not None and frozen is None and self.active.observe is None
        self._count(requests, decisions, binding, loaded if freezes else None)
        return decisions

    def _count(
        self, requests: list[Request], decisions: list[Decision], binding: Binding | None, loaded: Loaded | None
    ) -> None:
        rules = loaded.policy.engine.prepared.freezes if loaded is not None else ()
        for request, decision in zip(requests, decisions, strict=True):
            self.metrics.decisions[decision.effect] += 1
            proved = request.session if binding is not None and binding.session is not None else None
            before = len(self.state.frozen)
            self.state.count(request.agent, proved, decision.effect, rules, time.time(), time.monotonic())
            if len(self.state.frozen) != before:
                self.recorder.record_event("frozen", agent=request.agent, session=proved, by="a rule of the policy")


def _denied(request: Request, digest: str, why: str) -> Decision:
    return Decision(Answer(Verdict("deny", reasons=(why,)), digest, request.action, request.resource, pure=False))
