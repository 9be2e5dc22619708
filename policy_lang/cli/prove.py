"""`policy prove`: proofs are checked for form; running them is not possible yet, and that is no pass."""

from __future__ import annotations

import sys

import click

from ..report.style import visible
from .common import FORMAT, count, load_policy, print_json


@click.command(name="prove")
@click.argument("files", nargs=-1, required=True)
@FORMAT
def command(files: tuple[str, ...], format_: str) -> None:
    """Check the `prove` blocks of FILES.

    This version reads and type-checks proofs but cannot run them: it exits 3, undecided, whenever there are any.
    """
    found = 0
    out: list[dict[str, object]] = []
    for path in files:
        for block in load_policy(path, format_).policy_set.proofs:
            found += len(block.properties)
            out.append(
                {
                    "file": block.span.source.path,
                    "line": block.span.line,
                    "name": block.name,
                    "properties": len(block.properties),
                    "verdict": "undecided",
                }
            )
            if format_ == "text":
                click.echo(f"undecided  {visible(block.span.source.path)}:{block.span.line}  {visible(block.name)}")
    if format_ == "json":
        print_json({"proofs": out, "verdict": "undecided" if found else "nothing to prove"})
    elif found:
        click.echo(
            f"{count(found, 'property').replace('propertys', 'properties')} not run: this version cannot run proofs yet"
        )
    else:
        click.echo("there is nothing to prove")
    sys.exit(3 if found else 1)
