"""Sessions at the service that the owner of walls or of a proxy begins for an agent, watches and ends."""

from __future__ import annotations

import os
from time import monotonic

from ..domain import strict_json
from ..domain.limits import limit
from ..domain.record import record
from .channel import ChannelError, exchange
from .questions import RefusedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..domain.strict_json import Json

_SECONDS = limit("call_seconds")


@record(frozen=True, slots=True)
class OwnedSession:
    """A session at the service. Whoever shows its token is its agent, so the agent never has it."""

    name: str
    token: str


def start_session(
    socket: str,
    operator_token: str,
    agent: str,
    workspace: str | None = None,
    home: str | None = None,
    repo: str | None = None,
    owner: int | None = None,
    *,
    confined: bool,
) -> OwnedSession:
    """Begin a session of an agent, `confined` behind walls; what is given is fixed for it. Only an operator may.

    Without a token the kernel tells the service which user calls. `owner` is the user that the service runs as, by
    default this one or root: nobody else is shown a token. Raises ChannelError when the service cannot be asked,
    RefusedError when it refuses, or answers something else.
    """
    given = {"agent": agent, "workspace": workspace, "home": home, "repo": repo}
    body: Json = {"confined": confined, **{name: value for name, value in given.items() if value is not None}}
    reply = _asked(socket, operator_token, owner, "POST", "/v1/sessions/start", body)
    name, token = reply.get("session"), reply.get("token")
    if not isinstance(name, str) or not isinstance(token, str) or not token:
        raise RefusedError("the service started no session: its answer names none")
    if reply.get("confined") is not confined or reply.get("agent") != agent:
        raise RefusedError("the service started another session than was asked for")
    return OwnedSession(name, token)


def end_session(socket: str, session: OwnedSession, owner: int | None = None) -> None:
    """End the session, by its own token. Raises ChannelError, RefusedError."""
    _asked(socket, session.token, owner, "POST", "/v1/sessions/end", {"session": session.name})


def policy_digest(socket: str, token: str, owner: int | None = None) -> str:
    """The digest of the policy that the service has in force. Raises ChannelError, RefusedError (also for none)."""
    digest = _asked(socket, token, owner, "GET", "/v1/policy", None).get("digest")
    if not isinstance(digest, str) or not digest:
        raise RefusedError("the service has no policy in force")
    return digest


def why_ended(socket: str, session: OwnedSession, digest: str, owner: int | None = None) -> str:
    """Why who is behind walls may do nothing any more; empty while all is well.

    It is frozen, or another policy has come into force than the walls hold, or the service cannot be asked.
    """
    try:
        reply = _asked(socket, session.token, owner, "GET", "/v1/policy", None)
    except (ChannelError, RefusedError) as error:
        return str(error)
    if reply.get("frozen"):
        return f"frozen: {reply['frozen']}"
    return "" if reply.get("digest") == digest else "another policy has come into force: start the command anew"


def _asked(socket: str, token: str, owner: int | None, method: str, route: str, body: Json | None) -> Json:
    data = b"" if body is None else strict_json.dump(body)
    owners = frozenset({0, os.geteuid()} if owner is None else {owner})
    status, answer = exchange(socket, method, route, data, monotonic() + _SECONDS, token, owners)
    try:
        reply = strict_json.load(answer)
    except strict_json.MalformedError as error:
        raise RefusedError(f"the service's answer is not valid JSON: {error}") from None
    if not isinstance(reply, dict):
        raise RefusedError("the service answered something else")
    if status not in {200, 201}:
        fault = reply.get("error")
        named = fault if isinstance(fault, dict) else {"code": status, "message": "it does not say why"}
        raise RefusedError(f"the service refused ({named.get('code')}): {named.get('message')}")
    return reply
