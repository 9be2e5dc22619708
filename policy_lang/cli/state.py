"""`policy state`: what a running service knows of its agents."""

from __future__ import annotations

from typing import Any

import click

from ..report.style import visible
from .calling import SERVICE, call, moment
from .common import FORMAT, print_json


@click.command(name="state")
@click.option("--settle", metavar="ESCALATION", help="Take an answered question off the list.")
@SERVICE
@FORMAT
def command(settle: str | None, **options: Any) -> None:
    """Show a running service's agents, sessions, what is frozen, and what agents ask of a person."""
    if settle is not None:
        call(options, "POST", "/v1/escalations/settle", {"escalation": settle})
    value = call(options, "GET", "/v1/state")
    if options["format_"] == "json":
        print_json(value)
        return
    for text in value["notices"]:
        click.echo(f"policy   {visible(text)}")
    tickets = value.get("tickets", {})
    if any(tickets.values()):
        more = tickets["tickets_superseded"]
        click.echo(f"tickets  {tickets['tickets_waiting']} waiting" + (f", {more} superseded" if more else ""))
    for one in value["frozen"]:
        kind = "agent" if "agent" in one else "session"
        since = f"since {moment(one['since'])} by {one['by']}"
        click.echo(f"frozen   {kind} {visible(one[kind])} {since}: {visible(one['reason'])}")
    for one in value["escalations"]:
        asked = f"at {moment(one['since'])} ({one['escalation']})"
        click.echo(f"asks     {visible(one['agent'])} {asked}: {visible(one['question'])}")
    for one in value["sessions"]:
        name = f"{visible(one['session'])} of {visible(one['agent'])}" + (", behind walls" if one["confined"] else "")
        click.echo(f"session  {name}, last {moment(one['seen'])}: {_counts(one)}")
    for one in value["agents"]:
        click.echo(f"agent    {visible(one['agent'])}: {_counts(one)}")
    if not any(v for n, v in value.items() if n != "tickets") and not any(tickets.values()):
        click.echo("nobody has asked yet")


def _counts(row: dict[str, Any]) -> str:
    return ", ".join(f"{count} {effect}" for effect, count in row["decisions"].items())
