"""`policy log`: read the decision log."""

from __future__ import annotations

import csv
import io
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from ..audit.anchor import AnchorError, heads
from ..audit.read import LogReadError, log_files
from ..audit.sign import SignError, checker
from ..audit.verify import NotedHead, Verified, verify
from ..domain import strict_json
from ..domain.faults import reason_of
from ..domain.files import writer
from ..records.follow import Follower
from ..records.ocsf import ocsf_events
from ..records.row import Row, number, row, text
from ..records.select import Selection, SelectionError, instant
from ..records.source import database, duckdb, every_record, write_parquet
from ..records.stats import counted
from ..records.story import story, story_json
from ..report.records import (
    COLUMNS,
    csv_row,
    render_record,
    render_stats,
    render_story,
    render_verified,
    table_head,
    table_line,
)
from ..report.style import visible
from .common import FORMAT, fail_usage, print_json

Function = TypeVar("Function", bound=Callable[..., Any])
_PAUSE = 0.5
"""Seconds between two looks at a log that is followed."""
_UNANCHORED = 5
"""The exit code for a log of which nobody can say whether it ends where it did."""


@click.group(name="log")
def command() -> None:
    """Read the decision log: verify, search, follow and export it, and show sessions step by step."""


def SELECTION(function: Function) -> Function:  # noqa: N802 (used as a decorator beside FORMAT)
    """The options that select decisions."""
    options = [
        click.option("--agent", default="", help="Only decisions about this agent."),
        click.option("--session", default="", help="Only those of this session."),
        click.option("--action", default="", help="Only those with this action, of a command as well."),
        click.option("--effect", type=click.Choice(["allow", "ask", "deny"]), help="Only decisions with this effect."),
        click.option("--rule", default="", metavar="RULE", help="Only those decided by this rule: ID or FILE:LINE."),
        click.option("--resource", default="", metavar="TEXT", help="Only those with this text in a resource."),
        click.option("--call", default="", metavar="ID", help="Only those of this call, prompt, turn, task or trace."),
        click.option(
            "--since", default="", metavar="TIME", help="Only from then on: 2026-11-21T09:00Z (UTC), or 36h ago."
        ),
        click.option("--until", default="", metavar="TIME", help="Only before then."),
        click.option("--would", is_flag=True, help="Only what passed because the policy is only observed."),
    ]
    for option in reversed(options):
        function = option(function)
    return function


def selection(given: dict[str, Any], format_: str = "text") -> Selection:
    """The selection of the options; leaves with 2 for a time that is none."""
    names = ("agent", "session", "action", "rule", "effect", "resource", "call")
    try:
        since, until = instant(given["since"]), instant(given["until"])
    except SelectionError as error:
        fail_usage(str(error), format_)
    return Selection(**{n: given[n] or "" for n in names}, since=since, until=until, would=given["would"])


@contextmanager
def reading(format_: str = "text") -> Iterator[None]:
    """Leaves with 2 when a log cannot be read."""
    try:
        yield
    except (AnchorError, LogReadError, SignError) as error:
        fail_usage(str(error), format_)


_LOG = click.argument("log")
_ROWS = click.option(
    "--format", "format_", type=click.Choice(["text", "json", "csv"]), default="text", show_default=True,
    help="A table, a record a line, or comma-separated values.",
)  # fmt: skip


@command.command(name="verify", short_help="Verify hash chain, sequence and signatures")
@_LOG
@click.option("--public-key", "keys", multiple=True, metavar="FILE", help="A key that checkpoints are signed with.")
@click.option("--anchor", "anchors", multiple=True, metavar="FILE", help="Heads that were anchored elsewhere.")
@click.option("--head", metavar="SEQ:DIGEST", help="A record that was noted elsewhere and must be there.")
@FORMAT
def verify_command(log: str, keys: tuple[str, ...], anchors: tuple[str, ...], head: str | None, format_: str) -> None:
    """Verify LOG: hash chain, sequence, signatures.

    A chain alone shows edits, gaps and reordering; that the end was not cut off, or everything written anew, shows
    the signature (--public-key), or what was noted elsewhere: an anchor's heads, or lines of the system's log that
    hold them (--anchor), or one record's number and digest (--head).

    Exits 0 when it is whole, 1 when it is broken, naming the first bad record, and 5 when it is unanchored: the chain
    holds, but `head` is missing, and nothing else vouches for where it ends.
    """
    noted = []
    if head is not None:
        seq, _, digest = head.partition(":")
        if not seq.isascii() or not seq.isdigit() or len(seq) > 18 or len(digest) != 64:
            fail_usage("`--head` takes a number and a digest: `120:9f86d0...`, as `policy log verify` prints", format_)
        noted.append(NotedHead(int(seq), digest.lower(), "`--head`"))
    with reading(format_):
        for anchor in anchors:
            noted += heads(anchor)
        found = verify(log, checker(*keys) if keys else None, noted)
    if format_ == "json":
        print_json(_verified_json(found))
    else:
        click.echo(render_verified(found, log))
    sys.exit(1 if found.fault else 0 if found.whole else _UNANCHORED)


def _verified_json(found: Verified) -> dict[str, Any]:
    return {
        "whole": found.whole, "fault": found.fault or None, "anchored": found.anchored or None,
        "anchor": found.anchor or None, "head": not found.headless, "files": found.files, "records": found.records,
        "first": found.first, "last": found.last, "digest": found.digest, "log": found.log,
        "signed": found.signed, "checkpoints": found.checkpoints, "notes": found.notes,
    }  # fmt: skip


@command.command(name="show", short_help="Explain one decision")
@_LOG
@click.argument("which")
@FORMAT
def show(log: str, which: str, format_: str) -> None:
    """Explain one decision of LOG.

    WHICH is a record's number, a decision's id (its beginning will do), or a tool call's id.
    """
    with reading(format_):
        found = [row(r) for r in every_record(log) if r.get("kind") == "decision" and _is(r, which)]
    if not found:
        fail_usage(f"no decision in the log is `{visible(which[:64])}`; `policy log query` lists them", format_)
    if format_ == "json":
        print_json([r.record for r in found] if len(found) > 1 else found[0].record)
    else:
        click.echo("\n\n".join(map(render_record, found)))


_LEAST_ID = 6


def _is(record: dict[str, Any], which: str) -> bool:
    if which.isascii() and which.isdigit() and number(record.get("seq")) == int(which[:18]):
        return True
    if len(which) >= _LEAST_ID and text(record.get("id")).startswith(which):
        return True
    request = record.get("request")
    origin = request.get("origin") if isinstance(request, dict) else None
    return isinstance(origin, dict) and which in {origin.get("call"), origin.get("prompt"), origin.get("turn")}


@command.command(name="query", short_help="Find decisions")
@_LOG
@SELECTION
@click.option("--limit", "most", type=click.IntRange(min=1), metavar="N", help="At most N, the latest.")
@_ROWS
def query(log: str, most: int | None, format_: str, **given: Any) -> None:
    """List matching decisions of LOG.

    \b
    policy log query LOG --effect deny --since 24h
    policy log query LOG --agent codex-web --action push --format csv

    Exits 0 when there are some, 1 when there are none.
    """
    chosen = selection(given)
    with reading():
        rows: Iterable[Row] = chosen.rows(every_record(log))
        if most is not None:
            rows = deque(rows, maxlen=most)
        sys.exit(0 if _print_rows(rows, format_) else 1)


def _print_rows(rows: Iterable[Row], format_: str, head: bool = True) -> int:
    count = 0
    if format_ == "csv" and head:
        click.echo(",".join(COLUMNS))
    for one in rows:
        if format_ == "text" and not count and head:
            click.echo(table_head())
        count += 1
        if format_ == "json":
            click.echo(strict_json.dump(one.record))
        elif format_ == "csv":
            line = io.StringIO()
            csv.writer(line, lineterminator="").writerow(csv_row(one))
            click.echo(line.getvalue())
        else:
            click.echo(table_line(one))
    if not count and format_ == "text" and head:
        click.echo("no such decision")
    return count


@command.command(name="tail", short_help="Show the latest decisions, and follow")
@_LOG
@SELECTION
@click.option(
    "--limit",
    "most",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    metavar="N",
    help="The N latest to begin with.",
)
@click.option("--follow", "-f", is_flag=True, help="Go on with what is recorded from now on, until interrupted.")
@_ROWS
def tail(log: str, most: int, follow: bool, format_: str, **given: Any) -> None:
    """Show the latest decisions of LOG, and with --follow those to come."""
    chosen = selection(given)
    with reading():
        follower = Follower(log)
        _print_rows(deque(chosen.rows(follower.records()), maxlen=most), format_)
        while follow:
            sys.stdout.flush()
            time.sleep(_PAUSE)
            _print_rows(chosen.rows(follower.records()), format_, head=False)


@command.command(name="stats", short_help="Count decisions by rule, agent and resource")
@_LOG
@SELECTION
@FORMAT
def stats(log: str, format_: str, **given: Any) -> None:
    """Count the decisions of LOG by effect, agent, resource and rule.

    With --would what would have been stopped, had the policy been enforced: by agent, action and rule, as asks and
    denials.
    """
    chosen = selection(given, format_)
    with reading(format_):
        rows = chosen.rows(every_record(log))
        found = counted(one.as_said() for one in rows) if chosen.would else counted(rows)
    if format_ == "json":
        print_json(found.json())
    else:
        click.echo(render_stats(found))


@command.command(name="story", short_help="Show a session step by step")
@_LOG
@click.argument("session", required=False)
@FORMAT
def story_command(log: str, session: str | None, format_: str) -> None:
    """Show one SESSION of LOG step by step: instructions, requests, decisions and their reasons.

    Without SESSION the last one.
    """
    with reading(format_):
        if session is None:
            for one in Selection().rows(every_record(log)):
                session = one.session or session
        found = story(every_record(log), session or "")
    if format_ == "json":
        print_json(story_json(found))
    else:
        click.echo(render_story(found))
    sys.exit(0 if found.decisions else 1)


@command.command(name="sql", short_help="Query a log with SQL")
@_LOG
@click.argument("statement")
@_ROWS
def sql(log: str, statement: str, format_: str) -> None:
    """Query LOG with SQL (DuckDB): the view `decisions` has a row for each.

    \b
    policy log sql LOG "select effect, count(*) from decisions group by all"

    Its columns are time, seq, id, agent, session, client, action, resource, effect, tiers, rules, reason, micros,
    policy, would, times and record (the JSON). The statement reads this log and no other file.
    """
    with reading():
        module = duckdb()
        try:
            parsed = module.extract_statements(statement)
            if len(parsed) != 1 or parsed[0].type != module.StatementType.SELECT:
                fail_usage("the log is only read: write one `select`")
            cursor = database(log).execute(statement)
            names = [d[0] for d in cursor.description or ()]
            rows = cursor.fetchall()
        except module.Error as error:
            fail_usage(f"the statement fails: {visible(str(error).splitlines()[0])}")
    if format_ == "json":
        for values in rows:
            click.echo(strict_json.dump(dict(zip(names, map(_plain, values), strict=True))))
        return
    cells = [[visible(_shown(v)) for v in values] for values in rows]
    if format_ == "csv":
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerows([names, *cells])
        click.echo(line.getvalue(), nl=False)
        return
    widths = [min(60, max([len(n), *(len(c[i]) for c in cells)])) for i, n in enumerate(names)]
    for values in (names, *cells):
        click.echo("  ".join(f"{v[:60]:<{w}}" for v, w in zip(values, widths, strict=True)).rstrip())


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, (str, int, bool, list)) else str(value)


def _shown(value: object) -> str:
    return "" if value is None else " ".join(map(str, value)) if isinstance(value, list) else str(value)


@command.command(name="export", short_help="Write decisions to a file")
@_LOG
@SELECTION
@click.option(
    "--format", "format_", type=click.Choice(["ocsf", "parquet"]), default="ocsf", show_default=True,
    help="OCSF 1.9 events, one a line; or Parquet, for `policy replay` and other tools.",
)  # fmt: skip
@click.option("--output", "-o", metavar="FILE", help="Write there instead of to standard output.")
@click.option("--distinct", is_flag=True, help="Parquet: each question once, with how often it was asked.")
def export(log: str, format_: str, output: str | None, distinct: bool, **given: Any) -> None:
    """Write the decisions of LOG in a form that other programs know."""
    chosen = selection(given)
    if format_ == "parquet" and output is None:
        fail_usage("Parquet is not text: name a file with `--output FILE`")
    if distinct and format_ != "parquet":
        fail_usage("`--distinct` goes with `--format parquet`")
    with reading():
        if format_ == "parquet":
            assert output is not None
            rows = write_parquet((r.record for r in chosen.rows(every_record(log))), output, distinct)
            click.echo(f"{visible(output)}: {rows} rows", err=True)
            return
        kept = (r for r in every_record(log) if r["kind"] == "segment" or chosen.meant(r))
        lines = (strict_json.dump(event) + b"\n" for event in ocsf_events(kept))
        if output is None:
            sys.stdout.buffer.writelines(lines)
            sys.stdout.buffer.flush()
            return
        try:
            with writer(output, mode=None, durable=False) as stream:
                stream.writelines(lines)
        except OSError as error:
            fail_usage(f"`{visible(output)}` cannot be written: {reason_of(error)}")


@command.command(name="ship", short_help="Send decisions to a collector")
@_LOG
@click.option("--otlp", metavar="URL", help="The collector (OTLP over HTTP); default is $OTEL_EXPORTER_OTLP_ENDPOINT.")
@click.option("--state", metavar="FILE", help="Where to remember what was sent; by default beside the log.")
@click.option("--once", is_flag=True, help="Stop when everything that is there was sent.")
def ship(log: str, otlp: str | None, state: str | None, once: bool) -> None:
    """Send LOG to an OpenTelemetry collector as it grows: each decision as a log record, and counts as metrics.

    It is a process of its own that reads the log, so nothing that the collector does holds up a decision. It goes
    on where it stopped; what the collector refuses for good is counted and left out. Headers and the rest are
    OpenTelemetry's own: $OTEL_EXPORTER_OTLP_HEADERS, $OTEL_RESOURCE_ATTRIBUTES, $OTEL_SERVICE_NAME.
    """
    try:
        from ..records.otel import Shipper
    except ImportError:
        fail_usage('telemetry needs packages more: `pip install "policy-lang[otel]"`')
    with reading():
        log_files(log)
        place = state or os.path.join(os.path.abspath(log), "shipped")
        shipper = Shipper(log, otlp, place, lambda words: click.echo(visible(words), err=True))
        sys.exit(shipper.run(once))
