"""`policy proposals`: rules that agents ask for, and people's answers."""

from __future__ import annotations

import sys
from typing import Any
from urllib.parse import quote

import click

from ..report.proposals import proposal_line, render_proposal, render_proposals
from .calling import SERVICE, call
from .common import FORMAT, fail_usage, print_json
from .propose import WEIGHED_SECONDS

_SHOWN = click.option("--shown", metavar="DIGEST", help="What `show` said it is shown as, or its beginning.")


@click.group(name="proposals")
def command() -> None:
    """See which rules agents ask for and what those would permit, and answer, at a running service.

    You are identified by your user on this machine or by a token of your own (--token-file); `[proposals] approvers` in
    the configuration of the service says who accepts rules.
    """


@command.command(name="list", short_help="List proposals, grants, and the latest answers")
@SERVICE
@FORMAT
def list_command(**options: Any) -> None:
    """List proposals that wait, what is granted, and the latest answers. Exits 0 when something waits, 1 when not."""
    value = call(options, "GET", "/v1/proposals/all")
    if options["format_"] == "json":
        print_json(value)
    else:
        click.echo(render_proposals(value))
    sys.exit(0 if value["open"] else 1)


@command.command(name="show", short_help="Show what a proposal would permit")
@click.argument("proposal")
@SERVICE
@FORMAT
def show(proposal: str, **options: Any) -> None:
    """Show all of PROPOSAL: its rules, what they would newly permit, and what the agent says."""
    _said(_proposal(options, proposal), options)


@command.command(name="narrow", short_help="Put narrower rules in a proposal's place")
@click.argument("proposal")
@click.argument("rules")
@_SHOWN
@SERVICE
@FORMAT
def narrow(proposal: str, rules: str, shown: str | None, **options: Any) -> None:
    """Put RULES in the place of those of PROPOSAL, and show what they would permit.

    It says whether they are proved to permit no more than what was shown before. Give the same rules again to weigh
    them under a policy that has changed.
    """
    found = _seen(options, proposal, shown, "put other rules in its place?")
    body = {"proposal": proposal, "shown": found["shown"], "rules": rules}
    _said(call(options, "POST", "/v1/proposals/narrow", body, WEIGHED_SECONDS), options)


@command.command(name="accept", short_help="Accept a proposal as it was shown")
@click.argument("proposal")
@click.option(
    "--for", "scope", type=click.Choice(["once", "session", "branch"]), required=True, help="How far the yes goes."
)
@click.option("--reason", default="", help="Reason, recorded.")
@_SHOWN
@SERVICE
@FORMAT
def accept(proposal: str, scope: str, reason: str, shown: str | None, **options: Any) -> None:
    """Accept PROPOSAL as it was shown: for that one call, for the agent's session until it ends, or on a branch.

    A branch has the rules in the policy's file, in the repository that the service's configuration names. Its name is
    printed, and nothing is merged.
    """
    found = _seen(options, proposal, shown, "accept it?")
    body = {"proposal": proposal, "shown": found["shown"], "scope": scope, "reason": reason}
    _said(call(options, "POST", "/v1/proposals/accept", body, WEIGHED_SECONDS), options, line=True)


@command.command(name="reject", short_help="Reject a proposal")
@click.argument("proposal")
@click.option("--reason", default="", help="Reason, which the agent is told.")
@_SHOWN
@SERVICE
@FORMAT
def reject(proposal: str, reason: str, shown: str | None, **options: Any) -> None:
    """Reject PROPOSAL. For an hour nothing that would permit any of it is proposed by this agent or its user."""
    found = _proposal(options, proposal)
    _matches(found, shown, options)
    body = {"proposal": proposal, "shown": found["shown"], "reason": reason}
    _said(call(options, "POST", "/v1/proposals/reject", body), options, line=True)


@command.command(name="withdraw", short_help="Take back a proposal, or what was granted")
@click.argument("proposal")
@click.option("--reason", default="", help="Reason, recorded.")
@SERVICE
@FORMAT
def withdraw(proposal: str, reason: str, **options: Any) -> None:
    """Take back PROPOSAL, also when it is granted: it permits nothing from the next call on."""
    value = call(options, "POST", "/v1/proposals/withdraw", {"proposal": proposal, "reason": reason})
    if options["format_"] == "json":
        print_json(value)
    else:
        click.echo(render_proposal(value))


def _proposal(options: dict[str, Any], name: str) -> dict[str, Any]:
    return call(options, "GET", f"/v1/proposals/{quote(name, safe='', errors='replace')}")


def _seen(options: dict[str, Any], name: str, shown: str | None, question: str) -> dict[str, Any]:
    """The proposal, which the person has seen: just now, or when its digest was shown. Leaves with 2 otherwise."""
    found = _proposal(options, name)
    if "shown" not in found:
        fail_usage("you are not told what this would permit, so you do not answer it", options["format_"])
    if shown is None:
        if not (sys.stdin.isatty() and sys.stdout.isatty()) or options["format_"] == "json":
            fail_usage("say what you were shown: `--shown DIGEST`, the last line of `show`", options["format_"])
        click.echo(render_proposal(found))
        click.confirm(question, abort=True)
    _matches(found, shown, options)
    return found


def _matches(found: dict[str, Any], shown: str | None, options: dict[str, Any]) -> None:
    if shown is not None and (len(shown) < 8 or not found["shown"].startswith(shown)):
        fail_usage("the proposal is not as it was shown; look at it again", options["format_"])


def _said(value: dict[str, Any], options: dict[str, Any], *, line: bool = False) -> None:
    if options["format_"] == "json":
        print_json(value)
        return
    click.echo(proposal_line(value) if line else render_proposal(value))
    if line and value.get("branch"):
        click.echo(value["branch"])
