"""The routes of AuthZEN's Access Request and Approval Profile (draft 1): a task is the ticket of an evaluation.

Decision point and access request service are one, so a denial is named by reference: its `evaluation_id` is the ticket.
The task is approved as soon as the ticket is, and asking the same again with `context.approval` redeems it.
"""

from __future__ import annotations

from ...approvals.ticket import APPROVED, EXPIRED, OPEN, REDEEMED, REJECTED, Ticket, parts_of
from ...domain import strict_json
from ...domain.codes import PAGES
from ...domain.request import Request
from ...domain.serialize import request_json
from ...domain.strict_json import Json
from ...wire import authzen
from ...wire.requests import json_object, validated
from ..service import PolicyService
from .approvals import asked_by, tickets_of
from .decisions import declared_attributes
from .http import HttpCall, HttpReply, reply

REQUESTS = "/access/v1/requests/"
_ERRORS = "urn:openid:authzen:access-request:error:"
_STATUS = {APPROVED: "approved", REDEEMED: "approved", REJECTED: "denied", EXPIRED: "expired"}
"""What a ticket's state is to the profile; one that was taken back, or belongs to another policy, is `cancelled`."""
_NOT_BOUND = ("id", "ticket", "origin")
"""Fields that an evaluation may say otherwise the second time."""


def request_access(service: PolicyService, call: HttpCall) -> HttpReply:
    """AuthZEN: ask for what was denied; people are asked already, and the task says how far they are."""
    model = validated(authzen.AccessRequestModel, json_object(call.body))
    found = _ticket(service, call, model.denial.evaluation_id)
    if found is None or not _covers(found, authzen.evaluation_request(model, declared_attributes(service))):
        return _problem("invalid_denial_binding", "the denial is of no such evaluation, or of another one")
    if model.denial.expires_at != authzen.moment(found.answer_by):
        return _problem("invalid_denial_binding", "`expires_at` is not what the denial said")
    if found.state == EXPIRED:
        return _problem("expired_denial", "people are asked no longer; evaluate it again")
    made = reply(_task(service, found), 202)
    return HttpReply(made.status, made.body, headers=(("location", f"{authzen.BASE}{REQUESTS}{found.id}"),))


def task(service: PolicyService, call: HttpCall) -> HttpReply:
    """AuthZEN: how far a task is, for the agent that asked."""
    found = _ticket(service, call, call.path.removeprefix(REQUESTS))
    if found is None:
        return _problem("unknown_task", "there is no such task", "PLR205")
    return reply(_task(service, found))


def _ticket(service: PolicyService, call: HttpCall, name: str) -> Ticket | None:
    """A ticket of the caller's own."""
    approvals, force = tickets_of(service)
    found = approvals.get(name, force)
    return found if found is not None and asked_by(service, found, call) else None


def _covers(ticket: Ticket, request: Request) -> bool:
    """Whether the ticket is for this request, as far as the caller says it; its context may say more than it did then.

    Who the agent is, its connection says.
    """
    first, *more = parts_of(ticket.request)
    said = {name: value for name, value in request_json(request).items() if name not in _NOT_BOUND}
    context = said.pop("context", {})
    same = all(first.get(name) == value for name, value in said.items())
    return same and not more and all(context.get(n) == v for n, v in first.get("context", {}).items())


def _task(service: PolicyService, ticket: Ticket) -> Json:
    state = ticket.standing(tickets_of(service)[1].policy)
    status = "pending" if state in OPEN else _STATUS.get(state, "cancelled")
    until = ticket.answer_by if ticket.is_open else ticket.redeem_by
    shown: Json = {"id": ticket.id, "status": status, "status_endpoint": f"{authzen.BASE}{REQUESTS}{ticket.id}"}
    if until:
        shown["expires_at"] = authzen.moment(until)
    if status != "approved":
        return {"task": shown}
    approval = {"id": ticket.id, "approved_until": authzen.moment(ticket.redeem_by)}
    return {"task": shown, "result": {"mode": "reevaluate", "approval": approval}}


def _problem(kind: str, detail: str, code: str = "PLR106") -> HttpReply:
    """What is wrong, as RFC 9457 has it, with the status of the code's page."""
    status = PAGES[code].status
    body = {"type": f"{_ERRORS}{kind}", "title": kind.replace("_", " "), "status": status, "detail": detail}
    return HttpReply(status, strict_json.dump(body), "application/problem+json")
