"""`policy propose`: an agent that was refused asks for a rule."""

from __future__ import annotations

import sys
from typing import Any

import click

from ..domain.limits import limit
from ..report.proposals import render_proposal
from .calling import SERVICE, call
from .common import FORMAT, fail_usage, print_json

WEIGHED_SECONDS = 2 * limit("weighing_wait_seconds")
"""For the service to answer a call in which rules are weighed."""


@click.command(name="propose")
@click.argument("rules", required=False)
@click.option("--file", "source", type=click.File("r"), help="The rules' text, `-` for standard input.")
@click.option("--refused", nargs=2, metavar="ACTION RESOURCE", help="The call that was denied.")
@click.option("--decision", metavar="ID", help="The decision that denied it, instead of --refused.")
@click.option("--purpose", required=True, help="A sentence that people read as your own words.")
@click.option("--agent", metavar="NAME", help="The agent, where this user runs several.")
@click.option("--session", metavar="NAME", help="The session that the call was made in.")
@SERVICE
@FORMAT
def command(
    rules: str | None,
    source: Any,
    refused: tuple[str, str] | None,
    decision: str | None,
    purpose: str,
    agent: str | None,
    session: str | None,
    **options: Any,
) -> None:
    """Ask for RULES that would allow a call which was denied: one or a few rules that allow, and nothing else.

    \b
    policy propose 'allow run "npm test"' --refused run "npm test" \\
        --purpose "the tests show whether the fix works"

    They would be for this agent alone. The service finds out exactly what they would newly permit, and people who
    accept rules see that; nothing is permitted before one of them says so. Exits 0 when people will see it, 1 when it
    is refused.
    """
    if (rules is None) == (source is None):
        fail_usage("give the rules either as an argument or by `--file FILE`", options["format_"])
    if (refused is None) == (decision is None):
        fail_usage("name the call by either `--refused ACTION RESOURCE` or `--decision ID`", options["format_"])
    body: dict[str, Any] = {
        "rules": rules if source is None else source.read(limit("proposal_bytes") + 1),
        "purpose": purpose,
        "decision": decision,
        "request": None if refused is None else {"action": refused[0], "resource": refused[1]},
        "agent": agent,
        "session": session,
    }
    given = {name: value for name, value in body.items() if value is not None}
    value = call(options, "POST", "/v1/proposals", given, WEIGHED_SECONDS)
    if options["format_"] == "json":
        print_json(value)
    else:
        click.echo(render_proposal(value))
    sys.exit(0)
