"""`policy export`: the same policy for another sandbox, and what that sandbox cannot hold of it."""

from __future__ import annotations

import os
import sys
from typing import Any, NoReturn

import click

from ..domain.errors import PolicyError, SearchLimitError
from ..domain.suggest import suggest
from ..exports import exporting, servers
from ..exports.model import ExportError
from ..foreign import formats, writing
from .common import FORMAT, fail_policy, fail_usage, print_json, write_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..domain.request import Request
    from ..exports.exporting import Export
    from ..policy import Policy


@click.command(name="export")
@click.argument("target", type=click.Choice((*exporting.NAMES, *servers.NAMES, *formats.WRITTEN)))
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
@click.option("--watch-drift", is_flag=True, help="Have `policy doctor` say when somebody changes a client's file.")
@FORMAT
def command(target: str, output: str, format_: str, **given: Any) -> None:
    """Write the policy for another sandbox, a git server or a client, TARGET, and say what that does not hold of it.

    \b
    policy export bubblewrap --agent claude --widen
    policy export srt --widen --accept-loss reads,writes,words -o settings.json
    policy export github --bypass 5 --accept-loss merges,approvers,other-refs
    policy export claude --accept-loss commands -o .claude/settings.json

    Every loss is found by comparing the policy with what the settings permit, over all requests, and is shown with a
    request. What the target cannot say is denied, unless --widen lets it say more. What is on the disk now is what is
    compared: write it again when the policy or the files that its rules name change.

    For a client's own permissions everything that is granted is proved to lie inside the policy; what cannot be said so
    is left out, and asked about. Other settings of a file that is there stay.

    Exits 0; 1 when something is not held that --accept-loss does not name, and then nothing is written.
    """
    from .walled import subject_of

    accepted = frozenset(code.strip() for part in given["accepted"] for code in part.split(",") if code.strip())
    codes = (*exporting.CODES, *servers.CODES, *writing.CODES.values())
    for code in accepted - set(codes):
        fail_usage(f"no loss is called `{code[:40]}`: {suggest(code, codes)}", format_)
    _fits(target, output, given, format_)
    policy, like, path = subject_of(given, format_, compiled=False)
    if target in formats.WRITTEN:
        _client(target, policy, like, path, output, accepted, given["watch_drift"], format_)
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


def _fits(target: str, output: str, given: dict[str, Any], format_: str) -> None:
    """Leave with 2 for an option that the target has no use for."""
    kinds = {"proxy": "a sandbox", "system": "a sandbox", "bypass": "a git server", "watch_drift": "a client"}
    kind = "a git server" if target in servers.NAMES else "a client" if target in formats.WRITTEN else "a sandbox"
    for option, wanted in kinds.items():
        if given[option] and wanted != kind:
            fail_usage(f"`--{option.replace('_', '-')}` is for the settings of {wanted}", format_)
    if given["watch_drift"] and output == "-":
        fail_usage("`--watch-drift` watches a file: give `-o FILE`", format_)


def _client(
    target: str,
    policy: Policy,
    like: Request,
    path: str,
    output: str,
    accepted: frozenset[str],
    watched: bool,
    format_: str,
) -> NoReturn:
    """Write a client's own permissions, and leave."""
    from ..foreign.exported import exported_to
    from ..foreign.writing import exported_permissions

    kind = formats.format_named(target)
    try:
        place = kind.place if output == "-" else output
        export = exported_permissions(kind, kind.writer(), policy, like, place, _there(output, format_))
    except PolicyError as error:
        fail_policy(error, format_)
    except SearchLimitError as error:
        fail_usage(str(error), format_)
    if not export.not_accepted(accepted):
        if output != "-":
            write_file(output, export.text, format_)
        elif format_ == "text":
            click.echo(export.text, nl=False)
        if watched:
            exported_to(target, os.path.abspath(output), os.path.abspath(path), like.workspace or os.getcwd()).save()
    if format_ == "json":
        from ..foreign.shown import client_export_json

        print_json(client_export_json(export, policy, accepted))
    else:
        from ..report.exports import render_client_export

        click.echo(render_client_export(export, accepted), err=True)
    sys.exit(1 if export.not_accepted(accepted) else 0)


def _there(output: str, format_: str) -> str:
    """The text of the file that is there, or nothing."""
    from ..resolve.files import read_source

    if output == "-" or not os.path.lexists(output):
        return ""
    try:
        return read_source(output).text
    except PolicyError as error:
        fail_policy(error, format_)


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
