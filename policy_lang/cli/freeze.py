"""`policy freeze`: deny everything to an agent or a session until a person lifts it."""

from __future__ import annotations

from typing import Any

import click

from ..report.style import visible
from .calling import SERVICE, call, principal
from .common import FORMAT, print_json


@click.command(name="freeze")
@click.option("--agent", metavar="NAME", help="Freeze this agent.")
@click.option("--session", metavar="NAME", help="Freeze this session only.")
@click.option("--reason", default="", help="Why; the agent reads it with every denial.")
@SERVICE
@FORMAT
def command(agent: str | None, session: str | None, reason: str, **options: Any) -> None:
    """Deny everything to an agent or a session of a running service, until `policy lift`.

    Only operators may: root, and whom the service's configuration names, unless an agent runs as the same user.
    """
    body = {**principal(agent, session, options["format_"]), **({"reason": reason} if reason else {})}
    value = call(options, "POST", "/v1/freeze", body)
    if options["format_"] == "json":
        print_json(value)
    else:
        click.echo(f"frozen: {visible(agent or session or '')}")
