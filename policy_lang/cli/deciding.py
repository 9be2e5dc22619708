"""The port by which a command decides for one agent: a policy of its own, or the service."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..domain.limits import limit

if TYPE_CHECKING:
    from ..egress.port import ConnectionPort
    from ..egress.service import ServicePort


Function = TypeVar("Function", bound=Callable[..., Any])


def DECIDER(policy: str, socket: str, log: str) -> Callable[[Function], Function]:  # noqa: N802 (a decorator, as FORMAT)
    """The options that say who decides: a policy, or a service. Their words are each command's own."""

    def with_options(function: Function) -> Function:
        for option in (
            click.option(
                "--wait", type=click.IntRange(1, limit("walls_wait_seconds")), default=600, show_default=True,
                help="With --socket: seconds to wait for people.",
            ),
            click.option("--log", metavar="FOLDER", help=log),
            click.option("--token-file", metavar="FILE", help="With --socket: a file with an operator's token."),
            click.option("--socket", "socket_path", metavar="PATH", help=socket),
            click.option("--policy", metavar="FILE", help=policy),
        ):  # fmt: skip
            function = option(function)
        return function

    return with_options


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
