"""A proposal as git has it: the name of its branch, and the message of its commit."""

from __future__ import annotations

from ..approvals.proposal import RuleProposal
from ..approvals.ticket import parts_of
from ..domain.limits import limit
from ..report.proposals import newly, request_line


def branch_of(proposal: RuleProposal) -> str:
    """The branch of a proposal: nothing in it is the agent's word."""
    return f"policy/proposal-{proposal.id}"


def message_of(proposal: RuleProposal, person: str) -> str:
    """Why: what was refused, what is newly permitted, who accepted it; the agent's own words last, and marked."""
    asked = "; ".join(request_line(r) for r in parts_of(proposal.asked))
    lines = [
        f"Rules for the agent {_plain(proposal.agent)}, from proposal {proposal.id}", "",
        f"Refused was: {_plain(asked)}", f"Accepted by: {person}", "", "Newly permitted, as the policy engine found:",
        *(f"  {_plain(what)} ({how}; {before} until now)" for how, what, before in newly(proposal.weighed)),
        "", "The agent said, in its own words:", f"  | {_plain(proposal.purpose)}",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    return "".join(c if c.isprintable() else "\ufffd" for c in text[: limit("proposal_purpose")])
