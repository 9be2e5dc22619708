"""Options and calls of the commands that steer a running service."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import click

from ..domain.limits import limit
from ..pep.channel import ChannelError, exchange
from .common import fail_usage

Function = TypeVar("Function", bound=Callable[..., Any])
_SECONDS = limit("call_seconds")


def SERVICE(function: Function) -> Function:  # noqa: N802 (used as a decorator beside FORMAT)
    """The options that say which service is meant, and who calls."""
    for option in (
        click.option("--token-file", metavar="FILE", help="A file with an operator's token."),
        click.option("--socket", "socket_path", metavar="PATH", help="The service's socket; by default your own."),
    ):
        function = option(function)
    return function


def call(
    options: dict[str, Any], method: str, route: str, body: object = None, seconds: float = _SECONDS
) -> dict[str, Any]:
    """The service's answer. Leaves with 2 when it cannot be asked, with 1 when it refuses."""
    format_ = options["format_"]
    folder = os.environ.get("XDG_RUNTIME_DIR")
    path = options["socket_path"] or (os.path.join(folder, "policy_lang", "policy.sock") if folder else None)
    if path is None:
        fail_usage("there is no $XDG_RUNTIME_DIR; name the service with `--socket PATH`", format_)
    token = options.get("token", "") or token_of(options)
    data = b"" if body is None else json.dumps(body).encode("ascii")
    try:
        status, reply = exchange(path, method, route, data, time.monotonic() + seconds, token)
        value = json.loads(reply)
    except ChannelError as error:
        fail_usage(str(error), format_)
    except ValueError:
        fail_usage("the service's answer is not valid JSON", format_)
    if status >= 400:
        fault = value.get("error", {})
        if format_ == "json":
            click.echo(json.dumps(value))
        else:
            click.echo(f"refused ({fault.get('code')}): {fault.get('message')}", err=True)
        sys.exit(1)
    return dict(value)


def token_of(options: Mapping[str, Any]) -> str:
    """The token in the file that the options name, empty for none. Leaves with 2 when it cannot be read."""
    path, format_ = options["token_file"], options.get("format_", "text")
    if path is None:
        return ""
    token = ""
    try:
        with open(path, encoding="ascii") as stream:
            token = stream.read(limit("token_bytes") + 1)
    except (OSError, UnicodeDecodeError):
        fail_usage(f"`{path}` cannot be read", format_)
    if len(token) > limit("token_bytes"):
        fail_usage(f"`{path}` is longer than {limit('token_bytes')} bytes", format_)
    return token.strip()


def principal(agent: str | None, session: str | None, format_: str) -> dict[str, str]:
    """The one principal that is named; leaves with 2 when it is not one."""
    if (agent is None) == (session is None):
        fail_usage("name either `--agent NAME` or `--session NAME`", format_)
    return {"agent": agent} if agent is not None else {"session": session or ""}


def moment(seconds: float) -> str:
    """A time as people read it, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
