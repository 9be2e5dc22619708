"""`policy export`: the same policy for another sandbox, and what that sandbox cannot hold of it."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from ..domain.errors import SearchLimitError
from ..domain.suggest import suggest
from ..exports import exporting, servers
from ..exports.model import ExportError
from .common import FORMAT, fail_usage, print_json, write_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..domain.request import Request
    from ..exports.exporting import Export
    from ..policy import Policy


@click.command(name="export")
@click.argument("target", type=click.Choice((*exporting.NAMES, *servers.NAMES)))
@click.option("--policy", metavar="FILE", help="The policy. Default: agent.policy of the workspace.")
@click.option("--agent", metavar="NAME", help="The agent's name.")
@click.option("--workspace", metavar="FOLDER", help="The workspace; by default the repository around this folder.")
@click.option("--proxy", default="", metavar="ADDRESS", help="Where `policy proxy` listens: the one way out.")
@click.option("--system", multiple=True, metavar="FOLDER", help="A further folder of programs, which is read as well.")
@click.option("--widen", is_flag=True, help="Grant folders as wholes where a rule about some names denies these.")
@click.option("--remote", default="origin", show_default=True, metavar="NAME", help="What rules call a git server.")
@click.option(
    "--bypass", multiple=True, metavar="ROLE", help="Who keeps every right at a git server, as it names them."
)
@click.option("--accept-loss", "accepted", multiple=True, metavar="CODE,...", help="Write it though this is not held.")
@click.option("-o", "--output", default="-", metavar="FILE", help="Where to write; `-`, the default, prints it.")
@FORMAT
def command(target: str, output: str, format_: str, **given: Any) -> None:
    """Write the policy's settings for another sandbox or a git server, TARGET, and say what that does not hold of it.

    \b
    policy export bubblewrap --agent claude --widen
    policy export srt --widen --accept-loss reads,writes,words -o settings.json
    policy export github --bypass 5 --accept-loss merges,approvers,other-refs

    Every loss is found by comparing the policy with what the settings permit, over all requests, and is shown with a
    request. What the target cannot say is denied, unless --widen lets it say more. What is on the disk now is what is
    compared: write it again when the policy or the files that its rules name change.

    Exits 0; 1 when something is not held that --accept-loss does not name, and then nothing is written.
    """
    from .walled import subject_of

    accepted = frozenset(code.strip() for part in given["accepted"] for code in part.split(",") if code.strip())
    codes = (*exporting.CODES, *servers.CODES)
    for code in accepted - set(codes):
        fail_usage(f"no loss is called `{code[:40]}`: {suggest(code, codes)}", format_)
    _fits(target, given, format_)
    policy, like, path = subject_of(given, format_, compiled=False)
    try:
        if target in servers.NAMES:
            server, remote, bypass = servers.server_named(target), given["remote"], given["bypass"]
            export = servers.exported_refs(server, policy, like, remote=remote, bypass=bypass, widen=given["widen"])
        else:
            export = exporting.exported(
                exporting.target_named(target), policy, like, dict(os.environ),
                heading=_heading(target, policy, like, path), further=tuple(map(os.path.realpath, given["system"])),
                proxy=given["proxy"], widen=given["widen"],
            )  # fmt: skip
    except (ExportError, SearchLimitError) as error:
        fail_usage(str(error), format_)
    missing = export.not_accepted(accepted)
    if not missing:
        _write(export, output, format_)
    _show(export, policy, like, accepted, format_)
    sys.exit(1 if missing else 0)


def _fits(target: str, given: dict[str, Any], format_: str) -> None:
    """Leave with 2 for an option that the target has no use for."""
    server = target in servers.NAMES
    foreign = ("proxy", "system") if server else ("bypass",)
    for option in foreign:
        if given[option]:
            what = "a sandbox" if server else "a git server"
            fail_usage(f"`--{option}` is for the settings of {what}", format_)


def _heading(target: str, policy: Policy, like: Request, path: str) -> tuple[str, ...]:
    whom = f"the agent {like.agent!r}" if like.agent else "any agent"
    return (
        f"Written by `policy export {target}` from {path!r} for {whom} in {like.workspace!r}.",
        f"Policy {policy.digest}. Write it again when the policy, or a file that its rules name, changes.",
    )


def _write(export: Export, output: str, format_: str) -> None:
    if output != "-":
        write_file(output, export.written.text, format_)
    elif format_ == "text":
        click.echo(export.written.text, nl=False)


def _show(export: Export, policy: Policy, like: Request, accepted: frozenset[str], format_: str) -> None:
    if format_ == "json":
        from ..exports.shown import export_json

        print_json(export_json(export, policy, like, accepted))
        return
    from ..report.exports import render_losses, render_missing

    click.echo(render_losses(export, accepted), err=True)
    if export.not_accepted(accepted):
        click.echo(render_missing(export, accepted), err=True)
