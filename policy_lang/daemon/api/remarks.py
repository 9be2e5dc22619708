"""The routes by which people talk about tickets: comments, and who is asked to answer. Neither decides anything."""

from __future__ import annotations

from ...approvals.signed import ASSIGN, COMMENT
from ...approvals.ticket import Ticket
from ...wire.requests import json_object, validated
from ...wire.service import AssignModel, CommentModel
from ..identity.people import Person
from ..service import PolicyService
from .approvals import by_person, shown_to_people, tickets_of
from .http import Answered, HttpCall, HttpReply, reply


def comment(service: PolicyService, call: HttpCall) -> Answered:
    """A person says something to others about a ticket."""
    model = validated(CommentModel, json_object(call.body))
    return by_person(
        service, call, model, (COMMENT, model.text), lambda person: _shown(service, commented(service, person, model))
    )


def commented(service: PolicyService, person: Person, model: CommentModel) -> Ticket:
    """The ticket with a comment, which is on record. Raises RequestError, StoreUnavailableError."""
    about = {"ticket": model.ticket, "person": person.name, "why": model.text, "signed": model.signature}
    service.recorder.record_before("approval-commenting", **about)
    return tickets_of(service)[0].comment(person, model.ticket, model.text)


def assign(service: PolicyService, call: HttpCall) -> Answered:
    """A person asks one who may answer a ticket to do so."""
    model = validated(AssignModel, json_object(call.body))
    return by_person(
        service, call, model, (ASSIGN, model.to), lambda person: _shown(service, assigned(service, person, model))
    )


def assigned(service: PolicyService, person: Person, model: AssignModel) -> Ticket:
    """The ticket with who is asked, which is on record. Raises RequestError, StoreUnavailableError."""
    approvals, force = tickets_of(service)
    after = approvals.assign(model.ticket, model.to, force)
    service.recorder.record_event(
        "approval-assigned", ticket=after.id, by=person.name, person=after.assigned or None, signed=model.signature
    )
    return after


def _shown(service: PolicyService, ticket: Ticket) -> HttpReply:
    return reply(shown_to_people(ticket, tickets_of(service)[1]))
