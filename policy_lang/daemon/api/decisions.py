"""The routes that decide: one request, several, explanations, OpenID AuthZEN."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import partial

from ...audit.recorder import Decided
from ...domain.actions import DENY
from ...domain.errors import RequestError
from ...domain.limits import limit
from ...domain.request import Request
from ...domain.serialize import decision_json
from ...domain.strict_json import Json
from ...wire import authzen
from ...wire.requests import json_object, parse_request, request_of, validated
from ...wire.service import BatchModel
from ..deciding.questions import Consultation
from ..decision_service import DecisionDraft
from ..service import PolicyService
from .http import Answered, DeferredReply, HttpCall, HttpReply, PendingReply, reply

_SLICE = limit("turn_milliseconds") / 1000
"""Seconds of the processor for questions of one call; then it is others' turn."""
_TRIES = 3
"""Times that deciders are asked when the policy changes meanwhile."""
Group = list[Request] | RequestError
"""Requests that are one thing to do, or what is wrong with a single one."""


def decide(service: PolicyService, call: HttpCall) -> Answered:
    """One request, one decision."""
    request = parse_request(call.body)
    return _Call(service, call, [[request]], lambda found: decision_json(found[0].one().decision, request.id)).begin()


def batch(service: PolicyService, call: HttpCall) -> Answered:
    """Several requests; one that is malformed is answered by an error in its place, unless they are `together`."""
    model = validated(BatchModel, json_object(call.body, limit("batch_bytes")))
    if model.together:
        return _together(service, call, [request_of(value) for value in model.requests], model.advise)
    reads = [partial(request_of, value) for value in model.requests]
    return _Call(
        service, call, [], lambda found: {"decisions": [_shown(one) for one in found]}, each=True, reads=reads
    ).begin()


def explain(service: PolicyService, call: HttpCall) -> Answered:
    """One request, its decision, and what every rule about the action said."""
    request = parse_request(call.body)

    def explained(asked: Consultation | None) -> HttpReply | DeferredReply:
        decided, said = service.explaining.explain(request, call.caller, asked)
        return _when_recorded(service, lambda: reply(decision_json(decided.decision) | said))

    asked = service.explaining.begin(request, call.caller)
    return explained(None) if asked is None else PendingReply(asked.work, lambda: explained(asked))


def evaluation(service: PolicyService, call: HttpCall) -> Answered:
    """AuthZEN: one question."""
    return _evaluation(service, call, authzen.parse_evaluation(call.body))


def evaluations(service: PolicyService, call: HttpCall) -> Answered:
    """AuthZEN: several questions."""
    parsed = authzen.parse_evaluations(call.body)
    if isinstance(parsed, authzen.EvaluationModel):
        return _evaluation(service, call, parsed)
    models, semantic = parsed
    declared = declared_attributes(service)
    reads = [partial(authzen.evaluation_request, model, declared) for model in models]
    stop = {"deny_on_first_deny": False, "permit_on_first_permit": True}.get(semantic)
    return _Call(
        service, call, [], lambda found: {"evaluations": [_permitted(one) for one in found]}, stop=stop, reads=reads
    ).begin()


def search_actions(service: PolicyService, call: HttpCall) -> Answered:
    """AuthZEN: the actions that a subject may do on a resource, each decided as if it was asked, without people."""
    models = authzen.action_evaluations(validated(authzen.ActionSearchModel, json_object(call.body)))
    names, declared = [model.action.name for model in models], declared_attributes(service)

    def permitted(found: list[_Outcome]) -> Json:
        allowed = [name for name, one in zip(names, found, strict=True) if _permitted(one)["decision"]]
        return {"results": [{"name": name} for name in allowed]}

    reads = [partial(authzen.evaluation_request, model, declared) for model in models]
    return _Call(service, call, [], permitted, asks=False, reads=reads).begin() if reads else reply({"results": []})


def metadata(service: PolicyService, call: HttpCall) -> HttpReply:  # noqa: ARG001 (as any handler)
    """AuthZEN: where its questions are taken."""
    base = authzen.BASE
    out: Json = {
        "policy_decision_point": base, "access_evaluation_endpoint": f"{base}/access/v1/evaluation",
        "access_evaluations_endpoint": f"{base}/access/v1/evaluations",
        "search_action_endpoint": f"{base}/access/v1/search/action",
    }  # fmt: skip
    if service.approvals is not None:
        out |= {
            "access_request_endpoint": f"{base}/access/v1/requests",
            "capabilities": ["urn:openid:authzen:capability:access-request"],
        }
    return reply(out)


def _evaluation(service: PolicyService, call: HttpCall, model: authzen.EvaluationModel) -> Answered:
    request = _read(partial(authzen.evaluation_request, model, declared_attributes(service)))
    return _Call(service, call, [request], lambda found: _permitted(found[0])).begin()


def declared_attributes(service: PolicyService) -> Collection[str]:
    """The attributes that the policy in force declares."""
    current = service.active.current
    return () if current is None else current.policy.engine.prepared.attributes


def _together(service: PolicyService, call: HttpCall, requests: list[Request], advise: bool) -> Answered:
    """The reply to a call with requests that are one thing to do."""

    def shown(found: list[_Outcome]) -> Json:
        (one,) = found
        assert isinstance(one.group, list)
        out = [decision_json(d.decision, r.id) for d, r in zip(one.decided, one.group, strict=True)]
        if one.advice:
            denied = next(i for i, d in enumerate(one.decided) if d.decision.effect == DENY)
            out[denied]["advice"] = one.advice
        return {"decisions": out}

    return _Call(service, call, [requests], shown, advise=advise).begin()


@dataclass(slots=True)
class _Outcome:
    """What came of a group of requests: decisions, or what is wrong with it; and perhaps a sentence for the agent."""

    group: Group
    decided: list[Decided] = field(default_factory=list)
    error: RequestError | None = None
    advice: str = ""

    def one(self) -> Decided:
        """The decision on a single request."""
        return self.decided[0]


@dataclass(slots=True)
class _Call:
    """A call with questions on its way: to deciders, to the store of approvals, into the log, to its reply.

    With `each` a group that is not the caller's is answered by an error in its place. Behind a decision that permits as
    `stop` says, nothing is decided. Without `asks` no people are asked. `reads` are requests that are still to be read,
    each a group of its own.
    """

    service: PolicyService
    call: HttpCall
    groups: list[Group]
    show: Callable[[list[_Outcome]], Json]
    each: bool = False
    stop: bool | None = None
    advise: bool = False
    asks: bool = True
    reads: Sequence[Callable[[], Request]] = ()
    tries: int = _TRIES
    drafts: list[DecisionDraft | RequestError] = field(default_factory=list)
    at: int = 0
    settled: list[DecisionDraft | RequestError] = field(default_factory=list)
    found: list[_Outcome] = field(default_factory=list)

    def begin(self) -> Answered:
        """Ask deciders what belongs to them; again when the policy has changed meanwhile."""
        began = time.process_time()
        while len(self.groups) < len(self.reads):
            if time.process_time() - began > _SLICE:
                return PendingReply(None, self.begin)
            self.groups.append(_read(self.reads[len(self.groups)]))
        flat = [r for g in self.groups for r in ([g] if isinstance(g, RequestError) else g)]
        apart = self.each or len(self.groups) > 1
        asked = self.service.decisions.question(flat, self.call.caller, self.advise, apart)
        if asked is None:
            return self._drafted(None)
        return PendingReply(asked.work, lambda: self._found(asked))

    def _found(self, asked: Consultation) -> Answered:
        self.tries -= 1
        return self.begin() if self.tries and self.service.decisions.outdated(asked) else self._drafted(asked)

    def _drafted(self, asked: Consultation | None) -> Answered:
        """Decide by the policy, then let people come into it where they do."""
        began = time.process_time()
        while len(self.drafts) < len(self.groups):
            if time.process_time() - began > _SLICE:
                return PendingReply(None, lambda: self._drafted(asked))
            group = self.groups[len(self.drafts)]
            self.drafts.append(group if isinstance(group, RequestError) else self._draft(group, asked))
            self.at += 1 if isinstance(group, RequestError) else len(group)
        thread = self.service.store_thread
        if not self.asks:
            self.settled = self.drafts
            return self._finished(asked)
        if thread is None or not any(isinstance(d, DecisionDraft) and d.open for d in self.drafts):
            self.settled = self._settled(self.drafts)
            return self._finished(asked)
        work = thread.run(lambda: self._settled(self.drafts))

        def settled() -> Answered:
            self.settled = work.result()
            return self._finished(asked)

        return PendingReply(work, settled)

    def _draft(self, group: list[Request], asked: Consultation | None) -> DecisionDraft | RequestError:
        try:
            return self.service.decisions.draft(group, self.call.caller, asked, self.at)
        except RequestError as error:
            if not self.each:
                raise
            return error

    def _settled(self, drafts: list[DecisionDraft | RequestError]) -> list[DecisionDraft | RequestError]:
        """Those that are decided, as people would have them."""
        out: list[DecisionDraft | RequestError] = []
        for draft in drafts:
            out.append(draft)
            if isinstance(draft, DecisionDraft):
                self.service.decisions.settle(draft)
            permitted = isinstance(draft, DecisionDraft) and draft.decisions[0].allowed
            if self.stop is not None and permitted is self.stop:
                break
        return out

    def _finished(self, asked: Consultation | None) -> Answered:
        """Count and record."""
        began = time.process_time()
        while len(self.found) < len(self.settled):
            if time.process_time() - began > _SLICE:
                return PendingReply(None, lambda: self._finished(asked))
            group, draft = self.groups[len(self.found)], self.settled[len(self.found)]
            if isinstance(draft, RequestError):
                self.found.append(_Outcome(group, error=draft))
            else:
                decided = self.service.decisions.finish(draft)
                self.found.append(_Outcome(group, decided, advice=self._advice(draft, asked)))
        return _when_recorded(self.service, self._reply)

    def _advice(self, draft: DecisionDraft, asked: Consultation | None) -> str:
        if not self.advise or all(d.effect != DENY for d in draft.decisions):
            return ""
        if asked is not None:
            return str(asked.value.get("advice", ""))
        return self.service.decisions.advice(draft)

    def _reply(self) -> HttpReply:
        return reply(self.show(self.found))


def _read(read: Callable[[], Request]) -> Group:
    """A request, or what is wrong with it."""
    try:
        return [read()]
    except RequestError as error:
        return error


def _shown(one: _Outcome) -> Json:
    """A decision, or an error, as one of several."""
    if one.error is not None:
        return {"error": {"code": one.error.code, "message": one.error.message}, "effect": "deny"}
    assert isinstance(one.group, list)
    return decision_json(one.one().decision, one.group[0].id)


def _permitted(one: _Outcome) -> Json:
    """A decision as AuthZEN has it."""
    return authzen.refusal_json(one.error) if one.error is not None else authzen.answer_json(one.one().decision)


def _when_recorded(service: PolicyService, make: Callable[[], HttpReply]) -> HttpReply | DeferredReply:
    """A reply with decisions in it, which counts only once they are recorded, where they are recorded at all."""
    return make() if service.recorder.records is None else DeferredReply(make)
