"""Decisions as the service gives them: on behalf of a bound caller, counted, frozen principals denied, recorded."""

from __future__ import annotations

import os
import pwd
import time
from dataclasses import dataclass, field

from ..approvals.proposal import RuleProposal
from ..approvals.store import StoreUnavailableError
from ..audit.recorder import Decided, all_watched, observed
from ..domain.actions import DENY
from ..domain.decision import Answer, Decision, Verdict
from ..domain.errors import RequestError
from ..domain.observe import observed as observed_only
from ..domain.request import Request
from ..domain.strict_json import Json
from ..engine.explain import Explanation
from .active import ActivePolicy, Loaded
from .approval_service import HOST, ApprovalService
from .checkout import checkout
from .identity.principals import Binding, Caller, Principals, bind
from .metrics import Metrics
from .proposals import ProposalService
from .recent_steps import RecentSteps
from .recorder import Recorder
from .refusals import Seen, seen_of
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
    proposals: ProposalService | None = None
    steps: RecentSteps = field(default_factory=RecentSteps)

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
            seen = None if self.proposals is None or all(d.allowed for d in decisions) else seen_of(requests)
            decisions, once = self._granted(requests, decisions, seen, binding, caller)
            if self.active.observe is not None:
                decisions = [observed_only(d, self.active.observe) for d in decisions]
            effects = {d.effect for d in decisions}
            if self.approvals is not None and "ask" in effects and "deny" not in effects:
                decisions = self.approvals.decided(
                    requests,
                    decisions,
                    in_force(loaded),
                    caller.seen,
                    lambda: self._asker(requests[0], binding, caller),
                )
            decisions = self._settled(requests, decisions, seen, once, binding, caller)
        freezes = loaded is not None and frozen is None and self.active.observe is None
        self._count(requests, decisions, binding, loaded if freezes else None)
        return decisions

    def _granted(
        self,
        requests: list[Request],
        decisions: list[Decision],
        seen: Seen | None,
        binding: Binding | None,
        caller: Caller,
    ) -> tuple[list[Decision], list[RuleProposal]]:
        """Decisions with the rules that people have granted, where the policy alone does not allow."""
        loaded = self.active.current
        if self.proposals is None or loaded is None or seen is None:
            return decisions, []
        return self.proposals.grants.decided(requests, decisions, seen, loaded, caller.seen, _proved(binding))

    def _settled(
        self,
        requests: list[Request],
        decisions: list[Decision],
        seen: Seen | None,
        once: list[RuleProposal],
        binding: Binding | None,
        caller: Caller,
    ) -> list[Decision]:
        """Decisions after what was granted for one call is used up; what is denied may be proposed for."""
        if self.proposals is None or seen is None:
            return decisions
        if once and all(d.allowed for d in decisions):
            try:
                self.proposals.grants.used(once)
            except (RequestError, StoreUnavailableError) as error:
                why = f"refused: what was granted for one call cannot be used: {error}"
                decisions = [d.withdrawn(why) for d in decisions]
        if any(d.effect == DENY for d in decisions):
            self.proposals.note_refusal(requests, decisions, seen, caller.seen, _proved(binding))
        return decisions

    def _asker(self, request: Request, binding: Binding | None, caller: Caller) -> Json:
        """Who stands behind a question, for people: what the kernel and the configuration say, and recent steps."""
        out: Json = {"host": HOST, "steps": self.steps.of(request.agent or "")}
        if caller.seen is not None:
            out["user"] = _user_name(caller.seen)
        if binding is not None:
            by = next(
                (n for n in ("session", "token") if getattr(binding, n)), "group" if binding.uid is None else "user"
            )
            out |= {"by": by, "fixed": [n for n in ("repo", "workspace", "session") if getattr(binding, n) is not None]}
            out |= {"owner": binding.owner} if binding.owner else {}
        if request.workspace is not None:
            out |= {"checkout": checkout(request.workspace)}
        return out

    def _count(
        self, requests: list[Request], decisions: list[Decision], binding: Binding | None, loaded: Loaded | None
    ) -> None:
        rules = loaded.policy.engine.prepared.freezes if loaded is not None else ()
        for request, decision in zip(requests, decisions, strict=True):
            self.metrics.decisions[decision.effect] += 1
            self.steps.note(request, decision, time.time())
            proved = request.session if binding is not None and binding.session is not None else None
            before = len(self.state.frozen)
            self.state.count(request.agent, proved, decision.effect, rules, time.time(), time.monotonic())
            if len(self.state.frozen) != before:
                self.recorder.record_event("frozen", agent=request.agent, session=proved, by="a rule of the policy")


def _proved(binding: Binding | None) -> bool:
    """Whether an operator started the session that the caller is in."""
    return binding is not None and binding.session is not None


def _user_name(uid: int) -> str:
    try:
        return f"{pwd.getpwuid(uid).pw_name} ({uid})"
    except KeyError:
        return str(uid)


def _denied(request: Request, digest: str, why: str) -> Decision:
    return Decision(Answer(Verdict("deny", reasons=(why,)), digest, request.action, request.resource, pure=False))
