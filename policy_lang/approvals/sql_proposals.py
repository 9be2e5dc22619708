"""Proposals in SQL: the part of the stores that keeps them."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from ..domain.limits import limit
from .proposal import ENDED, GRANTED, PROPOSED, RuleProposal, proposal_json, proposal_of
from .store import ProposalChange

Statements = Callable[[str, Sequence[Any]], list[tuple[Any, ...]]]
"""Runs one statement, its values in the places of `?`, and gives its rows."""
_KEPT = limit("approval_kept_days") * 86_400.0


class SqlProposals(ABC):
    """Proposals in the table `proposals`."""

    @abstractmethod
    def _reading(self) -> AbstractContextManager[Statements]:
        """Statements that change nothing."""

    @abstractmethod
    def _writing(self) -> AbstractContextManager[Statements]:
        """One transaction, with no other writer."""

    def propose(self, proposal: RuleProposal, most: int) -> bool:
        """See `Store`."""
        with self._writing() as run:
            ((count,),) = run(
                "select count(*) from proposals where state = ? and (agent = ? or (who = ? and who <> ''))",
                (PROPOSED, proposal.agent, proposal.user),
            )
            if count >= most:
                return False
            run("delete from proposals where created < ? and state <> ?", (proposal.created - _KEPT, GRANTED))
            self._put_proposal(run, proposal)
            return True

    def proposal(self, name: str) -> RuleProposal | None:
        """See `Store`."""
        with self._reading() as run:
            rows = run("select proposal from proposals where id = ?", (name,))
            return _proposal(rows[0][0]) if rows else None

    def change_proposal(self, name: str, change: ProposalChange) -> RuleProposal | None:
        """See `Store`."""
        with self._writing() as run:
            rows = run("select proposal from proposals where id = ?", (name,))
            if not rows:
                return None
            before = _proposal(rows[0][0])
            after = change(before)
            if after != before:
                self._put_proposal(run, after)
            return after

    def proposals(
        self, states: tuple[str, ...] = (), since: float = 0.0, most: int = limit("proposals_found")
    ) -> list[RuleProposal]:
        """See `Store`."""
        where = f"state in ({', '.join('?' * len(states))}) and " if states else ""
        query = f"select proposal from proposals where {where}created >= ? order by created desc, id limit ?"  # noqa: S608 (marks alone)
        with self._reading() as run:
            return [_proposal(r[0]) for r in run(query, (*states, since, most))]

    @staticmethod
    def _put_proposal(run: Statements, proposal: RuleProposal) -> None:
        text = json.dumps(proposal_json(proposal), separators=(",", ":"))
        run(
            "insert into proposals (id, state, agent, who, created, proposal) values (?, ?, ?, ?, ?, ?) "
            "on conflict (id) do update set state = excluded.state, proposal = excluded.proposal",
            (proposal.id, proposal.state, proposal.agent, proposal.user, proposal.created, text),
        )

    def _proposals_ended(self, run: Statements, why: str) -> int:
        """End all that is open or granted; how many that were."""
        found = run("select proposal from proposals where state in (?, ?)", (PROPOSED, GRANTED))
        for (text,) in found:
            self._put_proposal(run, _proposal(text).with_(state=ENDED, reason=why))
        return len(found)


def _proposal(text: str) -> RuleProposal:
    return proposal_of(json.loads(text))
