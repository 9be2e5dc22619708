"""The port to a service: connections of one agent, decided, recorded and asked about there."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from time import monotonic

from ..domain import strict_json
from ..domain.actions import ASK, DENY
from ..domain.faults import PolicyLangError
from ..domain.limits import limit
from ..engine.memo import Memo
from ..pep.channel import exchange
from ..pep.deciders import ServiceDecider
from ..pep.questions import HookQuestion, RefusedError
from ..pep.sessions import end_session, start_session
from .asking import decided
from .port import GRANTED, Ruling

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from ..domain.request import Request
    from ..pep.sessions import OwnedSession

    _T = TypeVar("_T")

_SECONDS = limit("call_seconds")
_UNKNOWN = "PLR201"
"""What a service says of a session that it does not know any more, because it has started anew or nobody asked."""


class ServicePort:
    """Decides connections by a service, as a session of `agent` that is begun there; safe between threads.

    `wait` is how many seconds people have. A session that has ended is begun anew. Close it to end the session. Raises
    ChannelError, RefusedError when there is no session to be had.
    """

    def __init__(self, path: str, operator_token: str, agent: str, wait: int) -> None:
        self._path = path
        self._operator_token = operator_token
        self._agent = agent
        self._wait = wait
        self._owners = frozenset({0, os.geteuid()})
        self._approved = Memo(limit("answers"))
        self._lock = threading.Lock()
        self._session = self._begun()

    def connection(self, url: str, method: str | None, addresses: tuple[str, ...]) -> Ruling:
        """The ruling on a connection, people's answers included. Raises ChannelError, RefusedError."""
        key = (url, method)
        fields: dict[str, object] = {"method": method} if method else {}
        fields |= {"resolved": list(addresses)} if addresses else {}
        if addresses and self._approved.pop(key, None) is not None and self._effect(url, fields) == ASK:
            return GRANTED  # before its name was looked up, by a person
        question = HookQuestion("connect", url)
        ruling = self._as_session(lambda decider: decided(decider, question, fields, self._wait))
        if ruling.allowed and ruling.approved and not addresses:
            self._approved.keep(key, True)
        return ruling

    def asked(self, request: Request) -> Ruling:
        """The ruling on an action and resource, people's answers included. Raises ChannelError, RefusedError."""
        if request.pattern:
            return Ruling(DENY, "a service is asked about one resource, and this one is only partly known")
        fields: dict[str, object] = {"destination": request.destination} if request.destination else {}
        question = HookQuestion(request.action, str(request.resource))
        return self._as_session(lambda decider: decided(decider, question, fields, self._wait))

    def close(self) -> None:
        """End the session."""
        with suppress(PolicyLangError):
            end_session(self._path, self._session)

    def _effect(self, url: str, fields: dict[str, object]) -> str:
        """The effect, when nobody is asked and nothing recorded."""
        body = strict_json.dump({"action": "connect", "resource": url, **fields})

        def explained(decider: ServiceDecider) -> str:
            deadline = monotonic() + _SECONDS
            status, data = exchange(self._path, "POST", "/v1/explain", body, deadline, decider.token, self._owners)
            reply = strict_json.load(data)
            return str(reply.get("effect")) if status == 200 and isinstance(reply, dict) else ""

        return self._as_session(explained)

    def _as_session(self, call: Callable[[ServiceDecider], _T]) -> _T:
        session = self._session
        try:
            return call(ServiceDecider(self._path, session.token, self._owners))
        except RefusedError as error:
            if not str(error).startswith(_UNKNOWN):
                raise
        with self._lock:
            if self._session is session:  # nobody else has begun another
                self._session = self._begun()
        return call(ServiceDecider(self._path, self._session.token, self._owners))

    def _begun(self) -> OwnedSession:
        return start_session(self._path, self._operator_token, self._agent, confined=False)
