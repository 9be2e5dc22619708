"""`policy prove`: claims about all requests, proved or refuted."""

from __future__ import annotations

import sys

import click

from ..analysis.prove import PROVED, REFUTED, UNDECIDED, VACUOUS, Proof, prove
from ..domain.wording import counted
from ..report.differences import render_proofs
from ..wire.analysis import proof_json
from .common import FORMAT, LAYOUT, layout_of, load_policy, print_json

EXITS = ((VACUOUS, 2), (REFUTED, 1), (UNDECIDED, 3))


@click.command(name="prove")
@click.argument("files", nargs=-1, required=True)
@LAYOUT
@FORMAT
def command(files: tuple[str, ...], format_: str, **places: str | None) -> None:
    """Prove the `prove` blocks of FILES, imports and ceilings included, over every request.

    A claim that does not hold is refuted by a request, with the rules that decide it. Exits 0 when everything is
    proved, 1 when something is refuted, 2 for a claim that is about no request at all, 3 when something is
    undecided within limits or there is nothing to prove.
    """
    layout = layout_of(places)
    proofs: list[Proof] = []
    for path in files:
        proofs += prove(load_policy(path, format_, testing=True).engine, layout)
    tally = {v: sum(p.verdict == v for p in proofs) for v in (PROVED, REFUTED, VACUOUS, UNDECIDED)}
    worst = next((v for v, _ in EXITS if tally[v]), PROVED)
    if format_ == "json":
        print_json({"proofs": [proof_json(p) for p in proofs], "verdict": worst if proofs else "nothing to prove"})
    elif proofs:
        click.echo(render_proofs(proofs))
        others = "".join(f", {n} {v}" for v, n in tally.items() if n and v != PROVED)
        click.echo(f"{counted(len(proofs), 'claim')}: {tally[PROVED]} proved{others}")
    else:
        click.echo("there is nothing to prove")
    sys.exit(next((code for v, code in EXITS if tally[v]), 0) if proofs else 3)
