"""Proposals as the service handles them: an agent asks for a rule, the engine weighs it, people answer."""

from __future__ import annotations

import secrets
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field

from ..approvals import proposal as life
from ..approvals.proposal import PROPOSED, REFUSED, RuleProposal
from ..domain.actions import DENY
from ..domain.decision import Decision
from ..domain.errors import RequestError
from ..domain.limits import limit
from ..domain.request import Request
from ..domain.strict_json import Json
from .active import Loaded
from .proposal_answers import ProposalAnswers
from .refusals import Refusals, RefusedCall, Seen, user_text
from .weighing.work import sources_of

_HOUR = 3600.0
_REJECTED = float(limit("proposal_rejected_seconds"))


@dataclass(slots=True)
class ProposalService(ProposalAnswers):
    """The proposals: what agents ask for, and what people answer."""

    refusals: Refusals = field(default_factory=Refusals)
    _attempts: dict[str, deque[float]] = field(default_factory=dict)

    def note_refusal(
        self, requests: list[Request], decisions: list[Decision], seen: Seen, user: int | None, proved: bool
    ) -> None:
        """A call was denied: its agent may propose a rule for it. `seen` is what the call is known by."""
        session = self.grants.state.sessions.get(requests[0].session or "") if proved else None
        started = session.started if session is not None else 0.0
        named = tuple(d.id for d in decisions)
        digest = decisions[0].policy_digest
        call = RefusedCall(tuple(requests), named, *seen, user_text(user), digest, proved, started)
        self.refusals.note(requests[0].agent or "", call)

    # proposing

    def call_of(self, agent: str, session: str | None, decision: str | None, request: Json | None) -> RefusedCall:
        """The call that a proposal is about. Raises RequestError when nothing like it was refused lately."""
        found = self.refusals.find(agent, session, decision, request)
        if found is None:
            raise RequestError(
                "PLR244", "nothing like this was refused to this agent lately; try it first, then propose"
            )
        return found

    def weigh(self, agent: str, text: str, call: RefusedCall, loaded: Loaded) -> Future[Json]:
        """Begin to weigh a proposal. Raises RequestError for an agent that proposes too often."""
        self._count(f"agent {agent}", limit("proposals_an_hour"))
        if call.user:
            self._count(f"user {call.user}", limit("proposals_of_user_an_hour"))
        if call.policy != loaded.policy.digest:
            raise RequestError("PLR248", "the policy has changed since; try it again")
        self._room(agent, call.user)
        lately = self.book.now() - _REJECTED
        rejected = [
            p.text for p in self.book.store.proposals((REFUSED,), lately - limit("proposal_open_seconds"))
            if (p.agent == agent or (p.user and p.user == call.user)) and p.closed_at > lately
        ]  # fmt: skip
        return self.weighing.start({**self._job(agent, text, call.asked, loaded), "rejected": rejected})

    def weigh_again(self, proposal: RuleProposal, text: str, loaded: Loaded) -> Future[Json]:
        """Begin to weigh other rules in a proposal's place, or the same under another policy. Raises RequestError."""
        life.opened(proposal)
        job = self._job(proposal.agent, text, proposal.asked, loaded)
        return self.weighing.start({**job, "narrower_than": proposal.text})

    def within(self, agent: str, text: str, loaded: Loaded) -> Future[Json]:
        """Begin to compare a policy for sub-agents with the agent's own. Raises RequestError."""
        self._count(f"within {agent}", limit("withins_an_hour"))
        return self.weighing.start({"work": "within", **sources_of(loaded), "agent": agent, "text": text})

    def _job(self, agent: str, text: str, asked: Json, loaded: Loaded) -> Json:
        parts = asked.get("together", [asked])
        records = [{"request": p, "now": int(self.book.now()), "confined": "confined" in p} for p in parts]
        return {"work": "weigh", **sources_of(loaded), "agent": agent, "text": text, "asked": records}

    def _count(self, who: str, most: int) -> None:
        now = self.book.now()
        times = self._attempts.setdefault(who, deque(maxlen=most))
        if len(times) == most and now - times[0] < _HOUR:
            raise RequestError("PLR247", f"more than {most} proposals in an hour; work on with what is allowed")
        times.append(now)
        while len(self._attempts) > 2 * limit("refusal_agents"):
            del self._attempts[next(iter(self._attempts))]

    def _room(self, agent: str, user: str) -> None:
        waiting = [self.book.timed(p) for p in self.book.store.proposals((PROPOSED,))]
        own = [p for p in waiting if p.is_open and (p.agent == agent or (user and p.user == user))]
        if len(own) >= limit("proposals_open"):
            raise RequestError("PLR247", f"{limit('proposals_open')} proposals of this agent or its user wait already")

    def add(self, agent: str, purpose: str, call: RefusedCall, found: Json) -> RuleProposal:
        """Keep a proposal that was weighed. Raises RequestError for one that people need not look at."""
        if "newly" not in found:
            raise RequestError("PLR247", "what the rule would permit was not found in time; propose a narrower one")
        if found.get("again", True):
            raise RequestError("PLR249", "a person has said no to what this would permit, not long ago")
        if not found["newly"] and not found["undecided"]:
            forbids = found["ceiling"].get("forbids") == "all"
            why = "a ceiling forbids all of it" if forbids else "rules that deny stand, or it is permitted already"
            raise RequestError("PLR250", f"the rule would have no effect: {why}")
        if found["refused_call"]["effect"] == DENY:
            why = "; ".join(found["refused_call"]["reasons"][:2])
            raise RequestError("PLR250", f"with the rule the call would still be denied: {why}")
        now = self.book.now()
        text = found.pop("text")
        made = RuleProposal(
            id=secrets.token_hex(8), agent=agent, session=call.requests[0].session or "", user=call.user,
            policy=call.policy, text=text, original=text, purpose=purpose, asked=call.asked,
            digest=call.digest, created=now, until=now + limit("proposal_open_seconds"), weighed=found,
            proved=call.proved, started=call.started,
        )  # fmt: skip
        same = [
            p
            for p in self.book.store.proposals((PROPOSED,))
            if (p.agent, p.text, p.policy) == (agent, made.text, made.policy)
        ]
        if same:
            return same[0]
        if not self.book.store.propose(made, limit("proposals_open")):
            raise RequestError("PLR247", f"{limit('proposals_open')} proposals of this agent or its user wait already")
        self.book.event("proposed", made, text=made.text, purpose=purpose)
        self.book.changed()
        return made
