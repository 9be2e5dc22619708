"""Answers to hooks inside, whose requests are confined because they come by the launcher's channel.

Nothing that a request says of itself makes it confined, or another principal's: the launcher says so.
"""

from __future__ import annotations

import os
import time

from ..audit.recorder import commit, watched
from ..domain import strict_json
from ..domain.actions import DENY
from ..domain.limits import limit
from ..domain.record import replace
from ..domain.serialize import decision_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    from ..audit.log import DecisionLog
    from ..domain.request import Request
    from .port import DecisionPort

    class Answers(Protocol):
        """What answers calls of hooks: a status and a body."""

        def answer(self, method: str, route: str, body: bytes) -> tuple[int, bytes]:
            """The answer to one call. Raises PolicyLangError for what is not to be answered."""


_MOST_BODY = limit("batch_bytes")
_SECONDS = limit("call_seconds")
_BATCH = "/v1/decide/batch"


class PolicyAnswers:
    """Answers by the policy itself. Nobody can be asked: what asks says so; the client may have a prompt of its own."""

    def __init__(self, port: DecisionPort, log: DecisionLog | None) -> None:
        self._port = port
        self._log = log

    def answer(self, method: str, route: str, body: bytes) -> tuple[int, bytes]:
        """The answer to one batch of questions."""
        if (method, route) != ("POST", _BATCH):
            return 404, fault("PLR105", "the launcher answers batches of questions alone")
        from ..wire.requests import json_object, request_of, validated
        from ..wire.service import BatchModel

        model = validated(BatchModel, json_object(body, _MOST_BODY))
        requests = [self._bound(request_of(value)) for value in model.requests]
        policy = self._port.policy
        requests = [policy.timed(r) for r in requests]
        found = [watched(policy.engine.decide, r, {"by": "walls"}) for r in requests]
        if self._log is not None:
            commit(self._log, found)
        decisions = [one.decision for one in found]
        out: list[dict[str, Any]] = [decision_json(d, r.id) for d, r in zip(decisions, requests, strict=True)]
        denied = next((place for place, d in enumerate(decisions) if d.effect == DENY), -1)
        if model.advise and denied >= 0:
            from ..engine.nearest import advice

            said = advice(policy.engine, requests, decisions)
            out[denied] |= {"advice": said} if said else {}
        return 200, strict_json.dump({"decisions": out})

    def _bound(self, request: Request) -> Request:
        """The request as one of this box's: its principal, its folders, and that it is confined are the launcher's."""
        like = self._port.like
        return replace(
            request, agent=like.agent, repo=like.repo, workspace=like.workspace, home=like.home, tmp=like.tmp,
            confined=True,
        )  # fmt: skip


def fault(code: str, message: str) -> bytes:
    """A refusal as the service gives it."""
    return strict_json.dump({"error": {"code": code, "message": message}})


class ServiceAnswers:
    """Answers by a service, as the confined session that the launcher has started there; and asks its people.

    `token` is the session's; it stays with the launcher.
    """

    def __init__(self, path: str, token: str, wait: int) -> None:
        self._path = path
        self._token = token
        self._wait = wait

    def answer(self, method: str, route: str, body: bytes) -> tuple[int, bytes]:
        """The service's own answer. Raises ChannelError when it does not answer."""
        from ..pep.channel import exchange

        asks = method == "POST" and route in {"/v1/decide", _BATCH}
        if not asks and not (method == "GET" and route.startswith("/v1/approvals/")):
            return 404, fault("PLR105", "no such route for who is behind walls")
        waits = time.monotonic() + self._wait + _SECONDS
        return exchange(self._path, method, route, body, waits, self._token, frozenset({0, os.geteuid()}))
