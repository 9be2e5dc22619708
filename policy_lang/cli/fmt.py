"""`policy fmt`: one layout for every policy file."""

from __future__ import annotations

import difflib
import os
import sys

import click

from ..domain.errors import PolicyError, Source
from ..resolve.files import read_source
from ..syntax.format import format_file
from ..syntax.parse import parse
from .common import FORMAT, fail_policy, fail_usage, print_json, write_file


@click.command(name="fmt")
@click.argument("files", nargs=-1, required=True)
@click.option("--check", is_flag=True, help="Change nothing; exit 1 when a file is not formatted.")
@click.option("--diff", is_flag=True, help="Change nothing; show what would change.")
@FORMAT
def command(files: tuple[str, ...], check: bool, diff: bool, format_: str) -> None:
    """Format FILES in place, of a folder all below it; `-` reads standard input and writes standard output.

    Comments are kept and the meaning is untouched. Nothing is written when one of the files has a mistake.
    """
    sources = [_read(path, format_) for name in files for path in _below(name, format_)]
    formatted = [_formatted(source, format_) for source in sources]
    changed = [i for i, source in enumerate(sources) if formatted[i] != source.text]
    for i, (source, text) in enumerate(zip(sources, formatted, strict=True)):
        if diff and format_ == "text" and i in changed:
            lines = difflib.unified_diff(source.text.splitlines(True), text.splitlines(True), source.path, source.path)
            click.echo("".join(lines), nl=False)
        elif check and format_ == "text" and i in changed:
            click.echo(f"not formatted  {source.path}")
        elif not check and not diff:
            if source.path == "-":
                click.echo(text, nl=False)
            elif i in changed:
                write_file(source.path, text, format_)
    if format_ == "json":
        print_json({"changed": [sources[i].path for i in changed], "files": len(sources)})
    sys.exit(1 if changed and (check or diff) else 0)


def _below(name: str, format_: str) -> list[str]:
    """The policies below a folder, hidden folders left out and no link followed; of anything else the name itself."""
    if not os.path.isdir(name):
        return [name]
    found: list[str] = []
    for folder, folders, files in os.walk(name):
        folders[:] = [f for f in folders if not f.startswith(".")]
        found += [os.path.join(folder, f) for f in files if f.endswith(".policy")]
    if not found:
        fail_usage(f"there is no `.policy` file below `{name}`", format_)
    return sorted(found)


def _read(path: str, format_: str) -> Source:
    if path == "-":
        try:
            return Source("-", sys.stdin.buffer.read().decode("utf-8"))
        except UnicodeDecodeError:
            fail_usage("standard input is not valid UTF-8", format_)
    try:
        return read_source(path)
    except PolicyError as error:
        fail_policy(error, format_)


def _formatted(source: Source, format_: str) -> str:
    file = parse(source)
    if file.diagnostics:
        fail_policy(PolicyError(file.diagnostics), format_)
    return format_file(file)
