"""`policy doctor`: verification that a client enforces the policy, and the ways round it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from ..pep.clients import NAMES
from ..pep.clients import client as client_of
from ..pep.doctor import BAD, BYPASSES, CheckResult, examine
from .common import FORMAT, fail_usage, print_json

_WALLS = "walls"


@click.command(name="doctor")
@click.argument("client", type=click.Choice((*NAMES, _WALLS)))
@click.option("--workspace", metavar="FOLDER", help="Workspace folder to verify in; by default here.")
@click.option("--policy", metavar="FILE", help="With `walls`: the policy; by default agent.policy of the workspace.")
@click.option("--no-live", is_flag=True, help="Do not start the client itself.")
@FORMAT
def command(client: str, workspace: str | None, policy: str | None, no_live: bool, format_: str) -> None:
    """Verify that CLIENT enforces the policy; or that walls can be built here and hold it: `policy doctor walls`.

    Its settings are read, its hook is run, and the client itself is made to try what every policy denies (a file
    below .git/hooks), by a model that only reads from a script: no account is needed.

    Exits 0 when no check failed, and 1 otherwise. Lists what is known to get around the hook.
    """
    folder = os.path.realpath(workspace or os.getcwd())
    if not os.path.isdir(folder):
        fail_usage(f"there is no folder `{folder}`", format_)
    if client == _WALLS:
        from .walled import examine_walls

        found = examine_walls({"policy": policy, "workspace": folder}, format_)
        _show(found, (), client, format_)
    if policy is not None:
        fail_usage("`--policy` belongs to `policy doctor walls`: a hook names its own policy", format_)
    spec = client_of(client)
    found = examine(spec, folder, os.path.expanduser("~"), live=not no_live)
    _show(found, (*spec.bypasses, *BYPASSES), client, format_)


def _show(found: list[CheckResult], ways: Sequence[tuple[str, str]], client: str, format_: str) -> NoReturn:
    """Show what was found, and leave."""
    if format_ == "json":
        print_json(
            {
                "findings": [{"state": f.state, "text": f.text, "mend": f.remediation or None} for f in found],
                "bypasses": [{"way": way, "closed_by": closed} for way, closed in ways],
            }
        )
    else:
        for result in found:
            click.echo(f"{result.state:5} {result.text}")
            if result.remediation:
                click.echo(f"      = help: {result.remediation}")
        if ways:
            click.echo(f"\nWhat gets around {client}'s hook, and what closes it:")
        for way, closed in ways:
            click.echo(f"  - {way}\n    {closed}")
    sys.exit(1 if any(f.state == BAD for f in found) else 0)
