"""`policy explain`: a decision, and what every candidate rule said."""

from __future__ import annotations

import sys
from typing import Any

import click

from .check import EXITS
from .common import FORMAT, build_request, load_policy, print_json, request_options


@click.command(name="explain")
@click.argument("policy")
@click.argument("action")
@click.argument("resource", nargs=-1, required=True)
@request_options
@FORMAT
def command(policy: str, action: str, resource: tuple[str, ...], **options: Any) -> None:
    """Explain what POLICY says about ACTION on RESOURCE: each rule, whether it holds, and why.

    It is asked as `policy check` does, and exits so; the last line says what was taken from the place.
    """
    loaded = load_policy(policy, options["format_"])
    request, taken = build_request(loaded, action, resource, options)
    explanation = loaded.explain(request)
    if options["format_"] == "json":
        from ..wire.decisions import explanation_json, nearest_json

        near = nearest_json(loaded.engine, request, explanation.decision)
        print_json({**explanation_json(explanation), **near})
    else:
        from ..report.decisions import asked_from, render_explanation

        ways: list[str] = []
        if explanation.decision.effect != "allow":
            from ..report.ways import ways_on

            ways = ways_on(loaded, request, explanation.decision)
        click.echo(render_explanation(request, explanation, ways))
        if taken:
            click.echo(asked_from(request, taken))
    sys.exit(EXITS[explanation.decision.effect])
