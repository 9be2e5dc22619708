"""`policy diff`: what a change newly permits, proved over every request."""

from __future__ import annotations

import os
import sys

import click

from .._version import __version__
from ..analysis.diff import KINDS, diff
from ..domain.errors import PolicyError
from ..policy import Policy
from ..report.differences import github_lines, markdown_diff, render_diff, row_text
from ..resolve.revisions import toplevel, tracked_files
from ..wire.analysis import diff_json, diff_sarif
from .common import LAYOUT, fail_policy, layout_of, print_json

FAILS = {"widened": ("widened",), "lowered": ("widened", "lowered", "unlogged"), "never": ()}


@click.command(name="diff")
@click.argument("old")
@click.argument("new")
@click.option(
    "--fail-on",
    type=click.Choice(["widened", "lowered", "any", "never"]),
    default="never",
    show_default=True,
    help="Exit 1 when there is such a difference; `lowered` includes `widened`.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "markdown", "json", "github", "sarif"]),
    default="text",
    show_default=True,
    help="How results are written.",
)
@LAYOUT
def command(old: str, new: str, fail_on: str, format_: str, **places: str | None) -> None:
    """Compare two policies, each a file or REV:FILE from git, over every request.

    \b
    policy diff main:agent.policy agent.policy
    policy diff --fail-on widened main:agent.policy agent.policy --format markdown

    Each difference shows a request that both policies were asked. Exits 0, or 1 as --fail-on says, 3 when something
    was undecided within limits, 2 for bad input.
    """
    layout = layout_of(places)
    first, second = load_side(old, format_), load_side(new, format_)
    top = toplevel(os.getcwd())
    files = tracked_files(top) if top is not None else ()
    found = diff(first.engine, second.engine, layout, files)
    names = (old, new)
    if format_ == "json":
        print_json(diff_json(found))
    elif format_ == "sarif":
        texts = [row_text(r) for r in found.rows]
        print_json(diff_sarif(found, __version__, texts))
    elif format_ == "github":
        for line in github_lines(found):
            click.echo(line)
    elif format_ == "markdown":
        click.echo(markdown_diff(found, names))
    else:
        click.echo(render_diff(found, names))
    failed = found.has(*FAILS[fail_on]) if fail_on != "any" else found.has(*KINDS, "changed", "lost")
    sys.exit(1 if failed else 3 if found.undecided else 0)


def load_side(name: str, format_: str) -> Policy:
    """A policy from a file, or from `REV:FILE`; leaves with 2 when it does not compile."""
    revision, colon, path = name.partition(":")
    try:
        if colon and path and not os.path.exists(name):
            return Policy.load_revision(revision, path)
        return Policy.load_for_testing(name)
    except PolicyError as error:
        fail_policy(error, "json" if format_ in {"json", "sarif"} else "text")
