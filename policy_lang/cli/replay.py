"""`policy replay`: which past decisions another policy would decide otherwise."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import click

from ..domain.errors import PolicyError
from ..domain.limits import limit
from ..records.replay import CHANGES, Replayed, portable, replay
from ..records.source import Counted, lines, size
from ..report.replays import render_replay
from .common import FORMAT, fail_policy, fail_usage, print_json
from .log import reading

_FAIL = (*CHANGES, "undecided")


@click.command(name="replay")
@click.argument("log")
@click.option("--policy", required=True, metavar="NEW", help="The policy to try.")
@click.option("--against", metavar="OLD", help="Compare with what this policy says, not with what was recorded.")
@click.option(
    "--fail-on", default="denied,allowed", show_default=True, metavar="KINDS",
    help="Exit 1 for these changes: denied, allowed, opened, trusted, asked, tiers; 3 for undecided; or `none`.",
)  # fmt: skip
@click.option(
    "--workers", type=click.IntRange(1, limit("workers")), help="Processes that decide; by default one for each core."
)
@click.option("--ray", is_flag=True, help="As a Ray Data job, on the cluster of $RAY_ADDRESS or on this machine.")
@FORMAT
def command(
    log: str, policy: str, against: str | None, fail_on: str, workers: int | None, ray: bool, format_: str
) -> None:
    """Decide what LOG records once more, by the policy NEW, and show what would change.

    \b
    policy replay /var/lib/policy_lang/log --policy web.policy
    policy replay log.parquet --policy new.policy --against old.policy

    LOG is a log's folder, a file of records (.jsonl, .jsonl.gz), or what `policy log export --format parquet` wrote.
    Changes: `denied` was allowed or asked; `allowed` was denied; `opened` was denied and would be asked; `trusted`
    was asked and would be allowed; `asked` was allowed; `tiers` asks others. Exits 0 when nothing of --fail-on
    changes, 1 when something does, 2 for bad input, 3 when something is undecided and --fail-on says so.
    """
    wanted = _kinds(fail_on, format_)
    try:
        new = portable(policy)
        old = None if against is None else portable(against)
    except PolicyError as error:
        fail_policy(error, format_)
    with reading(format_):
        if ray:
            from ..records.cluster import replay_on_ray

            found = replay_on_ray(log, new, old)
        else:
            found = _local(log, new, old, workers or 0, format_ == "text")
    if not found.total:
        fail_usage(f"`{log}` holds no decision", format_)
    if format_ == "json":
        print_json(found.json())
    else:
        click.echo(render_replay(found))
    failed = any(found.changed[k] for k in wanted if k in CHANGES)
    sys.exit(1 if failed else 3 if "undecided" in wanted and found.undecided else 0)


def _kinds(text: str, format_: str) -> tuple[str, ...]:
    kinds = tuple(k.strip() for k in text.split(",") if k.strip())
    if kinds == ("none",):
        return ()
    if kinds == ("any",):
        return _FAIL
    for kind in kinds:
        if kind not in _FAIL:
            fail_usage(f"`{kind[:40]}` is not a valid change: write {', '.join(_FAIL)}, any or none", format_)
    return kinds


def _local(log: str, new: bytes, old: bytes | None, workers: int, text: bool) -> Replayed:
    found = Replayed()
    length = size(log)
    show = text and length > 0 and sys.stderr.isatty()
    with click.progressbar(length=max(length, 1), label="replaying", hidden=not show, file=sys.stderr) as bar:
        for part in replay(_watched(lines(log), bar), new, old, workers):
            found.merge(part)
    return found


def _watched(found: Iterator[Counted], bar: Any) -> Iterator[Counted]:
    waiting = 0
    for number, line in enumerate(found):
        waiting += len(line[0]) + 1
        if not number % 1000:
            bar.update(waiting)
            waiting = 0
        yield line
    bar.update(waiting)
