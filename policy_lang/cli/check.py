"""`policy check`: decide one request, or a recorded session."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import click

from ..domain.faults import reason_of
from .common import FORMAT, build_request, fail_usage, load_policy, moment, print_json, request_options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..policy import Policy

EXITS = {"allow": 0, "deny": 1, "ask": 3}


@click.command(name="check", context_settings={"ignore_unknown_options": False})
@click.argument("policy")
@click.argument("action", required=False)
@click.argument("resource", nargs=-1)
@click.option("--requests", metavar="FILE", help="Decide every request of a JSONL file; `-` is standard input.")
@request_options
@FORMAT
def command(policy: str, action: str | None, resource: tuple[str, ...], requests: str | None, **options: Any) -> None:
    """Ask POLICY whether ACTION on RESOURCE is allowed.

    \b
    policy check web.policy write src/app.ts --agent codex-web
    policy check web.policy run -- git push --force
    policy check web.policy --requests session.jsonl

    It is asked as a client's hook asks it in this folder: the workspace is the top of the repository around it, and
    commands come with its branch, its remotes and where a plain push goes. Options win; with --bare nothing is taken.

    Exits 0 for allow, 1 for deny, 3 when approval is needed, 2 for bad input. With --requests each line is asked as it
    stands; it exits 0 when every line was decided, and 2 when one was not a valid request.
    """
    format_ = options["format_"]
    if requests is not None:
        if action is not None:
            fail_usage("give either ACTION and RESOURCE, or --requests", format_)
        sys.exit(_RequestFile(load_policy(policy, format_), policy, format_, moment(options["now"])).run(requests))
    if action is None or not resource:
        fail_usage("ACTION and RESOURCE are missing; or name a file with --requests", format_)
    loaded = load_policy(policy, format_)
    request, _ = build_request(loaded, action, resource, options)
    decision = loaded.decide_request(request)
    if format_ == "json":
        from ..domain.serialize import decision_json
        from ..wire.decisions import nearest_json

        near = nearest_json(loaded.engine, request, decision)
        print_json({**decision_json(decision), **near}, compact=True)
    else:
        from ..report.decisions import render_decision

        ways: list[str] = []
        if decision.effect != "allow":
            from ..report.ways import ways_on

            ways = ways_on(loaded, request, decision)
        click.echo(render_decision(request, decision, ways))
    sys.exit(EXITS[decision.effect])


@contextmanager
def _opened(name: str, format_: str) -> Iterator[tuple[BinaryIO, int]]:
    if name == "-":
        yield sys.stdin.buffer, 0
        return
    try:
        stream = open(name, "rb")  # noqa: SIM115 (closed below, in every case)
    except OSError as error:
        fail_usage(f"`{name}` cannot be opened: {reason_of(error)}", format_)
    with stream:
        yield stream, os.fstat(stream.fileno()).st_size


class _RequestFile:
    """Decides a file of requests, one line at a time."""

    def __init__(self, policy: Policy, path: str, format_: str, now: float | None) -> None:
        self.policy, self.path, self.format, self.now = policy, path, format_, now
        from ..report.decisions import SessionReport

        self.report = SessionReport()

    def run(self, name: str) -> int:
        """The exit code: 0 when every line was decided, else 2."""
        from ..domain.errors import RequestError
        from ..wire.requests import read_lines

        with _opened(name, self.format) as (stream, size):
            show = self.format == "text" and size > 0 and sys.stdout.isatty()
            with click.progressbar(length=max(size, 1), label="deciding", hidden=not show, file=sys.stderr) as bar:
                try:
                    for number, line in read_lines(stream):
                        self._one(number, line)
                        bar.update(len(line) + 1)
                except RequestError as error:
                    fail_usage(str(error), self.format)
                except OSError as error:
                    fail_usage(f"`{name}` cannot be read: {reason_of(error)}", self.format)
        if not self.report.effects and not self.report.errors:
            fail_usage(f"`{name}` has no requests", self.format)
        if self.format == "text":
            click.echo(self.report.render(self.path, self.policy.digest))
        return 2 if self.report.errors else 0

    def _one(self, number: int, line: bytes) -> None:
        from ..domain.errors import RequestError
        from ..domain.record import replace
        from ..domain.serialize import decision_json
        from ..wire.decisions import error_json
        from ..wire.requests import parse_request

        try:
            request = replace(parse_request(line), now=self.now)
        except RequestError as error:
            self.report.refuse(number, error)
            if self.format == "json":
                print_json(error_json(error, number), compact=True)
            return
        decision = self.policy.decide_request(request)
        if self.format == "json":
            self.report.effects[decision.effect] += 1
            print_json(decision_json(decision, request.id), compact=True)
        else:
            self.report.add(number, request, decision)
