"""People's answers to proposals: who may give them, and what becomes of a proposal by them."""

from __future__ import annotations

import socket
from concurrent.futures import Future
from dataclasses import dataclass

from ..approvals import proposal as life
from ..approvals.proposal import GRANTED, ONE_CALL, REFUSED, WHOLE_SESSION, RuleProposal
from ..domain.errors import RequestError
from ..domain.limits import limit
from ..domain.strict_json import Json
from .active import Loaded
from .grants import Grants
from .identity.people import Person
from .identity.principals import Principals
from .proposal_book import ProposalBook
from .proposal_text import branch_of, message_of
from .refusals import user_text
from .weighing.work import Weighing, sources_of


@dataclass(slots=True)
class ProposalAnswers:
    """The proposals, what has been granted by them, and who answers.

    `approvers` are names and groups of people who may accept; `repository` is where the policy's file becomes a branch.
    """

    book: ProposalBook
    grants: Grants
    principals: Principals
    weighing: Weighing
    approvers: frozenset[str]
    repository: str = ""

    def may(self, person: Person) -> bool:
        """Whether a person may accept rules."""
        return person.name in self.approvers or not self.approvers.isdisjoint(person.groups)

    def check(self, person: Person, users: set[int], proposal: RuleProposal) -> None:
        """Raises RequestError for who does not answer this proposal."""
        if not self.may(person):
            raise RequestError("PLR230", "only a person whom `[proposals] approvers` names says yes or no to rules")
        if person.keys:
            raise RequestError("PLR243", f"`{person.name}` proves answers by a key, and proposals are not proved yet")
        if person.signer:
            raise RequestError("PLR239", f"`{person.name}` signs every answer, and proposals are not signed yet")
        if proposal.user in {user_text(user) for user in users} and not self.principals.same_user:
            raise RequestError("PLR230", "the answer comes from the user that asked; an agent would approve itself")

    def reweighed(self, name: str, shown: str, person: Person, found: Json, loaded: Loaded) -> RuleProposal:
        """The proposal with other rules, as they were weighed. Raises RequestError."""
        if "newly" not in found:
            raise RequestError("PLR247", "what the rule would permit was not found in time")
        text = found.pop("text")
        after = self.book.change(
            name,
            lambda p: life.opened(p, shown).with_(
                text=text, weighed=found, policy=loaded.policy.digest, person=person.name
            ),
        )
        self.book.event("proposal-narrowed", after, person=person.name, text=text, narrower=found.get("narrower"))
        return after

    def reject(self, name: str, shown: str, person: Person, reason: str) -> RuleProposal:
        """A person says no. Raises RequestError."""
        after = self.book.change(
            name, lambda p: life.closed(life.opened(p, shown), REFUSED, person.name, reason, self.book.now())
        )
        self.book.event("proposal-rejected", after, person=person.name, why=reason or None)
        return after

    def accept(self, name: str, shown: str, person: Person, scope: str, reason: str, loaded: Loaded) -> RuleProposal:
        """A person says yes, for one call or a session. Raises RequestError."""
        now = self.book.now()

        def accepted(proposal: RuleProposal) -> RuleProposal:
            self._current(life.opened(proposal, shown), loaded)
            if scope == WHOLE_SESSION and not proposal.session:
                raise RequestError("PLR245", "the call was made in no session; accept it for one call")
            return life.granted(proposal, scope, person.name, reason, now, now + limit(_SECONDS_OF[scope]))

        after = self.book.change(name, accepted)
        said = {"person": person.name, "scope": scope, "why": reason or None}
        self.book.event("proposal-accepted", after, text=after.text, **said)
        return after

    def write(self, name: str, shown: str, person: Person, loaded: Loaded) -> Future[Json]:
        """Begin to make a branch with a proposal's rules in the policy's file. Raises RequestError."""
        if not self.repository:
            raise RequestError("PLR251", "`[proposals] repository` names no repository")
        found = life.opened(self.book.get(name), shown)
        self._current(found, loaded, session=False)
        address = person.signer if "@" in person.signer else f"{person.name}@{socket.gethostname()}"
        return self.weighing.start(
            {
                "work": "branch", **sources_of(loaded), "agent": found.agent, "texts": [found.text],
                "repository": self.repository, "author": [person.name, address], "branch": branch_of(found),
                "message": message_of(found, person.name),
            }
        )  # fmt: skip

    def written(self, name: str, shown: str, person: Person, reason: str, commit: str) -> RuleProposal:
        """A branch with a proposal's rules is there. Raises RequestError."""
        after = self.book.change(
            name, lambda p: life.written(life.opened(p, shown), branch_of(p), person.name, reason, self.book.now())
        )
        self.book.event("proposal-written", after, person=person.name, branch=after.branch, commit=commit)
        return after

    def _current(self, proposal: RuleProposal, loaded: Loaded, session: bool = True) -> None:
        """Raises RequestError for what can no longer be accepted as it was weighed."""
        if proposal.policy != loaded.policy.digest:
            raise RequestError("PLR246", "the policy has changed since it was weighed; weigh it again")
        known = self.grants.state.sessions.get(proposal.session)
        if session and proposal.proved and (known is None or known.started != proposal.started):
            raise RequestError("PLR245", "the session is over")

    def withdraw(self, name: str, by: str, reason: str) -> RuleProposal:
        """The agent takes its proposal back, or somebody what was granted. Raises RequestError."""
        now = self.book.now()

        def withdrawn(proposal: RuleProposal) -> RuleProposal:
            if proposal.state == GRANTED:
                return life.ended(proposal, life.REVOKED, reason, now)
            return life.closed(proposal, life.WITHDRAWN, by, reason, now)

        after = self.book.change(name, withdrawn)
        self.book.event(f"proposal-{after.state}", after, by=by, why=reason or None)
        return after


_SECONDS_OF = {ONE_CALL: "grant_once_seconds", WHOLE_SESSION: "grant_session_seconds"}
