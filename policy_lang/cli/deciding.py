"""The port by which a command decides for one agent: a policy of its own, or the service."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..egress.port import ConnectionPort
    from ..egress.service import ServicePort


def agent_port(
    given: dict[str, Any], agent: str, action: str, resource: str, name: str
) -> tuple[ConnectionPort | ServicePort, Callable[[], None]]:
    """Who decides by the options of a command, and what is to be done at the end.

    Requests of a policy's port are like one about `action` and `resource`, in a session of this `name`. Raises
    PolicyLangError when the service has no session to give; leaves with 2 for a policy with mistakes.
    """
    if given["policy"] is None:
        from ..egress.service import ServicePort
        from .calling import token_of

        service = ServicePort(given["socket_path"], token_of(given), agent, given["wait"])
        return service, service.close
    from ..domain.request import Request
    from ..egress.port import ConnectionPort
    from .common import load_policy
    from .recording import opened_log

    policy = load_policy(given["policy"], "text", enforced=True)
    like = Request(action, resource, agent=agent, session=f"{name}-{os.urandom(6).hex()}")
    return ConnectionPort(policy, like, opened_log(given["log"]) if given["log"] else None), lambda: None
