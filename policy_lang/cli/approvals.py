"""`policy approvals`: what waits for people, and their answers."""

from __future__ import annotations

import secrets
import sys
import time
from typing import Any
from urllib.parse import quote

import click

from ..daemon.people import token_digest
from ..report.approvals import render_ticket, render_tickets, ticket_line
from .calling import SERVICE, call
from .common import FORMAT, print_json

_PAUSE = 1.0


@click.group(name="approvals")
def command() -> None:
    """See what agents wait for, and answer, at a running service.

    Who you are is told by your user on this machine, or by a token of your own (--token-file); the configuration of the
    service names the people, and the policy's tiers say whom they ask.
    """


@command.command(name="list")
@SERVICE
@FORMAT
def list_command(**options: Any) -> None:
    """What waits, and what came of the last ones. Exits 0 when something waits, 1 when nothing does."""
    value = call(options, "GET", "/v1/approvals")
    if options["format_"] == "json":
        print_json(value)
    else:
        click.echo(render_tickets(value["open"], value["latest"]))
    sys.exit(0 if value["open"] else 1)


@command.command(name="show")
@click.argument("ticket")
@SERVICE
@FORMAT
def show(ticket: str, **options: Any) -> None:
    """All of one TICKET: the exact request, who asks, why, and who has said what."""
    value = call(options, "GET", f"/v1/approvals/{quote(ticket, safe='', errors='replace')}")
    if options["format_"] == "json":
        print_json(value)
    else:
        click.echo(render_ticket(value))


@command.command(name="watch")
@SERVICE
@FORMAT
def watch(**options: Any) -> None:
    """Print what waits as it comes, and what becomes of it, until interrupted."""
    known: dict[str, str] = {}
    while True:
        value = call(options, "GET", "/v1/approvals")
        for ticket in reversed([*value["open"], *value["latest"]]):
            before = known.get(ticket["id"])
            if before != ticket["state"] and (before is not None or ticket in value["open"]):
                if options["format_"] == "json":
                    print_json(ticket, compact=True)
                else:
                    click.echo(ticket_line(ticket))
            known[ticket["id"]] = ticket["state"]
        sys.stdout.flush()
        time.sleep(_PAUSE)


def _answer(ticket: str, verdict: str, reason: str, options: dict[str, Any]) -> None:
    value = call(options, "POST", "/v1/approvals/vote", {"ticket": ticket, "verdict": verdict, "reason": reason})
    if options["format_"] == "json":
        print_json(value)
    else:
        click.echo(ticket_line(value))


@command.command(name="approve")
@click.argument("ticket")
@click.option("--reason", default="", help="Why; some tiers want it.")
@SERVICE
@FORMAT
def approve(ticket: str, reason: str, **options: Any) -> None:
    """Say yes to TICKET: to exactly that request, of that agent, under that policy."""
    _answer(ticket, "approve", reason, options)


@command.command(name="reject")
@click.argument("ticket")
@click.option("--reason", default="", help="Why: the records have it.")
@SERVICE
@FORMAT
def reject(ticket: str, reason: str, **options: Any) -> None:
    """Say no to TICKET; that ends it."""
    _answer(ticket, "reject", reason, options)


@command.command(name="revoke")
@click.argument("ticket")
@click.option("--reason", default="", help="Why.")
@SERVICE
@FORMAT
def revoke(ticket: str, reason: str, **options: Any) -> None:
    """Take TICKET back, also when it is approved and was not used yet."""
    value = call(options, "POST", "/v1/approvals/revoke", {"ticket": ticket, "reason": reason})
    if options["format_"] == "json":
        print_json(value)
    else:
        click.echo(f"revoked: {ticket}")


@command.command(name="token")
def token() -> None:
    """Make a token for a person: keep the first line, and put the second into the service's configuration."""
    made = secrets.token_hex(32)
    click.echo(made)
    click.echo(f'token-sha256 = "{token_digest(made)}"', err=True)
