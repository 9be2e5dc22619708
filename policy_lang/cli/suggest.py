"""`policy suggest`: from stops to rules, which a person accepts one by one."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from itertools import chain
from typing import Any, NoReturn

import click

from ..audit.verify import verify
from ..domain.errors import PolicyError
from ..domain.limits import limit
from ..domain.wording import counted
from ..lint.config import LintConfigError, find_config, read_config
from ..lint.linter import Options
from ..records.cores import spread
from ..records.row import row
from ..records.source import Counted, lines
from ..records.suggesting.group import Refused
from ..records.suggesting.stops import KINDS, Stop, Stops, finder
from ..records.suggesting.suggest import Proposal, Suggested, Suggester, SuggestError
from ..report.style import visible
from ..report.suggested import place_text, render_suggested
from ..wire.analysis import witness_json
from .accepting import accept_at_terminal
from .common import FORMAT, fail_policy, fail_usage, print_json, write_file
from .log import reading


@click.command(name="suggest")
@click.argument("logs", nargs=-1, required=True, metavar="LOG...")
@click.option("--policy", "path", default="agent.policy", show_default=True, metavar="FILE", help="The policy.")
@click.option("--agent", metavar="NAME", help="Only from what this agent was denied or asked about.")
@click.option(
    "--kind", "kinds", type=click.Choice(KINDS), multiple=True,
    help="Only what was denied, asked about, or would have been where the policy is only observed.",
)  # fmt: skip
@click.option(
    "--at-least", type=click.IntRange(1), default=1, show_default=True, metavar="N",
    help="Only what was stopped so often.",
)  # fmt: skip
@click.option(
    "--evidence", type=click.IntRange(2, limit("learn_evidence")), default=3, show_default=True,
    help="Number of different values in one place that make a pattern.",
)  # fmt: skip
@click.option("--exact", is_flag=True, help="Generalise nothing.")
@click.option("--no-lint", is_flag=True, help="Leave the linter's view out: it takes some seconds.")
@click.option("--review", is_flag=True, help="Ask about each at this terminal, and write what is accepted.")
@click.option("--accept", "accepted", multiple=True, metavar="ID", help="Write this proposal into the policy.")
@FORMAT
def command(
    logs: tuple[str, ...], path: str, agent: str | None, kinds: tuple[str, ...], at_least: int, evidence: int,
    exact: bool, no_lint: bool, review: bool, accepted: tuple[str, ...], format_: str,
) -> None:  # fmt: skip
    """Propose the least rules that would have let pass what LOG shows as denied or asked.

    \b
    policy suggest /var/lib/policy_lang/log
    policy suggest LOG --review
    policy suggest LOG --agent codex --kind deny --accept 1f0c9a2e

    Each proposal says what it would have let pass, how often, what else it permits, what the linter finds in it, and
    how the policy changes, with tests. What a rule denies, what could not be read, and what a secret was taken out of
    is never proposed. Nothing is written without --review or --accept. Exits 0, 1 when a proposal cannot be accepted,
    2 for bad input.
    """
    if review and not (sys.stdin.isatty() and sys.stdout.isatty()):
        fail_usage("`--review` asks a person, and there is no terminal; `--accept ID` names what is accepted", format_)
    if review and (accepted or format_ == "json"):
        fail_usage("`--review` goes neither with `--accept` nor with `--format json`", format_)
    with reading(format_):
        stops = _stops(logs, kinds or KINDS, agent, format_)
        try:
            suggester = Suggester(path, 1 << 62 if exact else evidence)
            options = None if no_lint or accepted else lint_options(path, format_)
            if review:
                _review(suggester, stops, at_least, options)
            found = suggester.suggest(stops, at_least)
            if options is not None:
                suggester.lint(found, options)
        except PolicyError as error:
            fail_policy(error, format_)
        except SuggestError as error:
            fail_usage(str(error), format_)
    if accepted:
        _accept(suggester, found, stops, accepted, at_least, format_)
    elif format_ == "json":
        print_json(_json(found, stops))
    else:
        click.echo(render_suggested(found, stops))
    sys.exit(0)


def _stops(logs: tuple[str, ...], kinds: tuple[str, ...], agent: str | None, format_: str) -> Stops:
    for log in logs:
        if os.path.isdir(log) and (fault := verify(log).fault):
            fail_usage(f"nothing is proposed from a log that is not whole: {fault}", format_)
    found = Stops()
    read: Iterator[Counted] = chain.from_iterable(map(lines, logs))
    for part in spread(read, finder, (kinds, agent), 0):
        found.merge(part)
    if not found.decisions:
        named = ", ".join(f"`{visible(log)}`" for log in logs)
        fail_usage(f"{named} holds no decision" + (f" about `{visible(agent)}`" if agent else ""), format_)
    return found


def lint_options(path: str, format_: str) -> Options:
    """The linter's configuration for a policy, as `policy lint` finds it; its layout and its baseline left out."""
    config = find_config(os.path.dirname(path) or ".")
    if config is None:
        return Options()
    try:
        read = read_config(config)
        per_file = {glob: tuple(codes) for glob, codes in read.per_file.items()}
        return Options(
            tuple(read.select), tuple(read.ignore), per_file, tuple(read.ceilings), read.persona,
            capabilities=read.capabilities(),
        )  # fmt: skip
    except LintConfigError as error:
        fail_usage(str(error), format_)


def _review(suggester: Suggester, stops: Stops, at_least: int, options: Options | None) -> NoReturn:
    def write(before: Suggester, text: str) -> None:
        write_policy(before, text, "text")
        click.echo(f"wrote {visible(before.path)}")

    accepted = accept_at_terminal(suggester, stops, at_least, options, write)
    click.echo(f"{counted(accepted, 'proposal')} accepted")
    sys.exit(0)


def _accept(
    suggester: Suggester, found: Suggested, stops: Stops, accepted: tuple[str, ...], at_least: int, format_: str
) -> None:
    """Write proposals into the policy, all or none."""
    known = {p.id: p for p in found.proposals}
    for name in accepted:
        if name not in known:
            fail_usage(
                f"there is no proposal `{visible(name[:40])}`: the log or the policy is another one now; look anew",
                format_,
            )
    before = suggester
    for name in dict.fromkeys(accepted):
        proposal = next((p for p in found.proposals if p.key == known[name].key), None)
        if proposal is None:
            continue  # what was accepted before it lets the same pass
        suggester = suggester.accepted(proposal)
        found = suggester.suggest(stops, at_least)
    write_policy(before, suggester.text, format_)
    if format_ == "json":
        print_json({"accepted": list(accepted), "file": suggester.path, "diff": before.difference(suggester.text)})
    else:
        click.echo(f"wrote {visible(suggester.path)}")
        click.echo("\n".join(visible(line) for line in before.difference(suggester.text).splitlines()))


def write_policy(before: Suggester, text: str, format_: str) -> None:
    """Replace the policy by a text, unless its tests fail or somebody changed it meanwhile; leaves with 1 then."""
    why = before.refusal(text)
    if why:
        if format_ == "json":
            print_json({"errors": [{"message": why}]})
        click.echo(f"error: nothing is written: {visible(why)}", err=True)
        sys.exit(1)
    write_file(before.path, text, format_)


def _json(found: Suggested, stops: Stops) -> dict[str, Any]:
    return {
        "proposals": [_proposal(p) for p in found.proposals],
        "more": found.more,
        "together": [_finding(f) for f in found.elsewhere],
        "not_proposed": [
            *(_refused(r) for r in found.refused),
            *({"why": why, "times": times} for why, times in sorted(stops.lost.items())),
        ],
        "passing": found.passing,
        "decisions": stops.decisions,
    }


def _proposal(proposal: Proposal) -> dict[str, Any]:
    return {
        "id": proposal.id,
        "for": place_text(proposal.place),
        "rules": list(proposal.rules),
        "times": proposal.seen.count,
        "different": len(proposal.stops),
        "sessions": len(proposal.seen.sessions),
        "agents": sorted({s.agent for s in proposal.stops}),
        "first": min(s.first for s in proposal.stops),
        "last": proposal.seen.last,
        "examples": [_example(s) for s in proposal.stops[:3]],
        "also": [{"request": witness_json(g.witness), "rule": g.rule.id} for g in proposal.also.grants],
        "undecided": list(proposal.also.undecided),
        "lint": [_finding(f) for f in proposal.findings],
        "untested": proposal.untested,
        "diff": proposal.diff,
    }


def _finding(finding: Any) -> dict[str, Any]:
    return {"code": finding.code, "severity": finding.severity, "message": finding.message}


def _refused(one: Refused) -> dict[str, Any]:
    rule = None if one.rule is None else {"id": one.rule.id, "file": one.rule.file, "line": one.rule.line}
    return {
        "why": one.why, "rule": rule, "times": one.seen.count, "examples": [_example(s) for s in one.examples[:3]],
    }  # fmt: skip


def _example(stop: Stop) -> dict[str, Any]:
    one = row(stop.record)
    resource = list(one.resource) if isinstance(one.resource, tuple) else one.resource
    return {"seq": one.seq, "time": one.time, "agent": one.agent, "action": one.action, "resource": resource}
