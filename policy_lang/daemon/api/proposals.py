"""The routes about proposals: agents ask for rules, people see what they would permit, and answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future

from ...approvals.proposal import BRANCH, GRANTED, PROPOSED, RuleProposal
from ...domain.errors import RequestError
from ...domain.limits import limit
from ...domain.request import Request
from ...domain.strict_json import Json
from ...wire.proposals import AcceptModel, NarrowModel, ProposeModel, RejectModel, WithdrawModel, WithinModel
from ...wire.requests import json_object, validated
from ..identity.people import Person
from ..identity.principals import Binding, bind
from ..proposals import ProposalService
from ..service import PolicyService
from ..weighing.rules import canonical
from ..weighing.work import result_of
from .approvals import reader
from .guard import guarded
from .http import Answered, HttpCall, HttpReply, LongPoll, reply

PROPOSALS = "/v1/proposals/"
_SECONDS = limit("weighing_wait_seconds") * 2.0
"""For what waits before it as well."""


def propose(service: PolicyService, call: HttpCall) -> Answered:
    """An agent that was refused asks for a rule; the answer says whether people will see it."""
    proposals = proposals_of(service)
    model = validated(ProposeModel, json_object(call.body))
    if (model.decision is None) == (model.request is None):
        raise RequestError("PLR105", "name the call that was refused, by either `decision` or `request`")
    who, _ = speaks_for(service, call, model.agent, model.session)
    if service.state.why_frozen(who.agent, who.session) is not None:
        raise RequestError("PLR244", "what is frozen proposes nothing")
    agent = who.agent or ""
    rules = canonical(model.rules)
    wanted = None if model.request is None else model.request.model_dump()
    refused = proposals.call_of(agent, who.session, model.decision, wanted)
    work = proposals.weigh(agent, rules, refused, service.active.loaded())

    def added() -> HttpReply:
        made = proposals.add(agent, model.purpose, refused, result_of(work))
        return reply(brief(made), 201)

    return _when_done(service, call, work, added)


def show(service: PolicyService, call: HttpCall) -> HttpReply:
    """One proposal, or `all` of the latest: everything for people, its state for the agent that asked."""
    name = call.path.removeprefix(PROPOSALS)
    proposals = proposals_of(service)
    if name == "all":
        reader(service, call)
        return reply(listed(proposals))
    found = proposals.book.get(name)
    person = service.principals.person(call.caller, time.time())
    if person is not None or service.principals.operator(call.caller):
        return reply(whole(found))
    if not asked_by(service, found, call):
        raise RequestError("PLR205", "there is no such proposal")
    return reply(brief(found))


def listed(proposals: ProposalService) -> Json:
    """What waits, what is granted, and what came of the latest."""
    found = proposals.book.found()
    return {
        "open": [whole(p) for p in found if p.state == PROPOSED],
        "granted": [whole(p) for p in found if p.state == GRANTED],
        "latest": [whole(p) for p in found if p.state not in {PROPOSED, GRANTED}][: limit("tickets_shown")],
    }


def narrow(service: PolicyService, call: HttpCall) -> Answered:
    """A person puts other rules in a proposal's place, and the engine weighs them; the same again after a change."""
    model = validated(NarrowModel, json_object(call.body))
    return narrowed(service, call, _person(service, call), model)


def narrowed(
    service: PolicyService, call: HttpCall, person: Person, model: NarrowModel, signed_in_by: int | None = None
) -> LongPoll:
    """The proposal with what a person wrote, once it is weighed. Raises RequestError."""
    proposals = proposals_of(service)
    found = proposals.book.get(model.proposal)
    proposals.check(person, _users(call, signed_in_by), found)
    loaded = service.active.loaded()
    work = proposals.weigh_again(found, canonical(model.rules), loaded)

    def weighed() -> HttpReply:
        return reply(whole(proposals.reweighed(model.proposal, model.shown, person, result_of(work), loaded)))

    return _when_done(service, call, work, weighed)


def accept(service: PolicyService, call: HttpCall) -> Answered:
    """A person says yes to what was shown, for one call or a session. It is recorded before it counts."""
    model = validated(AcceptModel, json_object(call.body))
    return accepted(service, call, _person(service, call), model)


def accepted(
    service: PolicyService, call: HttpCall, person: Person, model: AcceptModel, signed_in_by: int | None = None
) -> Answered:
    """The proposal after a person's yes, once what was granted decides. Raises RequestError."""
    proposals, loaded = proposals_of(service), service.active.loaded()
    proposals.check(person, _users(call, signed_in_by), proposals.book.get(model.proposal))
    service.recorder.record_before(
        "proposal-accepting", proposal=model.proposal, person=person.name, scope=model.scope, why=model.reason or None
    )
    if model.scope == BRANCH:
        work = proposals.write(model.proposal, model.shown, person, loaded)

        def written() -> HttpReply:
            commit = str(result_of(work).get("commit", ""))
            if not commit:
                raise RequestError("PLR251", "it took too long")
            return reply(whole(proposals.written(model.proposal, model.shown, person, model.reason, commit)))

        return _when_done(service, call, work, written)
    after = proposals.accept(model.proposal, model.shown, person, model.scope, model.reason, loaded)

    def look(last: bool) -> HttpReply | None:
        ready = proposals.grants.ready(after, service.active.loaded())
        return reply({**whole(after), "ready": ready}) if ready or last else None

    return look(False) or LongPoll(look, _SECONDS)


def reject(service: PolicyService, call: HttpCall) -> HttpReply:
    """A person says no to what was shown."""
    model = validated(RejectModel, json_object(call.body))
    return reply(whole(rejected(service, call, _person(service, call), model)))


def rejected(
    service: PolicyService, call: HttpCall, person: Person, model: RejectModel, signed_in_by: int | None = None
) -> RuleProposal:
    """The proposal after a person's no. Raises RequestError."""
    proposals = proposals_of(service)
    proposals.check(person, _users(call, signed_in_by), proposals.book.get(model.proposal))
    return proposals.reject(model.proposal, model.shown, person, model.reason)


def within(service: PolicyService, call: HttpCall) -> Answered:
    """An agent has a policy for agents that it starts compared with its own, exactly."""
    proposals = proposals_of(service)
    model = validated(WithinModel, json_object(call.body))
    who, _ = speaks_for(service, call, model.agent, model.session)
    work = proposals.within(who.agent or "", model.policy, service.active.loaded())

    def compared() -> HttpReply:
        found = result_of(work)
        if "within" not in found:
            found = {"within": "undecided", "rows": [], "more": 0, "tiers": [], "undecided": ["it took too long"]}
        return reply({name: found[name] for name in ("within", "rows", "more", "tiers", "undecided")})

    return _when_done(service, call, work, compared)


def withdraw(service: PolicyService, call: HttpCall) -> HttpReply:
    """The agent takes its proposal back; or a person or an operator what was granted."""
    model = validated(WithdrawModel, json_object(call.body))
    proposals = proposals_of(service)
    found = proposals.book.get(model.proposal)
    person = service.principals.person(call.caller, time.time())
    if person is not None and proposals.may(person):
        return reply(brief(taken_back(service, person, found, model.reason)))
    if service.principals.operator(call.caller):
        by = service.operator(call.caller)
    elif asked_by(service, found, call):
        by = f"the agent {found.agent}"
    else:
        raise RequestError("PLR205", "there is no such proposal")
    return reply(brief(proposals.withdraw(model.proposal, by, model.reason)))


def taken_back(service: PolicyService, person: Person, proposal: RuleProposal, reason: str) -> RuleProposal:
    """The proposal after a person has taken it back. Raises RequestError."""
    proposals = proposals_of(service)
    if not proposals.may(person):
        raise RequestError("PLR230", "only a person whom `[proposals] approvers` names takes it back")
    return proposals.withdraw(proposal.id, person.name, reason)


# shared with the console


def proposals_of(service: PolicyService) -> ProposalService:
    """The proposals. Raises RequestError when there are none here."""
    if service.proposals is None:
        raise RequestError(
            "PLR205", "this service takes no proposals: its configuration has no `[proposals] approvers`"
        )
    return service.proposals


def brief(proposal: RuleProposal) -> Json:
    """The proposal as its agent is told of it."""
    return {
        "proposal": proposal.id, "state": proposal.state, "rules": proposal.text, "until": proposal.until,
        "scope": proposal.scope, "reason": proposal.reason,
    }  # fmt: skip


def whole(proposal: RuleProposal) -> Json:
    """What people are shown."""
    return {
        **brief(proposal), "agent": proposal.agent, "session": proposal.session, "user": proposal.user,
        "purpose": proposal.purpose, "proposed": proposal.original, "asked": proposal.asked,
        "weighed": proposal.weighed, "policy": proposal.policy, "created": proposal.created,
        "person": proposal.person, "closed": proposal.closed_at, "branch": proposal.branch, "shown": proposal.shown,
    }  # fmt: skip


def speaks_for(
    service: PolicyService, call: HttpCall, agent: str | None, session: str | None
) -> tuple[Request, Binding | None]:
    """The agent and session that a call is for. Raises RequestError for another's."""
    binding = service.principals.binding(call.caller)
    return bind(Request("do", "propose", agent=agent, session=session), binding), binding


def asked_by(service: PolicyService, proposal: RuleProposal, call: HttpCall) -> bool:
    """True for the agent that proposed it, in its session."""
    try:
        speaks_for(service, call, proposal.agent, proposal.session or None)
    except RequestError:
        return False
    return True


def _person(service: PolicyService, call: HttpCall) -> Person:
    person = service.principals.person(call.caller, time.time())
    if person is None:
        raise RequestError("PLR230", "only a person of the configuration says yes or no")
    return person


def _users(call: HttpCall, signed_in_by: int | None) -> set[int]:
    return {u for u in (call.caller.seen, signed_in_by) if u is not None}


def _when_done(service: PolicyService, call: HttpCall, work: Future[Json], then: Callable[[], HttpReply]) -> LongPoll:
    """What comes of a piece of weighing, once it is done."""

    def look(last: bool) -> HttpReply | None:
        if not work.done():
            return guarded(service.recorder, call, _late) if last else None
        return guarded(service.recorder, call, then)

    return LongPoll(look, _SECONDS)


def _late() -> HttpReply:
    raise RequestError("PLR247", "it could not be weighed in time; try again later")
