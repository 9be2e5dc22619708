"""Decisions as the service gives them: on behalf of a bound caller, counted, frozen principals denied, recorded."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..approvals.proposal import RuleProposal
from ..approvals.store import StoreUnavailableError
from ..audit.event import FoundRecord
from ..audit.recorder import Decided, all_watched, observed
from ..domain.actions import ALLOW, ASK, DENY
from ..domain.decision import Answer, Decision, Verdict
from ..domain.errors import RequestError
from ..domain.observe import observed as observed_only
from ..domain.request import Request
from ..domain.strict_json import Json
from .active import ActivePolicy, Loaded
from .approval_service import ApprovalService
from .asker import asker_json
from .deciding.pool import DeciderPool
from .deciding.questions import Consultation, Notes, belongs, question
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
class DecisionDraft:
    """Decisions on one thing to do, until they are given. An `open` one is for people, or what they have granted."""

    requests: list[Request]
    binding: Binding | None
    caller: Caller
    loaded: Loaded | None
    frozen: Frozen | None
    decisions: list[Decision] = field(default_factory=list)
    records: dict[int, FoundRecord] = field(default_factory=dict)
    seconds: float = 0.0
    open: bool = False


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
    pool: DeciderPool | None = None
    steps: RecentSteps = field(default_factory=RecentSteps)

    def question(
        self, requests: Sequence[Request | RequestError], caller: Caller, advise: bool = False, apart: bool = False
    ) -> Consultation | None:
        """What deciders are asked of a call; None when there is nothing for them, or when nothing is decided.

        The requests are one thing to do, unless they are `apart`: then one that is not the caller's is left out.
        Raises RequestError as `draft` does.
        """
        loaded = self.active.current
        good = [(i, r) for i, r in enumerate(requests) if isinstance(r, Request)]
        if self.pool is None or loaded is None or not any(belongs(r) for _, r in good):
            return None  # most calls: nothing is bound twice
        binding = self.principals.binding(caller)
        bound: dict[int, Request] = {}
        for group in [[one] for one in good] if apart else [good]:
            try:
                made = self.bound([r for _, r in group], binding)
            except RequestError:
                if not apart:
                    raise
                continue
            if self.state.why_frozen(made[0].agent, made[0].session) is None:
                bound |= zip((i for i, _ in group), made, strict=True)
        return question(self.pool, loaded.policy, bound, caller.seen, self.notes, advise)

    def outdated(self, asked: Consultation) -> bool:
        """Whether deciders have answered by a policy that is no longer in force."""
        return self.active.current is not None and asked.outdated(self.active.current.policy)

    def bound(self, requests: list[Request], binding: Binding | None) -> list[Request]:
        """The requests of one principal, with the time when the policy speaks of it. Raises RequestError."""
        requests = [bind(r, binding) for r in requests]
        first = requests[0]
        if any((r.agent, r.session) != (first.agent, first.session) for r in requests):
            raise RequestError("PLR106", "what is done together is done by one agent in one session")
        current = self.active.current
        return requests if current is None else [current.policy.timed(r) for r in requests]

    @property
    def notes(self) -> Notes:
        """What deciders note for the log and for people."""
        recorded = self.recorder.records is not None
        return Notes(recorded or self.approvals is not None, recorded)

    def draft(
        self, requests: list[Request], caller: Caller, asked: Consultation | None = None, at: int = 0
    ) -> DecisionDraft:
        """What the policy alone says of one thing to do, whose principal is the caller.

        `asked` is what deciders were asked of the call, in which these requests begin `at` a place. Raises RequestError
        for what is not the caller's.
        """
        binding = self.principals.binding(caller)
        requests = self.bound(requests, binding)
        frozen = self.state.why_frozen(requests[0].agent, requests[0].session)
        loaded = self.active.current
        draft = DecisionDraft(requests, binding, caller, loaded, frozen)
        if loaded is None:
            why = "no policy is in force: " + (self.active.error or "none was loaded")
            draft.decisions = [_denied(r, "", why) for r in requests]
            return draft
        if frozen is not None:
            why = f"the {frozen.kind} is frozen by {frozen.by}: {frozen.why}"
            draft.decisions = [_denied(r, loaded.policy.digest, why) for r in requests]
            return draft
        found = {} if asked is None else {place - at: one for place, one in asked.found(loaded.policy).items()}
        began = time.perf_counter()
        for i, request in enumerate(requests):
            if i in found:
                draft.requests[i] = found[i].request
                draft.decisions.append(found[i].decision)
                if (record := found[i].record) is not None:
                    draft.records[i] = record
            else:
                draft.requests[i] = (
                    observed(request) if self.notes.watched else request
                )  # what is approved are these files
                draft.decisions.append(loaded.policy.decide_request(draft.requests[i]))
        draft.seconds = time.perf_counter() - began + (asked.seconds if found and asked is not None else 0.0)
        effects = {d.effect for d in draft.decisions}
        denied = DENY in effects and self.active.observe is None
        asks = self.approvals is not None and ASK in effects and not denied
        draft.open = asks or (self.proposals is not None and effects != {ALLOW})
        return draft

    def settle(self, draft: DecisionDraft) -> None:
        """Let people and what they have granted come into it, if it is open. From the thread of the store."""
        loaded, requests, caller = draft.loaded, draft.requests, draft.caller
        if not draft.open or loaded is None:
            return
        seen = None if self.proposals is None else seen_of(requests)
        decisions, once = self._granted(draft, loaded, seen)
        if self.active.observe is not None:
            decisions = [observed_only(d, self.active.observe) for d in decisions]
        effects = {d.effect for d in decisions}
        if self.approvals is not None and ASK in effects and DENY not in effects:
            decisions = self.approvals.decided(
                requests,
                decisions,
                in_force(loaded),
                caller.seen,
                lambda: asker_json(requests[0], draft.binding, caller, self.steps),
            )
        draft.decisions = self._settled(draft, decisions, seen, once)

    def finish(self, draft: DecisionDraft) -> list[Decided]:
        """The decisions, counted and recorded. Whoever was frozen meanwhile is denied.

        What they are is known when they are on the disk: a reply reads them then.
        """
        first = draft.requests[0]
        frozen = self.state.why_frozen(first.agent, first.session)
        live = draft.loaded is not None and draft.frozen is None
        if live and not draft.open and self.active.observe is not None:
            draft.decisions = [observed_only(d, self.active.observe) for d in draft.decisions]
        if frozen is not None and live:
            draft.frozen = frozen
            draft.decisions = [
                d.withdrawn(f"the {frozen.kind} is frozen by {frozen.by}: {frozen.why}") for d in draft.decisions
            ]
        freezes = draft.loaded is not None and draft.frozen is None and self.active.observe is None
        self.count(draft.requests, draft.decisions, draft.binding, draft.loaded if freezes else None)
        if self.recorder.records is None:
            return [Decided(d, {}) for d in draft.decisions]
        source: Json = {"by": "service", "pid": _PID, "uid": draft.caller.uid}
        if draft.frozen is not None:
            source["frozen"] = draft.frozen.kind  # no policy's decision: a replay leaves it out
        decided = all_watched(lambda _: draft.decisions, draft.requests, source, draft.seconds, draft.records)
        self.recorder.add(decided)
        return decided

    def advice(self, draft: DecisionDraft) -> str:
        """A sentence for an agent about what was denied; empty when there is none. Looked for when it is asked."""
        from ..engine.nearest import advice

        if draft.loaded is None or any(d.policy_digest != draft.loaded.policy.digest for d in draft.decisions):
            return ""
        return advice(draft.loaded.policy.engine, draft.requests, draft.decisions)

    def _granted(
        self, draft: DecisionDraft, loaded: Loaded, seen: Seen | None
    ) -> tuple[list[Decision], list[RuleProposal]]:
        """Decisions with the rules that people have granted, where the policy alone does not allow."""
        over_budget = any(d.verdict.undecided for d in draft.decisions)  # as long with a rule more, in people's thread
        if self.proposals is None or seen is None or over_budget:
            return draft.decisions, []
        return self.proposals.grants.decided(
            draft.requests, draft.decisions, seen, loaded, draft.caller.seen, _proved(draft.binding)
        )

    def _settled(
        self, draft: DecisionDraft, decisions: list[Decision], seen: Seen | None, once: list[RuleProposal]
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
            user, proved = draft.caller.seen, _proved(draft.binding)
            self.proposals.note_refusal(draft.requests, decisions, seen, user, proved)
        return decisions

    def count(
        self, requests: list[Request], decisions: list[Decision], binding: Binding | None, loaded: Loaded | None
    ) -> None:
        """Count decisions, and freeze whom the rules of what is `loaded` freeze."""
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


def _denied(request: Request, digest: str, why: str) -> Decision:
    return Decision(Answer(Verdict("deny", reasons=(why,)), digest, request.action, request.resource, pure=False))
