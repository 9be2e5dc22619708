"""The routes by which operators steer: what is frozen, open questions, the policy's files; and agents' escalations."""

from __future__ import annotations

import time

from ...domain.errors import RequestError
from ...domain.request import Request
from ...wire.requests import json_object, validated
from ...wire.service import EscalationModel, PrincipalModel, QuestionModel
from ..identity.principals import bind
from ..service import PolicyService
from ..state import AGENT, SESSION
from .http import HttpCall, HttpReply, reply
from .status import tickets_counted


def list_state(service: PolicyService, call: HttpCall) -> HttpReply:
    """Sessions, counts, what is frozen, open questions, and what stands out about the policy in force."""
    service.operator(call.caller)
    state = service.state
    return reply(
        {
            "tickets": tickets_counted(service),
            "notices": service.notices,
            "sessions": [
                {
                    "session": s.id,
                    "agent": s.agent,
                    "started": s.started,
                    "seen": s.seen,
                    "confined": s.confined,
                    "decisions": s.counts,
                }
                for s in list(state.sessions.values())
            ],
            "agents": [{"agent": name, "decisions": counts} for name, counts in list(state.agents.items())],
            "frozen": [
                {f.kind: f.name, "reason": f.why, "by": f.by, "since": f.since} for f in list(state.frozen.values())
            ],
            "escalations": [
                {"escalation": e.id, "agent": e.agent, "session": e.session, "question": e.question, "since": e.since}
                for e in list(state.escalations.values())
            ],
        }
    )


def freeze(service: PolicyService, call: HttpCall) -> HttpReply:
    """An operator freezes an agent or session."""
    by = service.operator(call.caller)
    kind, name, why = _principal(call.body)
    frozen = service.state.freeze(kind, name, why or "no reason was given", by, time.time())
    service.recorder.record_event("frozen", by=by, why=frozen.why, **{kind: name})
    return reply({kind: name, "reason": frozen.why, "by": frozen.by})


def lift(service: PolicyService, call: HttpCall) -> HttpReply:
    """An operator lifts a freeze."""
    by = service.operator(call.caller)
    kind, name, _ = _principal(call.body)
    service.recorder.record_before("lifting", by=by, **{kind: name})
    service.state.lift(kind, name)
    service.recorder.record_event("lifted", by=by, **{kind: name})
    return reply({kind: name})


def escalate(service: PolicyService, call: HttpCall) -> HttpReply:
    """An agent asks a person."""
    model = validated(QuestionModel, json_object(call.body))
    request = Request("do", "escalate", agent=model.agent, session=model.session)
    request = bind(request, service.principals.binding(call.caller))
    made = service.state.escalate(request.agent or "", request.session, model.question, time.time())
    service.recorder.record_event(
        "escalation", agent=made.agent, session=made.session, escalation=made.id, question=made.question
    )
    return reply({"escalation": made.id}, 201)


def settle(service: PolicyService, call: HttpCall) -> HttpReply:
    """An operator takes a question off the list."""
    service.operator(call.caller)
    made = service.state.settle(validated(EscalationModel, json_object(call.body)).escalation)
    return reply({"escalation": made.id})


def load_again(service: PolicyService, call: HttpCall) -> HttpReply:
    """An operator asks for the files to be read again; `/v1/policy` tells how it went."""
    service.operator(call.caller)
    service.signals.reload_wanted()
    return reply({"status": "loading"}, 202)


def _principal(body: bytes) -> tuple[str, str, str]:
    model = validated(PrincipalModel, json_object(body))
    if (model.agent is None) == (model.session is None):
        raise RequestError("PLR105", "name either an `agent` or a `session`")
    if model.agent is not None:
        return AGENT, model.agent, model.reason
    return SESSION, model.session or "", model.reason
