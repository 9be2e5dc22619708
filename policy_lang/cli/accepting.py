"""Proposals at a terminal, one by one: a person accepts, refuses or rewrites each."""

from __future__ import annotations

from collections.abc import Callable

import click

from ..domain.errors import PolicyError
from ..lint.linter import Options
from ..records.suggesting.stops import Stops
from ..records.suggesting.suggest import Key, Proposal, Suggested, Suggester, SuggestError
from ..report.diagnostics import render
from ..report.style import visible
from ..report.suggested import proposal_lines

_ASKED = "accept? y(es), n(o), e(dit the rules), q(uit)"


def accept_at_terminal(
    suggester: Suggester, stops: Stops, at_least: int, options: Options | None, write: Callable[[Suggester, str], None]
) -> int:
    """Ask about each proposal, and write what is accepted before the next one is asked about; how many were.

    `options` are the linter's, or None where its view is left out. After each answer the rest is proposed anew, since
    a rule may let pass what another one was for.
    """
    answered: set[Key] = set()
    accepted = 0
    found = suggester.suggest(stops, at_least)
    while found.proposals:
        proposal = found.proposals[0]
        try:
            chosen = _answer(suggester, proposal, options)
        except click.Abort:
            break
        answered.add(proposal.key)
        if chosen is not None:
            write(suggester, chosen.text)
            accepted += 1
            suggester = suggester.accepted(chosen)
        elif len(found.proposals) > 1:
            del found.proposals[0]
            continue
        found = suggester.suggest(stops, at_least, answered)
    return accepted


def _answer(suggester: Suggester, proposal: Proposal, options: Options | None) -> Proposal | None:
    """The proposal as it is accepted; None when it is not. Raises Abort to leave."""
    while True:
        if options is not None and not proposal.findings:
            suggester.lint(Suggested([proposal], [], 0), options)
        click.echo("\n".join(proposal_lines(proposal)))
        answer = click.prompt(_ASKED, type=click.Choice(["y", "n", "e", "q"]), show_choices=False)
        if answer == "q":
            raise click.Abort
        if answer != "e":
            return proposal if answer == "y" else None
        typed = click.prompt("rules", default="  ".join(proposal.rules))
        try:
            proposal = suggester.written(proposal, typed)
        except PolicyError as error:
            click.echo(render(error.diagnostics))
        except SuggestError as error:
            click.echo(f"error: {visible(str(error))}")
