"""`policy rule CODE`: the page of an error code."""

from __future__ import annotations

import sys

import click

from ..domain.codes import PAGES
from ..domain.suggest import suggest
from .common import FORMAT, fail_usage, print_json


@click.command(name="rule")
@click.argument("code", required=False)
@FORMAT
def command(code: str | None, format_: str) -> None:
    """Explain CODE: what it means, an example, and how to mend it. Without CODE, list them all."""
    if code is None:
        if format_ == "json":
            print_json([{"code": p.code, "title": p.title} for p in PAGES.values()])
        else:
            click.echo("\n".join(f"{p.code}  {p.title}" for p in PAGES.values()))
        sys.exit(0)
    page = PAGES.get(code.upper())
    if page is None:
        fail_usage(f"there is no code `{code[:40]}` ({suggest(code.upper(), PAGES)})", format_)
    if format_ == "json":
        print_json({"code": page.code, "title": page.title, "why": page.why, "bad": page.bad, "good": page.good})
    else:
        click.echo(page.text())
