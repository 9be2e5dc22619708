"""`policy rule CODE`: the page of an error code or of a rule of the linter."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click

from ..domain.codes import PAGES
from ..domain.suggest import suggest
from ..lint.registry import checks
from .common import FORMAT, fail_usage, print_json


@click.command(name="rule")
@click.argument("code", required=False)
@FORMAT
def command(code: str | None, format_: str) -> None:
    """Explain CODE: an error's, such as PLE401, or a lint rule's, such as PTH006. Without CODE, list them all."""
    titles = {p.code: p.title for p in PAGES.values()} | {c.code: c.name for c in checks().values()}
    if code is None:
        if format_ == "json":
            print_json([{"code": c, "title": t} for c, t in titles.items()])
        else:
            click.echo("\n".join(f"{c}  {t}" for c, t in titles.items()))
        sys.exit(0)
    name = code.upper()
    if name in checks():
        check = checks()[name]
        if format_ == "json":
            shown = asdict(check) | {"possible": check.function is not None, "mend": check.remediation}
            print_json({k: v for k, v in shown.items() if k not in {"function", "remediation"}})
        else:
            click.echo(check.page())
        sys.exit(0)
    page = PAGES.get(name)
    if page is None:
        fail_usage(f"there is no code `{code[:40]}` ({suggest(name, titles)})", format_)
    if format_ == "json":
        print_json({"code": page.code, "title": page.title, "why": page.why, "bad": page.bad, "good": page.good})
    else:
        click.echo(page.text())
