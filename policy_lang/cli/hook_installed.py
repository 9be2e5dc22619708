"""`policy hook status|upgrade|uninstall`: what is installed, made anew by this program, taken back."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

import click

from ..domain.faults import reason_of
from ..domain.wording import counted
from ..pep.clients import NAMES
from ..pep.clients import client as client_of
from ..pep.hook_places import names_hook
from ..pep.install import InstallError, target
from ..pep.installed import HookInstallation, installed, settings_text, upgraded
from ..pep.installed import uninstall as take_back
from .common import FORMAT, fail_usage, print_json
from .compile import compile_to

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..pep.hook_status import HookStatus

_SCOPE = click.option("--scope", type=click.Choice(["user", "project", "managed"]), default="user", show_default=True)


@click.command(name="status", short_help="Show what is installed, and what is not held")
@click.argument("client", type=click.Choice(NAMES), required=False)
@FORMAT
def status(client: str | None, format_: str) -> None:
    """Show each hook that is in a client's settings: its scope, the policy with digest and age, and what is not held.

    The user's, the managed, and this folder's settings are looked at. Exits 1 when none names a hook. Whether a client
    does as its hook says, `policy doctor CLIENT` tries.
    """
    from ..pep.hook_status import status_of

    found = [status_of(one, os.getcwd()) for one in _all(client)]
    if format_ == "json":
        print_json({"installations": [_json(one) for one in found]})
    for one in found if format_ != "json" else ():
        _show(one)
    if not found:
        click.echo("no client's settings name the hook; `policy hook install CLIENT`", err=True)
    sys.exit(0 if found else 1)


@click.command(name="upgrade", short_help="Make installed hooks those of this program")
@click.argument("client", type=click.Choice(NAMES), required=False)
def upgrade(client: str | None) -> None:
    """Make every hook that is installed one of this program's, with the options that it has.

    To be run after an upgrade of policy_lang, or when it has moved. A policy that another version compiled is compiled
    again if its sources are what they were; else a person looks first. Exits 1 when something is left to do.
    """
    found = _all(client)
    if not found:
        click.echo("no client's settings name the hook; `policy hook install CLIENT`", err=True)
        sys.exit(1)
    left = False
    for one in found:
        try:
            changed = upgraded(one)
            compiled = one.option("--policy")
            again = _compiled_again(compiled) if compiled else ""
        except InstallError as error:
            fail_usage(str(error))
        except OSError as error:
            fail_usage(f"`{error.filename or one.path}` cannot be written: {reason_of(error)}")
        click.echo(f"{one.path}: {'the hook is written anew' if changed else 'the hook is up to date'}")
        if again:
            click.echo(again)
        left |= again.startswith("left: ")
    sys.exit(1 if left else 0)


@click.command(name="uninstall", short_help="Take the hook out of a client's settings")
@click.argument("client", type=click.Choice(NAMES))
@_SCOPE
def uninstall(client: str, scope: str) -> None:
    """Take back what `policy hook install` wrote: the hook in CLIENT's settings, the compiled policy, the launcher.

    Settings that nobody has changed since become what they were, byte for byte; in others all else stays. Logs stay.
    Nothing stops the agent then. Exits 1 when the settings of this scope have no such hook.
    """
    spec = client_of(client)
    try:
        place = target(spec, scope, os.getcwd(), os.path.expanduser("~"))
        if not names_hook(settings_text(place.path)):
            click.echo(f"{place.path}: no hook of policy_lang is there", err=True)
            sys.exit(1)
        take_back(spec, scope, place.path)
    except InstallError as error:
        fail_usage(str(error))
    except OSError as error:
        fail_usage(f"`{error.filename}` cannot be written: {reason_of(error)}")
    click.echo(f"{place.path}: the hook is taken out; `{client}` asks no policy from its next start on")


def _all(client: str | None) -> list[HookInstallation]:
    names = NAMES if client is None else (client,)
    try:
        return [one for name in names for one in installed(client_of(name), os.getcwd(), os.path.expanduser("~"))]
    except InstallError as error:
        fail_usage(str(error))


def _compiled_again(path: str) -> str:
    """What was done about a compiled policy; empty when this version made it, or it is gone."""
    from .._version import __version__
    from ..compiled.codec import DamagedError
    from ..compiled.opened import stale_source
    from ..compiled.reader import Contents

    try:
        with open(path, "rb") as stream:
            contents = Contents(stream.read())
    except (OSError, DamagedError):
        return f"left: `{path}` cannot be read; `policy hook install` with its policy makes it anew"
    if contents.program == __version__:
        return ""
    changed = stale_source(contents.sources) or ("" if contents.sources else "it names no sources")
    if changed:
        return f"left: `{path}` was compiled by {contents.program}, and {changed}; look at it, then `policy compile` it"
    compile_to(contents.sources[0][0], path, "text")
    return f"{path}: compiled anew from `{contents.sources[0][0]}`, which is as it was"


def _json(one: HookStatus) -> dict[str, Any]:
    made = one.made
    return {
        "client": one.hook.client.name, "scope": one.hook.scope, "settings": one.hook.path,
        "policy": one.policy or None, "compiled": one.compiled or None, "service": one.service or None,
        "digest": one.digest or None,
        "compiled_at": None if made is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(made)),
        "agent": one.agent or None, "observing": one.observing,
        "findings": [{"state": f.state, "text": f.text, "mend": f.remediation or None} for f in one.findings],
        "not_held": [{"way": way, "closed_by": closed} for way, closed in one.hook.client.bypasses],
    }  # fmt: skip


def _show(one: HookStatus) -> None:
    from ..pep.installation import GOOD

    click.echo(f"{one.hook.client.title} ({one.hook.client.name}), {one.hook.scope} scope: {one.hook.path}")
    if one.service:
        click.echo(f"  policy    of the service at {one.service}")
    else:
        click.echo(f"  policy    {one.policy or one.compiled}")
    if one.digest:
        click.echo(f"  digest    {one.digest}")
    if one.made is not None:
        when = time.strftime("%Y-%m-%d %H:%M", time.gmtime(one.made))
        click.echo(f"  compiled  {when} UTC, {_age(time.time() - one.made)} ago")
    if one.agent:
        click.echo(f"  agent     {one.agent}")
    for finding in one.findings:
        if finding.state != GOOD:
            click.echo(f"  {finding.state:9} {finding.text}")
            if finding.remediation:
                click.echo(f"            = help: {finding.remediation}")
    click.echo("  not held:")
    for way, closed in one.hook.client.bypasses:
        click.echo(f"  - {way}; closed by: {closed}")


def _age(seconds: float) -> str:
    for name, size in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if seconds >= size:
            return counted(int(seconds // size), name)
    return "a moment"
