"""`policy import`: another client's permission file as a policy, and what came over how."""

from __future__ import annotations

import sys

import click

from ..domain.errors import PolicyError
from ..foreign import formats
from .common import FORMAT, fail_policy, fail_usage, print_json, write_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..foreign.compare import Imported


@click.command(name="import")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--client",
    metavar="NAME",
    type=click.Choice(formats.NAMES),
    help="Whose files they are, where their names do not say so.",
)
@click.option("--name", default="imported", show_default=True, help="What the policy is called.")
@click.option("-o", "--output", default="-", metavar="FILE", help="Where to write; `-`, the default, prints it.")
@FORMAT
def command(files: tuple[str, ...], client: str | None, name: str, output: str, format_: str) -> None:
    """Write the policy that the permissions of an agent's client come to, and say what came over how.

    \b
    policy import .claude/settings.json -o agent.policy
    policy import .claude/settings.json .claude/settings.local.json

    Several FILEs are one client's scopes, which hold together. Each permission becomes a rule with the line that it
    comes from. Then requests at the boundary of each are asked of the policy, and of a model of the client: what is
    exact, what permits less or more than it did, what this language cannot say, and what never had an effect.

    Exits 0; 1 when the policy permits something that the client did not, or a restriction cannot be said.
    """
    kind = _format(files, client, format_)
    try:
        from ..foreign.compare import imported
        from ..resolve.files import read_source

        made = imported(kind.read([read_source(path) for path in files]), name)
    except PolicyError as error:
        fail_policy(error, format_)
    _write(made, output, format_)
    sys.exit(1 if made.wider else 0)


def _format(files: tuple[str, ...], client: str | None, format_: str) -> formats.Format:
    if client is not None:
        return formats.format_named(client)
    found = {path: formats.format_of(path) for path in files}
    kinds = {kind for kind in found.values() if kind is not None}
    unknown = next((path for path, kind in found.items() if kind is None), None)
    if unknown is not None:
        fail_usage(f"`{unknown[:80]}` has no name of a client's file: say whose it is with `--client`", format_)
    if len({kind.module for kind in kinds}) > 1:
        fail_usage("these files are of different clients: import one client's at a time", format_)
    return min(kinds, key=lambda kind: kind.name)


def _write(made: Imported, output: str, format_: str) -> None:
    text = made.translated.text
    if output != "-":
        write_file(output, text, format_)
    if format_ == "json":
        from ..foreign.shown import imported_json

        print_json(imported_json(made))
        return
    if output == "-":
        click.echo(text, nl=False)
    from ..report.imported import render_imported

    click.echo(render_imported(made), err=True)
