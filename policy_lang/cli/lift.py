"""`policy lift`: end a freeze."""

from __future__ import annotations

from typing import Any

import click

from ..report.style import visible
from .calling import SERVICE, call, principal
from .common import FORMAT, print_json


@click.command(name="lift")
@click.option("--agent", metavar="NAME", help="The agent that is frozen.")
@click.option("--session", metavar="NAME", help="The session that is frozen.")
@SERVICE
@FORMAT
def command(agent: str | None, session: str | None, **options: Any) -> None:
    """End the freeze of an agent or a session of a running service; its count of denials begins anew."""
    value = call(options, "POST", "/v1/lift", principal(agent, session, options["format_"]))
    if options["format_"] == "json":
        print_json(value)
    else:
        click.echo(f"lifted: {visible(agent or session or '')}")
