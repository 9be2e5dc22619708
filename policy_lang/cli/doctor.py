"""`policy doctor`: verification that a client enforces the policy, and the ways round it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from ..pep.clients import NAMES
from ..pep.clients import client as client_of
from ..pep.doctor import BYPASSES, examine
from ..pep.installation import BAD, WARN, CheckResult, examine_places, examine_policy, examine_program
from .common import FORMAT, fail_usage, load_policy, print_json

_WALLS = "walls"
_INSTALLATION = "installation"
_DEFAULT = "agent.policy"


@click.command(name="doctor")
@click.argument("client", type=click.Choice((*NAMES, _WALLS, _INSTALLATION)))
@click.option("--workspace", metavar="FOLDER", help="Workspace folder to verify in; by default here.")
@click.option("--policy", metavar="FILE", help="With `walls` and `installation`: the policy; by default agent.policy.")
@click.option("--agent", metavar="NAME", help="With `installation`: the agent that is kept from what is enforced.")
@click.option("--place", "places", multiple=True, metavar="PATH", help="With `installation`: what else is trusted.")
@click.option("--no-live", is_flag=True, help="Do not start the client itself.")
@FORMAT
def command(
    client: str,
    workspace: str | None,
    policy: str | None,
    agent: str | None,
    places: tuple[str, ...],
    no_live: bool,
    format_: str,
) -> None:
    """Verify that CLIENT enforces the policy; or that walls can be built here and hold it: `policy doctor walls`.

    Its settings are read, its hook is run, and the client itself is made to try what every policy denies (a file
    below .git/hooks), by a model that only reads from a script: no account is needed.

    `policy doctor installation` looks at what decides: whether somebody else could replace the policy with its imports,
    this program, its interpreter and each --place (configuration, keys, state, log), by a file, folder or link on the
    way to it; whether a compiled policy is stale; and whether the policy keeps the agent from all of these.

    Exits 0 when no check failed, and 1 otherwise. Lists what is known to get around the hook.
    """
    folder = os.path.realpath(workspace or os.getcwd())
    if not os.path.isdir(folder):
        fail_usage(f"there is no folder `{folder}`", format_)
    if client == _WALLS:
        from .walled import examine_walls

        found = examine_walls({"policy": policy, "workspace": folder}, format_)
        _show(found, (), client, format_)
    if client == _INSTALLATION:
        _show(
            _installation(policy or os.path.join(folder, _DEFAULT), agent, folder, places, format_), (), client, format_
        )
    if policy is not None or agent is not None or places:
        fail_usage("`--policy`, `--agent` and `--place` do not belong here: a hook names its own policy", format_)
    spec = client_of(client)
    found = [*examine(spec, folder, os.path.expanduser("~"), live=not no_live), *_exported(client)]
    _show(found, (*spec.bypasses, *BYPASSES), client, format_)


def _exported(client: str) -> list[CheckResult]:
    """Exported permissions of the client that somebody has changed."""
    from ..foreign.exported import drift

    return [
        CheckResult(
            BAD,
            f"`{one.path}` is not as `policy export` wrote it: {how}",
            f"`policy export {one.client} --policy {one.policy} -o {one.path}` writes it anew",
        )
        for one, how in drift(client)
    ]


def _installation(
    policy: str, agent: str | None, workspace: str, places: tuple[str, ...], format_: str
) -> list[CheckResult]:
    from .._version import __version__
    from ..compiled.opened import SUFFIX, open_compiled, stale_note

    loaded = load_policy(policy, format_)
    compiled = policy.endswith(SUFFIX)
    sources = [policy] if compiled else list(loaded.policy_set.sources)
    out = [*examine_places([*sources, *places]), *examine_program(workspace)]
    note = stale_note(policy, open_compiled(policy, __version__)) if compiled else ""
    if note:
        out.append(CheckResult(WARN, note, "review the change first: an agent may have made it"))
    return [
        *out,
        *examine_policy(os.path.abspath(policy), loaded.engine, agent, workspace, list(map(os.path.abspath, places))),
    ]


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
