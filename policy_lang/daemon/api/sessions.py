"""The routes of sessions: an operator begins one, whoever shows its token is that agent in that session."""

from __future__ import annotations

import time
from functools import partial

from ...domain.errors import RequestError
from ...wire.requests import json_object, validated
from ...wire.service import NamedModel, SessionModel
from ..identity.principals import ANY, Binding
from ..service import PolicyService
from .http import HttpCall, HttpReply, reply


def start_session(service: PolicyService, call: HttpCall) -> HttpReply:
    """An operator begins a session; whoever shows its token is that agent, in that session."""
    service.operator(call.caller)
    model = validated(SessionModel, json_object(call.body))
    if model.agent == ANY:
        raise RequestError("PLR106", "a session is one agent's")
    walls = model.confined or None  # what is not so is not in a record
    service.recorder.record_before("session-starting", agent=model.agent, session=model.session, confined=walls)
    session = service.state.start(model.agent, time.time(), model.session, model.confined)
    service.principals.sessions[session.token] = Binding(
        (model.agent,), token=session.token, repo=model.repo, workspace=model.workspace, home=model.home,
        context=tuple(sorted(model.context.items())), session=session.id, confined=model.confined,
        owner=model.owner,
    )  # fmt: skip
    service.recorder.record_event("session-started", agent=model.agent, session=session.id, confined=walls)
    return reply(
        {"session": session.id, "agent": session.agent, "token": session.token, "confined": session.confined}, 201
    )


def end_session(service: PolicyService, call: HttpCall) -> HttpReply:
    """An operator ends a session, or the session itself does."""
    name = validated(NamedModel, json_object(call.body)).session
    binding = service.principals.binding(call.caller)
    if binding is None or binding.session != name:
        service.operator(call.caller)
    service.principals.forget(service.state.end(name).token)
    service.recorder.record_event("session-ended", session=name)
    _grants_end(service, name)
    return reply({"session": name})


def end_idle(service: PolicyService, now: float) -> None:
    """End the sessions that have been idle for too long."""
    for session in service.state.idle(now):
        service.principals.forget(session.token)
        service.recorder.record_event("session-ended", session=session.id, why="idle")
        _grants_end(service, session.id)


def _grants_end(service: PolicyService, session: str) -> None:
    """What was granted for the session decides no more; that the store says so as well may take a moment."""
    if service.proposals is None:
        return
    ended = partial(service.proposals.grants.session_ended, session)
    if service.store_thread is None:
        ended()
    else:
        service.store_thread.run(ended)
