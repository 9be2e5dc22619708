"""From an authenticated peer to the agents that it may speak for, and to the people and operators that it may be.

No files and no sockets; of the machine's users only `UserGroups` is asked.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ...audit.redact import redacted
from ...domain.errors import RequestError
from ...domain.limits import limit
from ...domain.record import replace
from ...domain.request import Request
from .groups import UserGroups
from .people import People, Person

ANY = "*"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who stands on the other side: what the kernel says of the peer (None over TCP), and the token of the call.

    `user` is the uid also over loopback TCP, where the kernel tells it less surely: nobody gains anything by it, and
    who is not told there is barred. `groups` are the others of the peer's process; None when they are not told.
    """

    uid: int | None = None
    gid: int | None = None
    token: str = ""
    user: int | None = None
    groups: frozenset[int] | None = frozenset()

    @property
    def seen(self) -> int | None:
        """The uid that the call comes from, as far as it is known at all: to exclude, never to recognise."""
        return self.user if self.uid is None else self.uid


@dataclass(frozen=True, slots=True)
class Binding:
    """One peer, and what is fixed for it. `agents` may be `("*",)`: a harness that speaks for many.

    `confined` says that the peer is a launcher, whose walls hold this policy for whom it asks: only a session that an
    operator started so has it.
    """

    agents: tuple[str, ...]
    uid: int | None = None
    gid: int | None = None
    token: str = ""
    repo: str | None = None
    workspace: str | None = None
    home: str | None = None
    context: tuple[tuple[str, str | int | bool], ...] = ()
    session: str | None = None
    confined: bool = False
    owner: str = ""
    """The person who runs the agent, as the configuration or the operator says: it informs who is asked."""

    def meets(self, caller: Caller) -> bool:
        """True when the caller is this peer. Tokens are compared in constant time."""
        if self.token:
            return hmac.compare_digest(self.token.encode(), caller.token.encode())
        if self.uid is not None:
            return caller.uid == self.uid
        return self.gid is not None and caller.gid == self.gid


@dataclass(slots=True)
class Principals:
    """The bindings of the configuration, and those of the sessions that operators started."""

    bindings: tuple[Binding, ...]
    operators: frozenset[int]
    operator_tokens: tuple[str, ...]
    sessions: dict[str, Binding] = field(default_factory=dict)
    """By token."""
    people: People = field(default_factory=People)
    same_user: bool = False
    """Whether tokens, signatures and sessions of people and operators count from a user that agents run as."""
    groups_of: Callable[[int], frozenset[int] | None] = field(default_factory=lambda: UserGroups().of)

    def operator(self, caller: Caller) -> bool:
        """True for those who may steer. A user that an agent may run as never is one, whatever it shows.

        With `same_user` a token counts all the same, as a person's does.
        """
        if caller.token:
            shown = any(hmac.compare_digest(t.encode(), caller.token.encode()) for t in self.operator_tokens)
            return shown and not self.barred(caller)
        return caller.uid in self.operators and not self.runs_agents(caller)

    def binding(self, caller: Caller) -> Binding | None:
        """What the caller is bound to: by its token when it shows one, else by its user, else by its group."""
        if caller.token:
            found = self.sessions.get(caller.token)
            return found or next((b for b in self.bindings if b.token and b.meets(caller)), None)
        plain = [b for b in self.bindings if not b.token and b.meets(caller)]
        return next((b for b in plain if b.uid is not None), plain[0] if plain else None)

    def known(self, uid: int, gid: int) -> bool:
        """True when somebody with these may have business here: as an agent, an operator, or with a token."""
        caller = Caller(uid, gid)
        with_tokens = bool(self.operator_tokens or self.sessions) or any(b.token for b in self.bindings)
        with_tokens = with_tokens or any(p.token_digest for p in self.people.persons)
        person = any(p.uid == uid for p in self.people.persons)
        return uid in self.operators or with_tokens or person or self.binding(caller) is not None

    def person(self, caller: Caller, now: float) -> Person | None:
        """The person on the other side, or None. A user that an agent may run as never is one, whatever it shows.

        With `same_user` what it shows counts all the same: the operator has said that it may.
        """
        if self.barred(caller) or (not caller.token and self.runs_agents(caller)):
            return None
        return self.people.who(caller.uid, caller.token, now)

    def barred(self, caller: Caller) -> bool:
        """True when nothing that the caller shows counts, as a person or an operator.

        It is not known whose call it is, or an agent may run as its user and that was not allowed for.
        """
        return caller.seen is None or (self.runs_agents(caller) and not self.same_user)

    def forget(self, token: str) -> None:
        """A session's token is worth nothing any more."""
        self.sessions.pop(token, None)

    def runs_agents(self, caller: Caller) -> bool:
        """True when an agent may run as the caller's user, or nobody can say that none does.

        An agent that is bound by a group runs as whoever has that group now, or may have it.
        """
        uid = caller.seen
        if uid is None or any(b.uid == uid for b in self.bindings):
            return True
        bound = {b.gid for b in self.bindings if b.gid is not None}
        if not bound:
            return False
        if caller.gid in bound or caller.groups is None or not bound.isdisjoint(caller.groups):
            return True
        may = self.groups_of(uid)
        # a user without a name has the groups of its process alone; over TCP those are not told
        return caller.uid is None if may is None else not bound.isdisjoint(may)

    def agents(self, uid: int) -> bool:
        """True when an agent may run as this user: one that is bound to it, or one that a group or a token stands for.

        Of those nobody knows whom they run as, but it is not root, unless one is bound to root.
        """
        unnamed = bool(self.sessions) or any(b.uid is None for b in self.bindings)
        return (unnamed and uid != 0) or any(b.uid == uid for b in self.bindings)


def bind(request: Request, binding: Binding | None) -> Request:
    """The request with its principal, and all that is fixed for it. Raises RequestError for what is another's.

    Whether it is confined is the binding's word alone, whatever the request is said to be.
    """
    if binding is None:
        raise RequestError("PLR201", "no agent is bound to this caller; the configuration names who may ask")
    fields: dict[str, Any] = {}
    if request.agent is None:
        if len(binding.agents) != 1 or binding.agents[0] == ANY:
            raise RequestError("PLR202", "this caller speaks for several agents; the field `agent` says which")
        fields["agent"] = binding.agents[0]
    elif binding.agents != (ANY,) and request.agent not in binding.agents:
        shown = "".join(c if c.isprintable() else "\ufffd" for c in redacted(request.agent)[:60])
        raise RequestError("PLR202", f"this caller may not speak for `{shown}`")
    for name in ("repo", "workspace", "home", "session"):
        fixed = getattr(binding, name)
        if fixed is not None:
            if getattr(request, name) not in {None, fixed}:
                raise RequestError("PLR203", f"`{name}` is fixed for this caller, and the request says something else")
            fields[name] = fixed
    if binding.session is None and request.session is None and request.origin.get("session"):
        fields["session"] = request.origin["session"][: limit("request_name")]  # the client's own, where none is fixed
    if binding.context:
        given = dict(request.context)
        for name, value in binding.context:
            if name in given and (given[name] != value or type(given[name]) is not type(value)):
                raise RequestError("PLR203", f"`{name}` is fixed for this caller, and the request says something else")
            given[name] = value
        fields["context"] = given
    if request.confined is not binding.confined:
        fields["confined"] = binding.confined
    return replace(request, **fields) if fields else request
