"""`policy session`: begin and end the sessions of agents."""

from __future__ import annotations

from typing import Any

import click

from .calling import SERVICE, call
from .common import FORMAT, print_json


@click.group(name="session")
def command() -> None:
    """Begin and end sessions at a running service.

    A session has a token. Whoever shows it is that agent, in that session: a harness that runs several agents gives
    each its own, and what one does is never counted for another.
    """


@command.command(name="start", short_help="Start a session of an agent")
@click.argument("agent")
@click.option("--name", metavar="NAME", help="The session's name; by default a fresh one.")
@click.option("--repo", help="The repository, fixed for the session.")
@click.option("--workspace", help="The workspace, fixed for the session.")
@click.option(
    "--confined", is_flag=True, help="Walls below the agent hold this policy; say so only if you have built them."
)
@SERVICE
@FORMAT
def start(
    agent: str, name: str | None, repo: str | None, workspace: str | None, confined: bool, **options: Any
) -> None:
    """Begin a session of AGENT and print its token."""
    given = {"agent": agent, "session": name, "repo": repo, "workspace": workspace, "confined": confined or None}
    value = call(options, "POST", "/v1/sessions/start", {k: v for k, v in given.items() if v is not None})
    if options["format_"] == "json":
        print_json(value)
    else:
        click.echo(value["token"])
        walls = ", behind walls" if value["confined"] else ""
        click.echo(f"session {value['session']} of {value['agent']}{walls}", err=True)


@command.command(name="end", short_help="End a session")
@click.argument("name")
@SERVICE
@FORMAT
def end(name: str, **options: Any) -> None:
    """End the session NAME; its token is worth nothing from then on."""
    value = call(options, "POST", "/v1/sessions/end", {"session": name})
    if options["format_"] == "json":
        print_json(value)
    else:
        click.echo(f"ended: {name}")
