"""Tickets: one exact request of one principal under one policy, and what people said of it."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from ..domain import strict_json
from ..domain.actions import PATH, SORT_OF
from ..domain.decision import Effect
from ..domain.digest import sha256
from ..domain.limits import limit
from ..domain.policy import Tier
from ..domain.request import Request
from ..domain.serialize import effect_json, request_json
from ..domain.strict_json import Json

PENDING, ESCALATED, APPROVED = "pending", "escalated", "approved"
REJECTED, EXPIRED, REDEEMED, REVOKED = "rejected", "expired", "redeemed", "revoked"
OPEN = frozenset({PENDING, ESCALATED})
"""States in which people are still asked."""
UNSETTLED = (PENDING, ESCALATED, APPROVED)
"""States that lead to another."""
SUPERSEDED = "superseded"
"""What a ticket is called that is not over, when another policy is in force than the one that asked. It is no state: a
policy that is put back is the ticket's again."""
ONCE, SESSION = "once", "session"
APPROVE, REJECT, BREAK = "approve", "reject", "break-glass"


@dataclass(frozen=True, slots=True)
class Vote:
    """What one person said, for which tiers. `at` is seconds since the epoch.

    Of a verdict `break-glass` the tiers are those of the emergency, not those of the ticket. `scope` is `once` when the
    person said yes to one use alone, although the tiers let an approval hold for the session.
    """

    person: str
    tiers: tuple[str, ...]
    verdict: str
    reason: str
    at: float
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Remark:
    """What a person has said to others about a ticket. It decides nothing."""

    person: str
    text: str
    at: float


@dataclass(frozen=True, slots=True)
class Ticket:
    """One request that waits, or waited, for people.

    `request` is the canonical request, `digest` that of its text; with `policy`, `agent` and `session` it says exactly
    what an approval is for. `tiers` are all needed. `answer_by` is when people are asked no longer, `redeem_by` until
    when what they approved may be redeemed, `closed_at` when it was approved or came to an end, all in seconds since
    the epoch. `times_asked` counts how often the same was asked for. `break_glass_tier` opened it in an emergency;
    `reviewed` names who has looked at that since, and `review` is what was found. `user` is who asked, `UID@MACHINE`,
    when the kernel told it. `about` is for people, and binds nothing: the rules that asked, where the call came from;
    no more do `comments`, and `assigned`, the person whom another one has asked to answer.
    """

    id: str
    digest: str
    request: Json
    policy: str
    agent: str
    session: str
    tiers: tuple[Tier, ...]
    reasons: tuple[str, ...]
    created: float
    answer_by: float
    state: str = PENDING
    votes: tuple[Vote, ...] = ()
    redeem_by: float = 0.0
    closed_at: float = 0.0
    why: str = ""
    by: str = ""
    times_asked: int = 1
    uses: int = 0
    break_glass_tier: str = ""
    reviewed: str = ""
    review: str = ""
    user: str = ""
    about: Json = field(default_factory=dict)
    comments: tuple[Remark, ...] = ()
    assigned: str = ""

    @property
    def widest_scope(self) -> str:
        """`session` when every tier lets an approval hold for that, and there is one; else `once`."""
        return SESSION if self.session and self.tiers and all(t.scope == SESSION for t in self.tiers) else ONCE

    @property
    def scope(self) -> str:
        """What an approval is for by now: the widest scope, or `once` when somebody has said yes to no more."""
        return ONCE if any(v.scope == ONCE for v in self.votes) else self.widest_scope

    def standing(self, policy: str) -> str:
        """What it is under the policy of that digest: its state, or superseded."""
        return SUPERSEDED if self.state in UNSETTLED and self.policy != policy else self.state

    @property
    def until(self) -> float:
        """When its state ends by itself; 0 for one that is over."""
        return self.answer_by if self.is_open else self.redeem_by if self.state == APPROVED else 0.0

    @property
    def search_text(self) -> str:
        """What a search looks through: who asks, and what, in small letters."""
        asked = (f"{r.get('action')} {_flat(r.get('resource'))}" for r in parts_of(self.request))
        text = "\n".join((self.id, self.agent, self.session, *asked)).casefold()
        return text.replace("\0", "")[: limit("ticket_search_characters")]

    @property
    def is_open(self) -> bool:
        """True while people are asked."""
        return self.state in OPEN

    @property
    def unreviewed(self) -> bool:
        """True when glass was broken for it and nobody has looked at that since."""
        return bool(self.break_glass_tier) and not self.reviewed

    @property
    def question_id(self) -> str:
        """A digest of what is asked, whatever the session, the policy, the content and the disk: equal ones are alike.

        A path is the same however it is written.
        """
        parts = [
            [r.get("action"), *_place(r), *(["confined"] if "confined" in r else []), *_going(r)]
            for r in parts_of(self.request)
        ]
        return sha256(b"policy_lang question 1\n" + strict_json.dump([self.agent, parts])).hexdigest()[:32]

    @property
    def binding(self) -> tuple[str, str, str, str]:
        """What a request must be the same in, to be the one that people approved."""
        return self.digest, self.policy, self.agent, self.session

    def repeats(self, other: Ticket) -> bool:
        """Whether it asks what the other one asks: the same, in the same session, of the same policy and content."""
        mine, others = ([(r.get("content"), r.get("arguments")) for r in parts_of(t.request)] for t in (self, other))
        of_one = (self.question_id, self.policy, self.session) == (other.question_id, other.policy, other.session)
        return of_one and mine == others

    def with_(self, **changes: Any) -> Ticket:
        """The ticket with other values."""
        return replace(self, **changes)


def _flat(resource: object) -> str:
    if isinstance(resource, list):
        return " ".join(map(str, resource))
    return str(resource.get("pattern")) if isinstance(resource, dict) else str(resource)


def _place(request: Json) -> list[object]:
    """What a request is about, and where it stands; a file by its path from the root, whatever its links."""
    resource, cwd = request.get("resource"), request.get("cwd")
    if SORT_OF.get(str(request.get("action"))) != PATH or not isinstance(resource, str) or resource.startswith("~"):
        return [resource, cwd]
    return [posixpath.normpath(posixpath.join(request.get("workspace") or "/", cwd or "", resource))]


def _going(request: Json) -> list[str]:
    return [f"for {request['destination']}"] if "destination" in request else []


_LEFT_OUT = ("id", "origin", "ticket")
"""Fields that say nothing of what is done: the caller's number, where the call comes from, the ticket itself."""


def canonical(
    request: Request, effects: Iterable[Effect] = (), disk: Json | None = None, files: Json | None = None
) -> Json:
    """A request as what is approved: every field that could change what happens, what it does, and to which files.

    `disk` is what was seen of the disk: a link that leads elsewhere by now makes it another request. `files` are those
    that it runs or sends, with what is in them (`bound_files`). What walls hold is another request than the same
    without them.
    """
    out = {k: v for k, v in request_json(request).items() if k not in _LEFT_OUT}
    if request.confined:
        out["confined"] = True
    did = [effect_json(e) for e in effects]
    if did:
        out["effects"] = [
            {k: e[k] for k in ("action", "resource", "effect", "method", "opaque", "note") if k in e} for e in did
        ]
    if disk:
        out["disk"] = disk
    if files:
        out["files"] = files
    return out


def together(requests: list[Json]) -> Json:
    """Several canonical requests that are asked as one: all of them, or none."""
    return requests[0] if len(requests) == 1 else {"together": requests}


def parts_of(request: Json) -> list[Json]:
    """The single requests of what a ticket is for."""
    several = request.get("together")
    return [request] if several is None else list(several)


def digest_of(request: Json) -> str:
    """The digest of a canonical request."""
    return sha256(b"policy_lang request 1\n" + strict_json.dump(request)).hexdigest()
