"""`policy doctor`: does a client's gate hold, and what gets around it."""

from __future__ import annotations

import os
import sys

import click

from ..pep.bypasses import COMMON, OF_CLIENT
from ..pep.doctor import BAD, examine
from .common import FORMAT, fail_usage, print_json
from .hook import CLIENTS


@click.command(name="doctor")
@click.argument("client", type=click.Choice(CLIENTS))
@click.option("--workspace", metavar="FOLDER", help="Where to try it; by default here.")
@click.option("--no-live", is_flag=True, help="Do not start the client itself.")
@FORMAT
def command(client: str, workspace: str | None, no_live: bool, format_: str) -> None:
    """Prove that CLIENT is held.

    Its settings are read, its hook is run, and the client itself is told to do what every policy denies (a file
    below .git/hooks), by a model that only reads from a script: no account is needed.

    Exits 0 when nothing failed, and 1 when the gate does not hold. Lists what is known to get around it.
    """
    folder = os.path.realpath(workspace or os.getcwd())
    if not os.path.isdir(folder):
        fail_usage(f"there is no folder `{folder}`", format_)
    found = examine(client, folder, os.path.expanduser("~"), live=not no_live)
    ways = (*OF_CLIENT[client], *COMMON)
    if format_ == "json":
        print_json(
            {
                "findings": [{"state": f.state, "text": f.text, "mend": f.mend or None} for f in found],
                "bypasses": [{"way": way, "closed_by": closed} for way, closed in ways],
            }
        )
    else:
        for finding in found:
            click.echo(
                f"{finding.state:5} {finding.text}" + (f"\n      = help: {finding.mend}" if finding.mend else "")
            )
        click.echo(f"\nWhat gets around {client}'s hook, and what closes it:")
        for way, closed in ways:
            click.echo(f"  - {way}\n    {closed}")
    sys.exit(1 if any(f.state == BAD for f in found) else 0)
