"""Proposals as pages: what a rule would newly permit, the agent's own words apart, and the person's answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...approvals.proposal import RuleProposal
from ...audit.redact import redacted
from ...domain.codes import PAGES
from ...domain.errors import RequestError
from ...domain.limits import limit
from ...domain.strict_json import Json
from ...report import proposals as report
from ...wire.proposals import AcceptModel, NarrowModel, RejectModel
from ...wire.requests import validated
from ..api.http import Answered, HttpCall, HttpReply, LongPoll
from ..api.proposals import accepted, listed, narrowed, proposals_of, rejected, taken_back, whole
from ..identity.browser_sessions import BrowserSession
from ..service import PolicyService
from . import pages

Page = Callable[..., HttpReply]


class ProposalPages:
    """The pages of proposals. `page` makes one of a template for a session, `to` leads a browser to a place there."""

    def __init__(self, service: PolicyService, page: Page, to: Callable[[BrowserSession, str], HttpReply]) -> None:
        self.service = service
        self._page = page
        self._to = to

    def handle(
        self, session: BrowserSession, name: str | None, what: str | None, form: dict[str, str] | None, call: HttpCall
    ) -> Answered:
        """The page of an address: all proposals, one, or what comes of an answer. Raises RequestError."""
        if (what is None) != (form is None):
            raise RequestError("PLR212", "this address is not used in that way")
        if name is None:
            return self.list(session)
        return (
            self.show(session, name) if what is None or form is None else self.changed(session, name, what, form, call)
        )

    def list(self, session: BrowserSession) -> HttpReply:
        """What waits, what is granted, and what came of the latest."""
        return self._page(session, "proposals", 200, **redacted(listed(proposals_of(self.service))))

    def show(self, session: BrowserSession, name: str, said: str = "", status: int = 200) -> HttpReply:
        """One proposal, with what the person may do about it."""
        proposals = proposals_of(self.service)
        found = proposals.book.get(name)
        why = self._why_not(session, found)
        view = {**redacted(whole(found)), "text": found.text}  # as it would stand
        current = found.policy == self.service.active.loaded().policy.digest
        return self._page(
            session, "proposal", status, p=view,
            said=redacted(said), seal=session.seal(*_state(found)), current=current,
            newly=report.newly(view["weighed"]), files=report.files(view), warnings=report.warnings(view),
            facts=report.facts(view), strange=pages.strange(found.text) or pages.strange(found.purpose),
            may=found.is_open and not why, why=why if found.is_open else "", revokes=proposals.may(session.person),
            branch=proposals.repository != "", most_rules=limit("proposal_bytes"),
        )  # fmt: skip

    def _why_not(self, session: BrowserSession, found: RuleProposal) -> str:
        try:
            proposals_of(self.service).check(session.person, _users(session), found)
        except RequestError as error:
            return error.message
        return ""

    def changed(self, session: BrowserSession, name: str, what: str, form: dict[str, str], call: HttpCall) -> Answered:
        """The page after a person's answer, which may wait for the engine."""
        found = proposals_of(self.service).book.get(name)
        try:
            _check_sealed(session, found, form)
            waits = self._done(session, found, what, form, call)
        except RequestError as error:
            self.service.recorder.record_event(
                "refused", path="console", code=error.code, why=error.message, person=session.person.name
            )
            return self.show(session, name, f"{error.message} ({error.code})", PAGES[error.code].status)
        if not isinstance(waits, LongPoll):
            return self._to(session, f"rules/{name}")
        look = waits.look

        def looked(last: bool) -> HttpReply | None:
            answer = look(last)
            if not isinstance(answer, HttpReply):
                return None
            return self._to(session, f"rules/{name}") if answer.status < 300 else self._failed(session, name, answer)

        return LongPoll(looked, waits.seconds)

    def _failed(self, session: BrowserSession, name: str, answer: HttpReply) -> HttpReply:
        error = pages.error_of(answer.body)
        return self.show(session, name, error, answer.status)

    def _done(
        self, session: BrowserSession, found: RuleProposal, what: str, form: dict[str, str], call: HttpCall
    ) -> Any:
        reason = form.get("reason", "").replace("\r\n", "\n").strip()
        given: Json = {"proposal": found.id, "shown": form.get("shown", "")}
        service, person, user = self.service, session.person, session.user
        if what == "narrow":
            given["rules"] = form.get("rules", "").replace("\r\n", "\n")
            return narrowed(service, call, person, validated(NarrowModel, given), user)
        given["reason"] = reason
        if what == "withdraw":
            return taken_back(service, person, found, reason)
        if form.get("scope") == "reject":
            return rejected(service, call, person, validated(RejectModel, given), user)
        model = validated(AcceptModel, {**given, "scope": form.get("scope", "")})
        return accepted(service, call, person, model, user)


def _check_sealed(session: BrowserSession, found: RuleProposal, form: dict[str, str]) -> None:
    """Raises RequestError for a form that was made of something else."""
    if not session.sealed(form.get("seal", ""), *_state(found)):
        raise RequestError("PLR242", "since the page was shown the proposal has changed; look again")


def _state(proposal: RuleProposal) -> tuple[str, ...]:
    """What of a proposal a person has seen."""
    return ("proposal", proposal.id, proposal.shown, proposal.state)


def _users(session: BrowserSession) -> set[int]:
    return set() if session.user is None else {session.user}
