"""The routes that decide: one request, several, explanations, OpenID AuthZEN."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from ...audit.recorder import Decided
from ...domain.actions import DENY
from ...domain.errors import RequestError
from ...domain.limits import limit
from ...domain.serialize import decision_json
from ...domain.strict_json import Json
from ...wire import authzen
from ...wire.decisions import explanation_json
from ...wire.requests import json_object, parse_request, request_of, validated
from ...wire.service import BatchModel
from ..identity.principals import Caller
from ..service import PolicyService
from .http import DeferredReply, HttpCall, HttpReply, reply

_LONGEST = limit("wait_milliseconds") / 1000
"""Seconds for all questions of one call; others wait behind it."""


def decide(service: PolicyService, call: HttpCall) -> HttpReply | DeferredReply:
    """One request, one decision."""
    request = parse_request(call.body)
    (one,) = service.decisions.decide([request], call.caller)
    return _when_recorded(service, lambda: reply(_shown(one, request.id)))


def batch(service: PolicyService, call: HttpCall) -> HttpReply | DeferredReply:
    """Several requests; one that is malformed is answered by an error in its place, unless they are `together`."""
    out: list[Callable[[], Json]] = []
    deadline = time.process_time() + _LONGEST
    model = validated(BatchModel, json_object(call.body, limit("batch_bytes")))
    if model.together:
        requests = [request_of(value) for value in model.requests]
        found = service.decisions.decide(requests, call.caller)
        out += [partial(_shown, one, r.id) for r, one in zip(requests, found, strict=True)]
        if model.advise:
            decisions = [one.decision for one in found]
            denied = next((i for i, one in enumerate(decisions) if one.effect == DENY), -1)
            if denied >= 0 and (said := service.decisions.advice(requests, decisions, call.caller)):
                shown = out[denied]
                out[denied] = lambda: {**shown(), "advice": said}
        return _when_recorded(service, lambda: reply({"decisions": [one() for one in out]}))
    for value in model.requests:
        try:
            _in_time(deadline)
            request = request_of(value)
            out.append(partial(_shown, service.decisions.decide([request], call.caller)[0], request.id))
        except RequestError as error:
            fault = {"error": {"code": error.code, "message": error.message}, "effect": "deny"}
            out.append(partial(dict, fault))
    return _when_recorded(service, lambda: reply({"decisions": [one() for one in out]}))


def explain(service: PolicyService, call: HttpCall) -> HttpReply:
    """One request, its decision, and what every rule about the action said."""
    return reply(explanation_json(service.decisions.explain(parse_request(call.body), call.caller)))


def evaluation(service: PolicyService, call: HttpCall) -> HttpReply | DeferredReply:
    """AuthZEN: one question."""
    answer = _evaluated(service, authzen.parse_evaluation(call.body), call.caller)
    return _when_recorded(service, lambda: reply(answer()))


def evaluations(service: PolicyService, call: HttpCall) -> HttpReply | DeferredReply:
    """AuthZEN: several questions."""
    parsed = authzen.parse_evaluations(call.body)
    if isinstance(parsed, authzen.EvaluationModel):
        answer = _evaluated(service, parsed, call.caller)
        return _when_recorded(service, lambda: reply(answer()))
    models, semantic = parsed
    stop = {"deny_on_first_deny": False, "permit_on_first_permit": True}.get(semantic)
    out: list[Callable[[], Json]] = []
    deadline = time.process_time() + _LONGEST
    for model in models:
        _in_time(deadline)
        out.append(_evaluated(service, model, call.caller))
        if out[-1]()["decision"] is stop:
            break
    return _when_recorded(service, lambda: reply({"evaluations": [one() for one in out]}))


def metadata(service: PolicyService, call: HttpCall) -> HttpReply:  # noqa: ARG001
    """AuthZEN: where its questions are taken."""
    base = "http://localhost"
    return reply(
        {
            "policy_decision_point": base,
            "access_evaluation_endpoint": f"{base}/access/v1/evaluation",
            "access_evaluations_endpoint": f"{base}/access/v1/evaluations",
        }
    )


def _evaluated(service: PolicyService, model: authzen.EvaluationModel, caller: Caller) -> Callable[[], Json]:
    try:
        request = authzen.evaluation_request(model)
    except RequestError as error:
        return partial(authzen.refusal_json, error)
    (one,) = service.decisions.decide([request], caller)
    return lambda: authzen.answer_json(one.decision)


def _shown(one: Decided, request_id: str | None) -> Json:
    """A decision as JSON, as it is when this is called."""
    return decision_json(one.decision, request_id)


def _when_recorded(service: PolicyService, make: Callable[[], HttpReply]) -> HttpReply | DeferredReply:
    """A reply with decisions in it, which counts only once they are recorded, where they are recorded at all."""
    return make() if service.recorder.records is None else DeferredReply(make)


def _in_time(deadline: float) -> None:
    """Raises RequestError when a call with many questions has taken its time.

    Time is the processor's: on a busy machine a call is not refused for having waited.
    """
    if time.process_time() > deadline:
        raise RequestError("PLR216", "the questions before this one took the call's time; ask again, with fewer")
