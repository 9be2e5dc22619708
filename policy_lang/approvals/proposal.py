"""Proposals: rules that an agent asks for, what they would permit, what people said, and what came of it.

What may become of one is a function of it, the time and who acts; nothing leads back.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from ..domain import strict_json
from ..domain.digest import sha256
from ..domain.errors import RequestError
from ..domain.strict_json import Json

PROPOSED, GRANTED, WRITTEN = "proposed", "granted", "written"
REFUSED, WITHDRAWN, LAPSED, USED = "rejected", "withdrawn", "expired", "used"
REVOKED, ENDED = "revoked", "ended"
ONE_CALL, WHOLE_SESSION, BRANCH = "once", "session", "branch"


@dataclass(frozen=True, slots=True)
class RuleProposal:
    """One proposal of one agent under one policy.

    `text` is the rules as they would be in force, `original` as the agent proposed them, `purpose` the agent's own
    words. `asked` is the canonical request that was refused and `digest` that of its text, without what it would do.
    `weighed` is what the exact engine found. `until` is when people are asked no longer, and of what was granted when
    it ends. `proved` says that an operator started the session, at `started`; other sessions' names are the agent's own
    word. `user` is who asked, `UID@MACHINE`, when the kernel told it. Times are seconds since the epoch.
    """

    id: str
    agent: str
    session: str
    user: str
    policy: str
    text: str
    original: str
    purpose: str
    asked: Json
    digest: str
    created: float
    until: float
    weighed: Json = field(default_factory=dict)
    proved: bool = False
    started: float = 0.0
    state: str = PROPOSED
    scope: str = ""
    person: str = ""
    reason: str = ""
    closed_at: float = 0.0
    branch: str = ""

    @property
    def shown(self) -> str:
        """A digest of all that a person is shown: an answer names it, so none counts for something else."""
        seen = [self.id, self.text, self.original, self.purpose, self.policy, self.weighed, self.asked, self.state]
        return sha256(b"policy_lang proposal 1\n" + strict_json.dump(seen)).hexdigest()

    @property
    def is_open(self) -> bool:
        """True while people are asked."""
        return self.state == PROPOSED

    def with_(self, **changes: Any) -> RuleProposal:
        """The proposal with other values."""
        return replace(self, **changes)


def timed(proposal: RuleProposal, now: float) -> RuleProposal:
    """The proposal as it is by now."""
    if now < proposal.until:
        return proposal
    if proposal.state == PROPOSED:
        return proposal.with_(state=LAPSED, closed_at=proposal.until, reason="nobody answered in time")
    if proposal.state == GRANTED:
        return proposal.with_(state=ENDED, closed_at=proposal.until, reason="its time is over")
    return proposal


def opened(proposal: RuleProposal, shown: str = "") -> RuleProposal:
    """The proposal, if people may still answer it as they were shown it. Raises RequestError."""
    if not proposal.is_open:
        raise RequestError("PLR245", f"the proposal is {proposal.state}")
    if shown and shown != proposal.shown:
        raise RequestError("PLR246", "the proposal is not as it was shown; look at it again")
    return proposal


def closed(proposal: RuleProposal, state: str, person: str, reason: str, now: float) -> RuleProposal:
    """The proposal after a no, or after the agent took it back. Raises RequestError when it was over."""
    return opened(proposal).with_(state=state, person=person, reason=reason, closed_at=now)


def granted(proposal: RuleProposal, scope: str, person: str, reason: str, now: float, until: float) -> RuleProposal:
    """The proposal after a yes for one call or a session. Raises RequestError."""
    opened(proposal)
    return proposal.with_(state=GRANTED, scope=scope, person=person, reason=reason, closed_at=now, until=until)


def written(proposal: RuleProposal, branch: str, person: str, reason: str, now: float) -> RuleProposal:
    """The proposal after it became a change to the policy on a branch. Raises RequestError."""
    opened(proposal)
    return proposal.with_(state=WRITTEN, scope=BRANCH, person=person, reason=reason, closed_at=now, branch=branch)


def ended(proposal: RuleProposal, state: str, why: str, now: float) -> RuleProposal:
    """What was granted is over. Raises RequestError when it was not in force."""
    if proposal.state != GRANTED:
        raise RequestError("PLR245", f"the proposal is {proposal.state}")
    return proposal.with_(state=state, reason=why or proposal.reason, closed_at=now)


def over(proposal: RuleProposal, why: str, now: float) -> RuleProposal:
    """The proposal without anything that it grants."""
    return ended(proposal, ENDED, why, now) if proposal.state == GRANTED else proposal


def proposal_json(proposal: RuleProposal) -> Json:
    """A proposal as JSON: what stores keep."""
    return asdict(proposal)


def proposal_of(value: Any) -> RuleProposal:
    """The proposal that `proposal_json` wrote. Raises KeyError, TypeError or ValueError for anything else."""
    made = RuleProposal(**value)
    for one in fields(RuleProposal):
        wanted = _TYPES[str(one.type)]
        if not isinstance(getattr(made, one.name), wanted):
            raise TypeError(f"`{one.name}` is not what it should be")
    return made


_TYPES: dict[str, type | tuple[type, ...]] = {"str": str, "float": (int, float), "bool": bool, "Json": dict}
