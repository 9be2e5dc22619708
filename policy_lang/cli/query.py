"""`policy query`: who can do what, exactly."""

from __future__ import annotations

import sys

import click

from ..analysis.query import QueryAnswer, query
from ..analysis.spaces import Layout
from ..analysis.witness import USUAL
from ..automata.pattern import Pattern
from ..domain.actions import ACTIONS, COMMAND, HOST, NAME, PATH, REF, SORT_OF
from ..domain.suggest import suggest
from ..facts.paths import HOME, TMP, WORKSPACE
from ..ir.patterns import compile_pattern
from ..ir.scopes import PatternError
from ..report.answers import render_grants, render_summary, render_who
from ..wire.analysis import answer_json
from .common import FORMAT, fail_usage, layout_of, load_policy, print_json

SORTS = {"path": PATH, "host": HOST, "ref": REF, "command": COMMAND, "name": NAME}


@click.command(name="query")
@click.argument("policy")
@click.option("--can", metavar="ACTION", help="Which grants reach the pattern, for whom.")
@click.option("--who-can", metavar="ACTION", help="Which agents can do that.")
@click.option("--what-can", metavar="ACTION", help="What --agent can do.")
@click.option("--summary", is_flag=True, help="Everything that is granted, as a table.")
@click.option("--agent", help="Only this agent.")
@click.option("--path", multiple=True, help="A path pattern.")
@click.option("--host", multiple=True, help="A host pattern.")
@click.option("--ref", multiple=True, help="A ref pattern.")
@click.option("--command", multiple=True, help="A command pattern.")
@click.option("--name", multiple=True, help="A name pattern: a tool, secret, variable or operation.")
@click.option("--workspace", metavar="FOLDER", default=USUAL[WORKSPACE], show_default=True, help="Workspace folder.")
@click.option("--home", metavar="FOLDER", default=USUAL[HOME], show_default=True, help="The agent's home folder.")
@click.option("--tmp", metavar="FOLDER", default=USUAL[TMP], show_default=True, help="Folder of temporary files.")
@click.option("--anywhere", is_flag=True, help="Ask for every place where these folders may be.")
@FORMAT
def command(
    policy: str,
    can: str | None,
    who_can: str | None,
    what_can: str | None,
    summary: bool,
    agent: str | None,
    format_: str,
    workspace: str,
    home: str,
    tmp: str,
    anywhere: bool,
    **texts: tuple[str, ...],
) -> None:
    """Ask POLICY about all requests at once.

    \b
    policy query agent.policy --can write --path ".github/**"
    policy query agent.policy --agent codex-web --what-can run
    policy query agent.policy --who-can push --ref main
    policy query agent.policy --agent codex-web --summary

    Each grant comes with an example that the policy was asked, and with the restrictions that cut into it. Exits 0
    when something is granted, 1 when nothing is, 3 when something was undecided within limits.
    """
    layout = Layout() if anywhere else layout_of({"workspace": workspace, "home": home, "tmp": tmp})
    asked = [x for x in (can, who_can, what_can) if x is not None]
    if len(asked) + summary != 1:
        fail_usage("give one of --can, --who-can, --what-can and --summary", format_)
    if asked and asked[0] not in ACTIONS:
        fail_usage(f"unknown action `{asked[0][:40]}`: {suggest(asked[0], ACTIONS)}", format_)
    if what_can is not None and agent is None:
        fail_usage("--what-can needs --agent NAME", format_)
    actions = tuple(asked) or ACTIONS
    patterns = _patterns(asked[0] if asked else None, texts, format_)
    loaded = load_policy(policy, format_, testing=True)
    answer = query(loaded.engine, actions, patterns, agent, layout)
    if format_ == "json":
        print_json(answer_json(answer))
    elif who_can is not None:
        click.echo(render_who(answer))
    elif summary:
        click.echo(render_summary(answer))
    else:
        click.echo(render_grants(answer))
    sys.exit(_exit(answer))


def _patterns(action: str | None, texts: dict[str, tuple[str, ...]], format_: str) -> tuple[Pattern, ...]:
    given = [(kind, text) for kind, found in texts.items() for text in found]
    if given and action is None:
        fail_usage("a pattern goes with --can, --who-can or --what-can", format_)
    out: list[Pattern] = []
    for kind, text in given:
        sort = SORTS[kind]
        if action is not None and SORT_OF[action] != sort:
            wanted = next(k for k, s in SORTS.items() if s == SORT_OF[action])
            fail_usage(f"`{action}` takes --{wanted}, not --{kind}", format_)
        try:
            out.append(Pattern(sort, text, compile_pattern(sort, text)))
        except PatternError as error:
            fail_usage(
                f"--{kind} `{text[:60]}`: {error.message}" + (f" ({error.remediation})" if error.remediation else ""),
                format_,
            )
    return tuple(out)


def _exit(answer: QueryAnswer) -> int:
    return 3 if answer.undecided else 0 if answer.grants else 1
