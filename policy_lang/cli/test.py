"""`policy test`: run the tests that stand in policy files."""

from __future__ import annotations

import os
import sys

import click

from ..analysis.facts import Fact, rule_facts
from ..domain.wording import counted
from ..policy import Policy
from ..report.answers import fact_text
from ..report.style import colour, visible
from ..testing import CaseResult, TestReport, run_tests
from ..wire.analysis import fact_json
from .common import FORMAT, load_policy, print_json


@click.command(name="test")
@click.argument("files", nargs=-1, required=True)
@click.option(
    "--min-coverage",
    type=click.IntRange(0, 100),
    default=0,
    metavar="PERCENT",
    help="Fail when fewer of a file's own rules decide at least one case.",
)
@click.option("--facts", is_flag=True, help="List the files' own rules that do nothing, proved for every request.")
@FORMAT
def command(files: tuple[str, ...], min_coverage: int, facts: bool, format_: str) -> None:
    """Run the tests in FILES, and list the rules that no test exercises.

    Exits 0 when all hold, 1 when one fails, a file has no tests, or coverage is too low.
    """
    failed = False
    out: list[dict[str, object]] = []
    for path in files:
        loaded = load_policy(path, format_, testing=True)
        report = run_tests(loaded)
        own = own_facts(loaded) if facts else []
        enough = report.coverage * 100 >= min_coverage
        failed = failed or bool(report.failures) or not report.results or not enough
        if format_ == "json":
            found = {"facts": [fact_json(f) for f in own]} if facts else {}
            out.append({**_json(path, report), **found})
        else:
            for fact in own:
                click.echo(f"{colour(fact.kind, 'warning')}  {fact_text(fact)}")
            _text(path, report, enough, min_coverage)
    if format_ == "json":
        print_json({"files": out, "passed": not failed})
    sys.exit(1 if failed else 0)


def own_facts(policy: Policy) -> list[Fact]:
    """The facts about the rules of a policy's own files, not of the library's."""
    sources = policy.policy_set.sources
    return rule_facts(policy.engine, None, lambda r: os.path.abspath(r.file) in sources).found


def _text(path: str, report: TestReport, enough: bool, wanted: int) -> None:
    for result in report.failures:
        click.echo(_failure(result))
    for rule, file, line in report.unexercised:
        click.echo(f"{colour('no test', 'warning')}  {visible(file)}:{line}  {visible(rule)}")
    passed = len(report.results) - len(report.failures)
    if not report.results:
        click.echo(f"{colour('failed', 'error')}  {visible(path)}: it has no tests")
        return
    word = colour("failed", "error") if report.failures or not enough else colour("ok", "allow")
    click.echo(
        f"{word}  {visible(path)}: {passed} passed, {len(report.failures)} failed, "
        f"{counted(report.rules, 'rule')}, {report.coverage:.0%} of them exercised"
        + ("" if enough else f" (wanted {wanted} %)")
    )


def _failure(result: CaseResult) -> str:
    span = result.case.span
    line, column = span.source.position(span.start)
    shown = visible(result.case.resource) if result.case.resource is not None else "opaque"
    lines = [
        f"{colour('failed', 'error')}  {visible(span.source.path)}:{line}:{column}  {visible(result.test.name)}",
        f"        {result.case.action} {shown}: expected {result.wanted}, got {result.got}",
    ]
    lines += [f"        {visible(reason)}" for reason in result.decision.reasons[:3]]
    return "\n".join(lines)


def _json(path: str, report: TestReport) -> dict[str, object]:
    return {
        "file": path,
        "passed": len(report.results) - len(report.failures),
        "failed": [
            {
                "test": r.test.name,
                "line": r.case.span.line,
                "action": r.case.action,
                "resource": r.case.resource,
                "expected": r.wanted,
                "got": r.got,
                "reasons": list(r.decision.reasons),
            }
            for r in report.failures
        ],
        "rules": report.rules,
        "coverage": round(report.coverage, 4),
        "unexercised": [{"id": i, "file": f, "line": n} for i, f, n in report.unexercised],
    }
