"""`policy rule CODE`: the page of an error code or of a rule of the linter."""

from __future__ import annotations

import click

from .common import FORMAT, fail_usage, print_json


@click.command(name="rule")
@click.argument("code", required=False)
@FORMAT
def command(code: str | None, format_: str) -> None:
    """Explain CODE: an error's, such as PLE401, or a lint rule's, such as PTH006. Without CODE, list them all."""
    from ..domain.codes import PAGES

    page = None if code is None else PAGES.get(code.upper())
    if page is None:
        _rule(code, format_)
    elif format_ == "json":
        print_json({"code": page.code, "title": page.title, "why": page.why, "bad": page.bad, "good": page.good})
    else:
        click.echo(page.text())


def _rule(code: str | None, format_: str) -> None:
    """The page of a rule of the linter, or the list of everything that has a page."""
    from dataclasses import asdict

    from ..domain.codes import PAGES
    from ..domain.suggest import suggest
    from ..lint.registry import checks

    titles = {p.code: p.title for p in PAGES.values()} | {c.code: c.name for c in checks().values()}
    if code is None:
        if format_ == "json":
            print_json([{"code": c, "title": t} for c, t in titles.items()])
        else:
            click.echo("\n".join(f"{c}  {t}" for c, t in titles.items()))
        return
    check = checks().get(code.upper())
    if check is None:
        fail_usage(f"there is no code `{code[:40]}` ({suggest(code.upper(), titles)})", format_)
    if format_ == "json":
        shown = asdict(check) | {"possible": check.function is not None, "mend": check.remediation}
        print_json({k: v for k, v in shown.items() if k not in {"function", "remediation"}})
    else:
        click.echo(check.page())
