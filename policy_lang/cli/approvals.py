"""`policy approvals`: what waits for people, and their answers."""

from __future__ import annotations

import select
import sys
import time
from typing import Any
from urllib.parse import quote, urlsplit

import click

from ..approvals.signed import ASSIGN, COMMENT, REVIEW, REVOKE
from ..domain.limits import limit
from ..report.approvals import render_stats, render_ticket, render_tickets, ticket_line
from .calling import SERVICE
from .common import FORMAT, fail_usage, print_json
from .signing import SIGNING, call, signature

_PAUSE = 1.0


@click.group(name="approvals")
def command() -> None:
    """See what agents wait for, and answer, at a running service.

    You are identified by your user on this machine, by a token of your own (--token-file), or by your SSH key
    (--sign-with and --as); the configuration of the service names the people, and the policy's tiers say whom they ask.
    """


@command.command(name="list", short_help="List tickets that wait, and the latest answers")
@SIGNING
@SERVICE
@FORMAT
def list_command(**options: Any) -> None:
    """List tickets that wait, and the latest answers. Exits 0 when something waits, 1 when nothing does."""
    value = call(options, "GET", "/v1/approvals")
    if options["format_"] == "json":
        print_json(value)
    else:
        click.echo(render_tickets(value["open"], value["latest"], value["review"]))
    sys.exit(0 if value["open"] else 1)


@command.command(name="show", short_help="Show a ticket: its request, and who answered")
@click.argument("ticket")
@click.option("--whole", is_flag=True, help="Show long contents as a whole.")
@SIGNING
@SERVICE
@FORMAT
def show(ticket: str, whole: bool, **options: Any) -> None:
    """Show all of TICKET: the exact request, what it writes, who asks and why, and every answer."""
    value = _ticket(options, ticket)
    if options["format_"] == "json":
        print_json(value)
    else:
        click.echo(render_ticket(value, whole))


def _ticket(options: dict[str, Any], name: str) -> dict[str, Any]:
    return call(options, "GET", f"/v1/approvals/{quote(name, safe='', errors='replace')}")


@command.command(name="watch", short_help="Watch tickets that wait, and answer them")
@click.option("--plain", is_flag=True, help="Print lines as they come, also on a terminal.")
@click.option("--once", is_flag=True, help="Print what waits now, and end: 0 when something does, 1 when nothing.")
@click.option(
    "--timeout", type=click.IntRange(1, limit("watch_seconds")), metavar="SECONDS", help="Print lines, and end then."
)
@SIGNING
@SERVICE
@FORMAT
def watch(plain: bool, once: bool, timeout: int | None, **options: Any) -> None:
    """Show tickets that wait, live, until interrupted or until nobody reads the output any more.

    On a terminal: choose with the arrow keys or j and k, open with Enter, approve with a, reject with r, leave with q.
    Nothing is approved that is not open. Elsewhere, or with --plain, --once or --timeout, a line for each ticket and
    what becomes of it.
    """
    plain = plain or once or timeout is not None or options["format_"] != "text"
    if not plain and sys.stdin.isatty() and sys.stdout.isatty():
        from .watching import Screen

        def answered(ticket: dict[str, Any], verdict: str, reason: str) -> dict[str, Any]:
            return _vote(options, ticket["id"], verdict, reason)

        Screen(lambda: call(options, "GET", "/v1/approvals"), lambda name: _ticket(options, name), answered).run()
        return
    known: dict[str, str] = {}
    until = time.monotonic() + timeout if timeout is not None else float("inf")
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
        if once:
            sys.exit(0 if value["open"] else 1)
        left = until - time.monotonic()
        if left <= 0 or _unread(min(_PAUSE, left)):
            return


def _unread(seconds: float) -> bool:
    """Wait so long; at once true when what is printed goes to a pipe that nobody reads any more."""
    ended = select.poll()
    ended.register(sys.stdout.fileno(), select.POLLERR)
    return bool(ended.poll(seconds * 1000))


def _vote(options: dict[str, Any], ticket: str, verdict: str, reason: str, scope: str = "") -> dict[str, Any]:
    """The ticket after an answer, which is signed when that was asked for. A signed yes says its scope."""
    if options["sign_with"] is not None and verdict == "approve" and not scope:
        scope = _ticket(options, ticket).get("widest_scope", "once")
    body = {"ticket": ticket, "verdict": verdict, "reason": reason} | ({"scope": scope} if scope else {})
    return call(options, "POST", "/v1/approvals/vote", body | _signed(options, ticket, verdict, reason, scope))


def _signed(options: dict[str, Any], ticket: str, verdict: str, reason: str, scope: str = "") -> dict[str, str]:
    """The fields by which somebody who signs says something about a ticket; none for anybody else."""
    if options["sign_with"] is None:
        return {}
    from ..approvals.signed import ANSWER, answer_text
    from ..approvals.ticket import digest_of

    shown = _ticket(options, ticket)
    if "request" not in shown or digest_of(shown["request"]) != shown["digest"]:
        fail_usage("the ticket's request is not what its digest says; nothing was signed", options["format_"])
    text = answer_text(shown, options["person"], verdict, reason, scope)
    return {"person": options["person"], "signature": signature(options, ANSWER, text)}


def _answer(ticket: str, verdict: str, reason: str, options: dict[str, Any], scope: str = "") -> None:
    _print(_vote(options, ticket, verdict, reason, scope), options)


def _print(value: dict[str, Any], options: dict[str, Any]) -> None:
    if options["format_"] == "json":
        print_json(value)
    else:
        click.echo(ticket_line(value))


@command.command(name="approve", short_help="Approve exactly this request")
@click.argument("ticket")
@click.option("--reason", default="", help="Reason, recorded; some tiers require one.")
@click.option("--once", is_flag=True, help="For one use, although the tier lets it hold for the session.")
@SIGNING
@SERVICE
@FORMAT
def approve(ticket: str, reason: str, once: bool, **options: Any) -> None:
    """Approve TICKET: exactly that request, of that agent, under that policy.

    Where its tiers have `scope session`, that request may come again and again in that session; `policy approvals show`
    says until when. With --once it may come once.
    """
    _answer(ticket, "approve", reason, options, "once" if once else "")


@command.command(name="reject", short_help="Reject a request")
@click.argument("ticket")
@click.option("--reason", default="", help="Reason, recorded.")
@SIGNING
@SERVICE
@FORMAT
def reject(ticket: str, reason: str, **options: Any) -> None:
    """Reject TICKET; that ends it, and exactly this request is not asked again for an hour."""
    _answer(ticket, "reject", reason, options)


@command.command(name="break-glass", short_help="Open a ticket in an emergency")
@click.argument("ticket")
@click.option("--reason", required=True, help="The emergency, recorded.")
@SIGNING
@SERVICE
@FORMAT
def break_glass(ticket: str, reason: str, **options: Any) -> None:
    """Open TICKET in an emergency, in place of the people it asks.

    For the approvers of a tier with `break-glass`. Everybody is notified, and the ticket must be reviewed.
    """
    _answer(ticket, "break-glass", reason, options)


@command.command(name="review", short_help="List emergencies to review, or review one")
@click.argument("ticket", required=False)
@click.option("--found", default="", help="Your finding: was it an emergency, was it right?")
@SIGNING
@SERVICE
@FORMAT
def review(ticket: str | None, found: str, **options: Any) -> None:
    """List emergencies to review; with TICKET and --found, record that you have reviewed one.

    Without TICKET exits 0 when nothing is left to review, 1 when something is.
    """
    if ticket is not None:
        if not found.strip():
            fail_usage("say what you found: `--found TEXT`", options["format_"])
        body = {"ticket": ticket, "found": found} | _signed(options, ticket, REVIEW, found)
        value = call(options, "POST", "/v1/approvals/review", body)
        if options["format_"] == "json":
            print_json(value)
        else:
            click.echo(ticket_line(value))
        return
    waiting = call(options, "GET", "/v1/approvals")["review"]
    if options["format_"] == "json":
        print_json({"review": waiting})
    else:
        click.echo("\n".join(ticket_line(t) for t in waiting) or "nothing is left to review")
    sys.exit(1 if waiting else 0)


@command.command(name="revoke", short_help="Take a ticket back")
@click.argument("ticket")
@click.option("--reason", default="", help="Reason, recorded.")
@SIGNING
@SERVICE
@FORMAT
def revoke(ticket: str, reason: str, **options: Any) -> None:
    """Revoke TICKET, also when it is approved and not yet used."""
    body = {"ticket": ticket, "reason": reason} | _signed(options, ticket, REVOKE, reason)
    value = call(options, "POST", "/v1/approvals/revoke", body)
    if options["format_"] == "json":
        print_json(value)
    else:
        click.echo(f"revoked: {ticket}")


@command.command(name="comment", short_help="Say something to others about a ticket")
@click.argument("ticket")
@click.argument("text")
@SIGNING
@SERVICE
@FORMAT
def comment(ticket: str, text: str, **options: Any) -> None:
    """Say TEXT to other people about TICKET, on record. It decides nothing, and the agent is not told."""
    body = {"ticket": ticket, "text": text} | _signed(options, ticket, COMMENT, text)
    _print(call(options, "POST", "/v1/approvals/comment", body), options)


@command.command(name="assign", short_help="Ask a person to answer a ticket")
@click.argument("ticket")
@click.argument("to", metavar="[PERSON]", default="")
@SIGNING
@SERVICE
@FORMAT
def assign(ticket: str, to: str, **options: Any) -> None:
    """Ask PERSON, who may answer TICKET, to do so; without PERSON nobody in particular.

    PERSON is notified; others may answer all the same.
    """
    body = {"ticket": ticket, "to": to} | _signed(options, ticket, ASSIGN, to)
    _print(call(options, "POST", "/v1/approvals/assign", body), options)


@command.command(name="stats", short_help="Show how people answered, rule by rule")
@click.option(
    "--days", type=click.IntRange(1, limit("stats_days")), default=30, show_default=True, help="Number of days."
)
@SIGNING
@SERVICE
@FORMAT
def stats(days: int, **options: Any) -> None:
    """Show how people answered, rule by rule: how often, how fast, and whether anybody can have read it."""
    value = call(options, "GET", f"/v1/approvals/stats?days={days}")
    if options["format_"] == "json":
        print_json(value)
    else:
        click.echo(render_stats(value))


@command.command(name="console", short_help="Print a sign-in link for the web console")
@click.argument("ticket", required=False)
@click.option(
    "--port", type=click.IntRange(1, 65535), help="The port of your machine that leads to the console; 8717 by default."
)
@click.option(
    "--listen", is_flag=True, help="On the console's machine: be that port, for your own browser, until interrupted."
)
@SIGNING
@SERVICE
@FORMAT
def console(ticket: str | None, port: int | None, listen: bool, **options: Any) -> None:
    """Print a link that signs you in to the web console of the service: good once, for two minutes.

    With TICKET it leads to that ticket.

    \b
    ssh -L 8717:/run/policy_lang/console.sock build-host  # ask for the link there
    policy approvals console --listen                 # on the machine itself
    """
    asked = {"ticket": ticket, "port": port}
    value = call(options, "POST", "/v1/approvals/console", {k: v for k, v in asked.items() if v is not None})
    if options["format_"] == "json":
        print_json(value, compact=listen)
    else:
        click.echo(value["url"])
    sys.stdout.flush()
    place, at = value.get("socket"), urlsplit(value["url"]).port or 0
    if place is None:
        if listen:
            fail_usage("the console listens on TCP itself; open the link", options["format_"])
    elif listen:
        _forward(at, place, options["format_"])
    elif options["format_"] == "text":
        click.echo(f"it opens where `ssh -L {at}:{place} HOST` runs, or here with `--listen`", err=True)


def _forward(port: int, place: str, format_: str) -> None:
    """Lead a port to the console until interrupted. Leaves with 2 when it cannot be had."""
    import asyncio

    from ..daemon.safe_place import UnsafePlaceError
    from .forwarding import forward

    try:
        asyncio.run(forward(port, place))
    except UnsafePlaceError as error:
        fail_usage(str(error), format_)
    except KeyboardInterrupt:
        sys.exit(0)


@command.command(name="token", short_help="Make a token for a person")
def token() -> None:
    """Make a token for a person: keep the first line, and put the second into the service's configuration."""
    import secrets

    from ..daemon.identity.people import token_digest

    made = secrets.token_hex(32)
    click.echo(made)
    click.echo(f'token-sha256 = "{token_digest(made)}"', err=True)
