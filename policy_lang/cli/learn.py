"""`policy learn`: the least policy that keeps what a log shows."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import click

from ..analysis.diff import Diff
from ..audit.verify import verify
from ..domain.errors import PolicyError
from ..domain.limits import limit
from ..policy import Policy
from ..records.learning.observe import granted
from ..records.learning.propose import Wishes
from ..records.learning.prove import Learned, learn
from ..records.source import Counted, lines
from ..report.learned import render_learned
from ..report.style import visible
from ..syntax.emit import UnsayableError
from .common import FORMAT, fail_policy, fail_usage, print_json, write_file
from .log import reading

_NAME = re.compile(r"[A-Za-z0-9._/-]{1,64}\Z")


@click.command(name="learn")
@click.argument("log")
@click.option("--against", metavar="POLICY", help="The policy in force: nothing beyond it is proposed.")
@click.option("--agent", metavar="NAME", help="Only from what this agent did.")
@click.option(
    "--evidence", type=click.IntRange(2, limit("learn_evidence")), default=5, show_default=True,
    help="Number of different values in one place that make a pattern.",
)  # fmt: skip
@click.option("--exact", is_flag=True, help="Generalise nothing.")
@click.option("--observed", is_flag=True, help="Also from what passed only because the policy was observed.")
@click.option("--without", multiple=True, metavar="LABEL", help="Leave this rule of std.baseline out.")
@click.option("--within", is_flag=True, help="Make --against the ceiling of the proposal, so that nothing exceeds it.")
@click.option("--name", default="learned", show_default=True, help="The policy's name.")
@click.option("--output", "-o", metavar="FILE", help="Write the policy there instead of to standard output.")
@click.option(
    "--workers", type=click.IntRange(1, limit("workers")), help="Processes that read; by default one for each core."
)
@FORMAT
def command(
    log: str, against: str | None, agent: str | None, evidence: int, exact: bool, observed: bool,
    without: tuple[str, ...], within: bool, name: str, output: str | None, workers: int | None, format_: str,
) -> None:  # fmt: skip
    """Propose a minimal, readable policy that keeps every allow and ask that LOG records.

    With --observed also what nothing granted, and what passed because the policy was only observed: read all of it.

    \b
    policy learn /var/lib/policy_lang/log --against web.policy -o learned.policy

    The proposal is replayed over the log, and compared with the policy in force over every request; both results are
    reported. Comments in it say what each rule rests on; `judge:` marks what goes beyond what was seen. What
    std.baseline denies is never granted. Exits 0 when both are proved, 1 when not, 2 for bad input, 3 when something
    was undecided.
    """
    if not _NAME.match(name):
        fail_usage(
            f"`{visible(name[:40])}` is not a valid name for a policy: letters, digits, `.`, `_`, `-` and `/`", format_
        )
    try:
        in_force = None if against is None else Policy.load_for_testing(against)
    except PolicyError as error:
        fail_policy(error, format_)

    if within and against is None:
        fail_usage("`--within` needs `--against POLICY`", format_)
    folder = os.path.dirname(os.path.abspath(output)) if output is not None else os.getcwd()

    def read() -> Iterator[Counted]:
        return granted(lines(log)) if observed else lines(log)

    with reading(format_):
        if os.path.isdir(log) and (fault := verify(log).fault):
            fail_usage(f"nothing is learned from a log that is not whole: {fault}", format_)
        ceiling = os.path.relpath(against, folder) if within and against is not None else ""
        never = 1 << 62
        wishes = Wishes(name, never if exact else evidence, without=without, within=ceiling)
        wishes = replace(wishes, urls=never) if exact else wishes
        try:
            found = learn(read, wishes, in_force, agent, workers or 0, folder)
        except PolicyError as error:
            if not without and not within:
                raise  # what is learned compiles
            fail_policy(error, format_)
        except UnsayableError as error:
            if not without and not within:
                raise  # what is learned can be said
            fail_usage(str(error), format_)
    if not found.observed.kept:
        fail_usage(f"`{log}` holds no decision that allowed or asked" + (f" for `{agent}`" if agent else ""), format_)
    if output is not None:
        write_file(output, found.draft.text, format_)
    if format_ == "json":
        print_json(_json(found))
    else:
        if output is None:
            click.echo(found.draft.text)
        click.echo(render_learned(found), err=output is None)
    sys.exit(_exit(found))


def _exit(found: Learned) -> int:
    if not found.kept or not found.narrow:
        return 1
    undecided = found.replayed.undecided or (found.difference is not None and found.difference.undecided)
    return 3 if undecided or found.observed.lost or found.draft.unsaid else 0


def _json(found: Learned) -> dict[str, Any]:
    difference = found.difference
    return {
        "policy": found.draft.text,
        "kept": found.kept,
        "narrow": found.narrow,
        "replayed": found.replayed.json(),
        "compared": None if difference is None else _compared(difference),
        "rules": [
            {
                "agents": list(r.agents), "actions": list(r.actions), "tier": r.tier or None,
                "methods": list(r.methods),
                "times": r.seen.count, "values": r.values, "sessions": len(r.seen.sessions), "last": r.seen.last,
                "patterns": [{"text": t, "values": s.values, "judge": s.judge} for t, s in r.shapes.items()],
            }
            for r in found.draft.rules
        ],
        "not_learned": [
            {"agent": a, "action": x, "why": why, "times": n} for (a, x, why), n in sorted(found.observed.lost.items())
        ],
    }  # fmt: skip


def _compared(difference: Diff) -> dict[str, int]:
    beyond = sum(r.kind in {"widened", "lowered"} for r in difference.rows)
    return {"beyond": beyond, "undecided": len(difference.undecided)}
