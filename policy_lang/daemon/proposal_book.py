"""Proposals as they are kept: every change is one step of the store, recorded, and told to whoever waits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ..approvals import proposal as life
from ..approvals.proposal import GRANTED, RuleProposal
from ..approvals.store import Store
from ..domain.errors import RequestError
from ..domain.limits import limit
from .signals import Signal

Event = Callable[..., None]


@dataclass(slots=True)
class ProposalBook:
    """The store and the time. `changed` is raised when a proposal is not as it was."""

    store: Store
    now: Callable[[], float]
    record_event: Event = lambda *_, **__: None
    changed: Signal = field(default_factory=Signal)

    def get(self, name: str) -> RuleProposal:
        """The proposal as it is by now. Raises RequestError."""
        found = self.store.proposal(name)
        if found is None:
            raise RequestError("PLR205", "there is no such proposal")
        return self.timed(found)

    def found(self, *states: str) -> list[RuleProposal]:
        """The latest proposals in these states, or in any, as they are by now."""
        most = limit("proposals_found")
        known = [self.timed(p) for p in self.store.proposals(states, most=most)]
        return [p for p in known if not states or p.state in states]

    def timed(self, proposal: RuleProposal) -> RuleProposal:
        """The proposal as it is by now; what has changed is kept and recorded."""
        now = self.now()
        if life.timed(proposal, now) == proposal:
            return proposal
        after = self.change(proposal.id, lambda p: life.timed(p, now))
        self.event("proposal-ended", after, why=after.reason)
        return after

    def change(self, name: str, change: Callable[[RuleProposal], RuleProposal]) -> RuleProposal:
        """The proposal after one step. Raises RequestError when there is none, and what the step raises."""
        after = self.store.change_proposal(name, change)
        if after is None:
            raise RequestError("PLR205", "there is no such proposal")
        self.changed()
        return after

    def end(self, wanted: Callable[[RuleProposal], bool], why: str) -> None:
        """End what is granted, as far as it is wanted."""
        for one in self.store.proposals((GRANTED,)):
            if wanted(one):
                after = self.change(one.id, lambda p: life.over(p, why, self.now()))
                self.event("proposal-ended", after, why=why)

    def event(self, event: str, proposal: RuleProposal, **more: object) -> None:
        """Record what has happened to a proposal."""
        self.record_event(event, proposal=proposal.id, agent=proposal.agent, session=proposal.session or None, **more)
