"""`policy within`: whether a policy for sub-agents is within the agent's own."""

from __future__ import annotations

import sys
from typing import Any

import click

from ..domain.limits import limit
from ..report.proposals import render_within
from .calling import SERVICE, call
from .common import FORMAT, print_json
from .propose import WEIGHED_SECONDS


@click.command(name="within")
@click.argument("policy", type=click.File("r"))
@click.option("--agent", metavar="NAME", help="The agent, where this user runs several.")
@SERVICE
@FORMAT
def command(policy: Any, agent: str | None, **options: Any) -> None:
    """Ask the service whether POLICY (`-` for standard input) permits nothing that the agent's own policy does not.

    For an agent that starts others: with a policy within its own, they can do no more than it can. The answer is exact,
    with a request for what is beyond. Exits 0 for yes, 1 for no, 3 when it could not be decided within limits.
    """
    body = {"policy": policy.read(limit("within_bytes") + 1), **({} if agent is None else {"agent": agent})}
    value = call(options, "POST", "/v1/within", body, WEIGHED_SECONDS)
    if options["format_"] == "json":
        print_json(value)
    else:
        click.echo(render_within(value))
    sys.exit({"yes": 0, "no": 1}.get(value["within"], 3))
