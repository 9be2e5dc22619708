"""The routes about tickets: people see them, answer them, review what an emergency opened; agents wait for them."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from ...approvals.content import without_content
from ...approvals.signed import ANSWER, REVIEW, REVOKE, SIGN_IN, answer_text, sign_in_text
from ...approvals.store import TicketQuery
from ...approvals.ticket import OPEN, Ticket
from ...domain.errors import RequestError
from ...domain.limits import limit
from ...domain.request import Request
from ...domain.strict_json import Json
from ...wire.requests import json_object, validated
from ...wire.service import ConsoleModel, ReviewModel, SignedModel, SignInModel, TakenBackModel, VoteModel
from ..approval_service import ApprovalService
from ..identity.people import Person
from ..identity.principals import bind
from ..identity.signatures import verified
from ..service import PolicyService
from ..ticket_book import PolicyInForce, brief, in_force, waiting, whole
from .guard import guarded
from .http import Answered, HttpCall, HttpReply, LongPoll, reply

TICKETS = "/v1/approvals/"
_LATEST = limit("tickets_shown")
_FINDING = "APR008: people always said yes, and so often on one day that nobody reads it"
_VERIFY_SECONDS = limit("signature_seconds") + 1.0
_aside = ThreadPoolExecutor(2, "signatures")
"""Verifying a signature runs a program, and nobody waits for it."""


def list_tickets(service: PolicyService, call: HttpCall) -> HttpReply:
    """People see what waits, what is to be reviewed, and what came of the last ones."""
    reader(service, call)
    return reply(overview(service, _LATEST))


def overview(service: PolicyService, latest: int) -> Json:
    """What waits, what is to be reviewed, and so many of those that are over, as people see them."""
    approvals, force = tickets_of(service)
    open_ = approvals.found(waiting(force), force)
    rest = [t for t in approvals.found(TicketQuery(), force) if t.standing(force.policy) not in OPEN]
    review = approvals.found(TicketQuery(unreviewed=True), force)
    return {
        name: [without_content(shown_to_people(t, force)) for t in found]
        for name, found in (("open", open_), ("review", review), ("latest", rest[:latest]))
    }


def shown_to_people(ticket: Ticket, force: PolicyInForce) -> Json:
    """A ticket for people; one of another policy that is not over is superseded, and can only be looked at."""
    return {**whole(ticket), "state": ticket.standing(force.policy), "current": ticket.policy == force.policy}


def vote(service: PolicyService, call: HttpCall) -> Answered:
    """A person says yes or no. It is recorded before it counts."""
    model = validated(VoteModel, json_object(call.body))
    return by_person(
        service, call, model, (model.verdict, model.reason, model.scope),
        lambda person: reply(whole(answered(service, call, person, model))),
    )  # fmt: skip


def by_person(
    service: PolicyService, call: HttpCall, model: SignedModel, said: tuple[str, ...],
    then: Callable[[Person], HttpReply],
) -> Answered:  # fmt: skip
    """What a person does about a ticket: by itself when it is known otherwise, by its signature when it signs.

    Of those who sign a token or a user is not enough: what they signed in for is to read. `said` is the verdict and its
    reason, as they are signed.
    """
    if (model.person is None) != (model.signature is None):
        raise RequestError("PLR105", "`person` and `signature` belong together")
    if model.signature is None:
        person = service.principals.person(call.caller, time.time())
        if person is None:
            raise RequestError("PLR230", "only a person of the configuration does this")
        if person.signer:
            raise RequestError("PLR239", f"`{person.name}` signs whatever it says, and this is not signed")
        if person.keys and said[0] != REVOKE:
            raise RequestError("PLR243", f"`{person.name}` answers by a key of its own, in the console")
        return then(person)
    signer = _signer(service, call, model.person or "")
    approvals, force = tickets_of(service)
    found = approvals.get(model.ticket, force)
    if found is None:
        raise RequestError("PLR205", "there is no such ticket")
    text = answer_text(shown_to_people(found, force), signer.name, *said)
    return _verified(service, call, signer, (ANSWER, text, model.signature), lambda: then(signer))


def answered(
    service: PolicyService, call: HttpCall, person: Person, model: VoteModel, signed_in_by: int | None = None
) -> Ticket:
    """The ticket after a person's answer, which is on record. Raises RequestError, StoreUnavailableError.

    `signed_in_by` is the uid that opened the person's session, where the call itself does not tell one.
    """
    approvals, force = tickets_of(service)
    about = {"ticket": model.ticket, "person": person.name, "verdict": model.verdict, "why": model.reason or None,
             "signed": model.signature, "scope": model.scope or None}  # fmt: skip
    service.recorder.record_before("approval-voting", **about)
    users = {u for u in (call.caller.seen, signed_in_by) if u is not None}
    after = approvals.vote(person, users, model.ticket, model.verdict, model.reason, force, model.scope)
    service.recorder.record_event(
        "approval-voted", **about, state=after.state, agent=after.agent, session=after.session or None
    )
    return after


def _signer(service: PolicyService, call: HttpCall, name: str) -> Person:
    """The person of that name who signs, unless the call comes from an agent's user."""
    person = service.principals.people.named(name)
    if person is None or service.principals.barred(call.caller):
        raise RequestError("PLR239", "nobody of this name signs here")
    return person


def _verified(
    service: PolicyService, call: HttpCall, person: Person, signed: tuple[str, bytes, str], then: Any
) -> LongPoll:
    """What comes of a signature, once it has been looked at beside the answers."""
    namespace, text, signature = signed
    work: Future[bool] = _aside.submit(verified, person.signer, person.signers, namespace, text, signature)
    work.add_done_callback(lambda _: service.signals.tickets_changed())

    def answer() -> HttpReply:
        if not work.result():
            raise RequestError("PLR239", f"this is not a signature of `{person.name}` for what is answered")
        made: HttpReply = then()
        return made

    def look(last: bool) -> HttpReply | None:
        if not work.done():
            return guarded(service.recorder, call, _late) if last else None
        return guarded(service.recorder, call, answer)

    return LongPoll(look, _VERIFY_SECONDS, people=True)


def _late() -> HttpReply:
    raise RequestError("PLR239", "the signature could not be verified in time")


def sign_in(service: PolicyService, call: HttpCall) -> Answered:
    """Somebody who signs asks for a text to sign, and with its signature for a token that reads tickets."""
    model = validated(SignInModel, json_object(call.body))
    people = service.principals.people
    now = time.time()
    if service.principals.barred(call.caller):
        raise RequestError("PLR239", "nobody signs in from a user that agents run as")
    if model.signature is None or model.challenge is None:
        return reply({"challenge": people.challenge(model.person, now), "seconds": limit("sign_in_seconds")})
    person = people.challenged(model.challenge, now)
    if person is None or person.name != model.person or person != _signer(service, call, model.person):
        raise RequestError("PLR239", "nobody of this name signs here, or the challenge is over")
    text = sign_in_text(person.name, model.challenge)

    def signed_in() -> HttpReply:
        token, until = people.signed_in(person, time.time())
        service.recorder.record_event("signed-in", person=person.name, until=until)
        return reply({"token": token, "until": until})

    return _verified(service, call, person, (SIGN_IN, text, model.signature), signed_in)


def review(service: PolicyService, call: HttpCall) -> Answered:
    """A person says what was found who looked at what an emergency opened."""
    model = validated(ReviewModel, json_object(call.body))
    return by_person(
        service, call, model, (REVIEW, model.found),
        lambda person: reply(whole(looked_at(service, person, model))),
    )  # fmt: skip


def looked_at(service: PolicyService, person: Person, model: ReviewModel) -> Ticket:
    """The ticket after a review, which is on record."""
    approvals, force = tickets_of(service)
    about = {"ticket": model.ticket, "person": person.name, "why": model.found, "signed": model.signature}
    service.recorder.record_before("approval-reviewing", **about)
    after = approvals.review(person, model.ticket, model.found, force)
    service.recorder.record_event("approval-reviewed", **about, agent=after.agent)
    return after


def revoke(service: PolicyService, call: HttpCall) -> Answered:
    """A person or an operator takes a ticket back; or the agent that asked does."""
    model = validated(TakenBackModel, json_object(call.body))
    person = service.principals.person(call.caller, time.time())
    if (person is None or person.signer) and model.signature is None:
        if service.principals.operator(call.caller):
            return _taken_back(service, service.operator(call.caller), model)
        approvals, force = tickets_of(service)
        found = approvals.get(model.ticket, force)
        if found is not None and asked_by(service, found, call):
            return _taken_back(service, f"the agent {found.agent}", model)
        if person is None:
            raise RequestError("PLR234", "there is no such ticket")
    return by_person(
        service, call, model, (REVOKE, model.reason), lambda person: _taken_back(service, person.name, model)
    )


def _taken_back(service: PolicyService, by: str, model: TakenBackModel) -> HttpReply:
    after = tickets_of(service)[0].revoke(by, model.ticket, model.reason)
    service.recorder.record_event(
        "approval-revoked", ticket=after.id, by=by, why=model.reason or None, signed=model.signature, agent=after.agent
    )
    return reply(brief(after))


def stats(service: PolicyService, call: HttpCall) -> HttpReply:
    """How people answered what each rule asked, in so many days (`?days=30`)."""
    from ...approvals.stats import by_rule  # the linter behind it is not part of what a service needs to start
    from ...lint.usage import fatigue

    reader(service, call)
    approvals, force = tickets_of(service)
    days = _number(call.query, "days", 3) or 30
    most = limit("approval_stats")
    looked = approvals.found(TicketQuery(since=approvals.now() - days * 86_400), force, most + 1)
    found = looked[:most]
    rows = [
        {**row, "finding": _FINDING if fatigue(row["busiest"], row["rejected"]) else ""}
        for row in (a.json() for a in by_rule(found, force.policy))
    ]
    return reply({"days": days, "tickets": len(found), "cut": len(looked) > most, "rules": rows})


def console(service: PolicyService, call: HttpCall) -> Answered:
    """A link that signs a person in to the console."""
    if service.console is None:
        raise RequestError("PLR205", "this service has no console; start it with `--console`")
    person = service.principals.person(call.caller, time.time())
    if person is None:
        raise RequestError("PLR230", "only a person of the configuration signs in to the console")
    model = validated(ConsoleModel, json_object(call.body))
    url = service.console.link(person, call.caller.seen, time.time(), model.port)
    url += f"&ticket={model.ticket}" if model.ticket else ""
    service.recorder.record_event("console-link", person=person.name)
    place = None if service.console.origins else service.console.place
    return reply({"url": url, "seconds": limit("console_link_seconds"), "socket": place}, 201)


def ticket(service: PolicyService, call: HttpCall) -> Answered:
    """One ticket: all of it for people, its state for the agent that asked.

    With `?wait=30` it waits for an answer.
    """
    name = call.path.removeprefix(TICKETS)
    approvals, force = tickets_of(service)
    person = service.principals.person(call.caller, time.time())
    reads = person is not None or service.principals.operator(call.caller)
    found = approvals.get(name, force)
    if found is None or not (reads or asked_by(service, found, call)):
        raise RequestError("PLR205", "there is no such ticket")

    def shown(now: Ticket) -> HttpReply:
        in_force_now = in_force(service.active.loaded())
        return reply(shown_to_people(now, in_force_now) if reads else brief(now, in_force_now))

    seconds = _number(call.query, "wait", 3)
    if not seconds or found.standing(force.policy) not in OPEN:
        return shown(found)

    def look(last: bool) -> HttpReply | None:
        current = in_force(service.active.loaded())
        now = approvals.get(name, current)
        return shown(now) if now is not None and (last or now.standing(current.policy) not in OPEN) else None

    return LongPoll(look, min(seconds, limit("approval_wait_seconds")), people=reads)


def _number(query: str, name: str, digits: int) -> int:
    """The number that a query `name=N` gives, or 0."""
    key, _, value = query.partition("=")
    return int(value) if key == name and value.isascii() and value.isdigit() and len(value) <= digits else 0


# shared with the console


def tickets_of(service: PolicyService) -> tuple[ApprovalService, PolicyInForce]:
    """The tickets, and what they are measured by. Raises RequestError when there are none here."""
    if service.approvals is None:
        raise RequestError("PLR205", "this service keeps no approvals: its configuration names no people")
    return service.approvals, in_force(service.active.loaded())


def asked_by(service: PolicyService, ticket: Ticket, call: HttpCall) -> bool:
    """True for the agent that asked, in its session."""
    request = Request("do", "approval", agent=ticket.agent, session=ticket.session or None)
    try:
        bind(request, service.principals.binding(call.caller))
    except RequestError:
        return False
    return True


def reader(service: PolicyService, call: HttpCall) -> None:
    """Raises RequestError unless a person or an operator calls."""
    if service.principals.person(call.caller, time.time()) is None:
        service.operator(call.caller)
