"""Rules that people have granted to an agent: the policy in force with them in it, asked like any other.

It is compiled by a worker from the sources of the policy in force and the rules' text, so denials, ceilings and the
floor hold as they do without. Until it is there, nothing is granted.
"""

from __future__ import annotations

import base64
from collections import OrderedDict
from concurrent.futures import Future
from dataclasses import dataclass, field

from ..approvals import proposal as life
from ..approvals.proposal import GRANTED, ONE_CALL, WHOLE_SESSION, RuleProposal
from ..approvals.store import StoreUnavailableError
from ..compiled.reader import Contents
from ..domain.actions import ALLOW, DENY
from ..domain.decision import Decision
from ..domain.errors import RequestError
from ..domain.limits import limit
from ..domain.request import Request
from ..domain.strict_json import Json
from ..policy import Policy
from .active import Loaded
from .proposal_book import ProposalBook
from .refusals import Seen, user_text
from .state import ServiceState
from .weighing.work import Weighing, result_of, sources_of

_Key = tuple[str, str, tuple[str, ...]]
"""A policy's digest, an agent, and the rules that are granted to it."""


@dataclass(slots=True)
class Grants:
    """What is granted, for one agent in one session under one policy each."""

    book: ProposalBook
    state: ServiceState
    weighing: Weighing
    _live: list[RuleProposal] | None = None
    _policies: OrderedDict[_Key, Policy] = field(default_factory=OrderedDict)
    _making: dict[_Key, Future[Json]] = field(default_factory=dict)
    _failed: dict[_Key, float] = field(default_factory=dict)
    _digest: str = ""

    def __post_init__(self) -> None:
        """Look again whenever something has changed."""
        self.book.changed.listen(self.look_again)

    def decided(
        self,
        requests: list[Request],
        decisions: list[Decision],
        seen: Seen,
        loaded: Loaded,
        user: int | None,
        proved: bool,
    ) -> tuple[list[Decision], list[RuleProposal]]:
        """Decisions by the policy with the rules that people have granted, where it alone does not allow.

        Second, the grants for one call that it was; who lets the call pass says so with `used`.
        """
        try:
            own = [p for p in self._in_force(loaded.policy.digest) if self._is_for(p, requests[0], user, proved)]
            own = [p for p in own if p.scope == WHOLE_SESSION or p.digest == seen[1]]
            policy = self._policy(own, loaded) if own else None
        except (StoreUnavailableError, RequestError):
            return decisions, []
        if policy is None:
            return decisions, []
        better = [policy.decide_request(r) for r in requests]
        if all(d.effect != DENY for d in better):
            once = [p for p in own if p.scope == ONE_CALL]
            return [d if b.effect == d.effect else _named(b, own) for b, d in zip(better, decisions, strict=True)], once
        return decisions, []

    def used(self, grants: list[RuleProposal]) -> None:
        """A call has passed by grants that were for it alone. Raises RequestError, StoreUnavailableError."""
        for grant in grants:
            self.book.change(grant.id, lambda p: life.ended(p, life.USED, "", self.book.now()))
            self.book.event("proposal-used", grant)

    def _is_for(self, grant: RuleProposal, request: Request, user: int | None, proved: bool) -> bool:
        if (grant.agent, grant.session, grant.proved) != (request.agent or "", request.session or "", proved):
            return False
        if grant.user and grant.user != user_text(user):
            return False
        session = self.state.sessions.get(grant.session)
        return not grant.proved or (session is not None and session.started == grant.started)

    def _in_force(self, digest: str) -> list[RuleProposal]:
        """What is granted under the policy in force. Raises StoreUnavailableError."""
        if self._digest != digest:
            before, self._digest = self._digest, digest
            self._policies.clear()
            self._failed.clear()
            if before:
                self.book.end(lambda p: p.policy == before, "the policy has changed")
        live = self._live
        if live is None:
            live = self._live = self.book.store.proposals((GRANTED,))
        if any(p.until <= self.book.now() for p in live):
            live = [self.book.timed(p) for p in live]
        return [p for p in live if p.policy == digest and p.state == GRANTED]

    def look_again(self) -> None:
        """Somebody may have changed what is granted. From any thread."""
        self._live = None

    def _policy(self, grants: list[RuleProposal], loaded: Loaded) -> Policy | None:
        """The policy with these rules in it; None while it is being compiled."""
        key = (loaded.policy.digest, grants[0].agent, tuple(sorted({p.text for p in grants})))
        found = self._policies.get(key)
        if found is None and (work := self._making.get(key)) is not None and work.done():
            del self._making[key]
            made = _contents(work)
            if made is None:
                self._failed[key] = self.book.now() + limit("granted_again_seconds")
            else:
                found = self._policies[key] = Policy.of_compiled(made)
                while len(self._policies) > limit("granted_policies"):
                    self._policies.popitem(last=False)
        if found is None and key not in self._making and self._failed.get(key, 0.0) <= self.book.now():
            job = {"work": "grant", **sources_of(loaded), "agent": grants[0].agent, "texts": list(key[2])}
            try:
                self._making[key] = self.weighing.start(job)
            except RequestError:
                return None
        return found

    def ready(self, grant: RuleProposal, loaded: Loaded) -> bool:
        """Whether what was granted decides by now."""
        if grant.policy != loaded.policy.digest:
            return True
        same = (grant.agent, grant.session)
        own = [p for p in self._in_force(grant.policy) if (p.agent, p.session) == same and p.scope == WHOLE_SESSION]
        return self._policy(own if grant in own else [*own, grant], loaded) is not None

    def session_ended(self, name: str) -> None:
        """A session that an operator started is over, and so is what was granted for it."""
        self.book.end(lambda p: p.proved and p.session == name, "the session is over")

    def started_anew(self) -> None:
        """The service has started: of the sessions that operators started none is there any more."""
        self.book.end(lambda p: p.proved, "the service has started anew, and the session is over")


def _contents(work: Future[Json]) -> Contents | None:
    try:
        return Contents(base64.b64decode(result_of(work)["compiled"]))
    except (RequestError, KeyError, ValueError):
        return None  # it denies as before


def _named(decision: Decision, grants: list[RuleProposal]) -> Decision:
    """The decision, which says whose yes it is by."""
    said = ", ".join(dict.fromkeys(f"`{p.person}` (proposal {p.id})" for p in grants))
    return decision.explained(f"by a rule that was granted by {said}") if decision.effect == ALLOW else decision
