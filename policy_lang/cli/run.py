"""`policy run`: start a command so that the policy holds for every process of it."""

from __future__ import annotations

import sys
from typing import Any, NoReturn

import click

from .common import FORMAT, fail_usage, print_json
from .deciding import DECIDER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..walls.launch import Start, StartOptions
    from ..walls.port import DecisionPort

NOT_BUILT = 125
"""The exit code when nothing was started, as env(1) and timeout(1) have it."""


@click.command(name="run", context_settings={"ignore_unknown_options": False, "allow_interspersed_args": False})
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="-- COMMAND...")
@DECIDER(
    "The policy, perhaps compiled. Default: agent.policy of the workspace, as its hook has it.",
    "The service that answers hooks and asks people.",
    "Record every decision there before it takes effect.",
)
@click.option("--agent", metavar="NAME", help="The agent's name.")
@click.option("--workspace", metavar="FOLDER", help="The workspace; by default the repository around this folder.")
@click.option("--plan", "only_plan", is_flag=True, help="Show the walls and what they do not hold; start nothing.")
@click.option("--accept-loss", "accepted", multiple=True, metavar="CODE,...", help="Start though this is not held.")
@click.option("--verify", is_flag=True, help="Try the walls with requests from the policy's rules first.")
@click.option(
    "--supervise-reads", "reads", is_flag=True, help="Decide every open, not only those that change something."
)
@click.option("--system", multiple=True, metavar="FOLDER", help="A further folder of programs, read-only inside.")
@click.option("--observe", is_flag=True, help="With --log: no walls; record what they would stop, and let it pass.")
@click.option("--hold", multiple=True, metavar="RULE", help="With --observe: stop what this rule, or module, stops.")
@click.option(
    "--forward", multiple=True, type=click.IntRange(1, 65535), metavar="PORT",
    help="A port of this machine that is to be had inside too, if the policy grants `localhost:PORT`.",
)  # fmt: skip
@click.option("--intercept", is_flag=True, help="Decide what is within TLS, by mitmproxy, which ends it.")
@click.option("--pinned", multiple=True, metavar="HOST", help="With --intercept: leave the TLS of this host alone.")
@click.option(
    "--credential", "credentials", multiple=True, metavar="NAME=SOURCE",
    help="With --intercept: what `use NAME for HOST` adds; env:VARIABLE, file:PATH, keyring:SERVICE/USER.",
)  # fmt: skip
@click.option("--no-network", is_flag=True, help="No way out at all, not even through the proxy.")
@FORMAT
def command(words: tuple[str, ...], only_plan: bool, format_: str, **given: Any) -> None:
    """Start COMMAND so that it and all that it starts can do only what the policy grants.

    \b
    policy run --agent claude --plan
    policy run --agent claude --accept-loss words,remote,late-reads -- claude
    policy run --policy web.policy --accept-loss words -- npm test

    Files, names and connections are decided in the kernel and by a supervisor, for every process; requests inside are
    `confined`. What is not held is said, and starts only when --accept-loss names it.

    Exits as COMMAND does; 125 when the walls cannot be built, and then nothing was started.
    """
    if not words and not only_plan:
        fail_usage("no command: write it behind `--`", format_)
    from ..domain.errors import SearchLimitError
    from ..walls.box import WallsError
    from ..walls.launch import prepared
    from .walled import options_of, port_of

    port, sources = port_of(given, format_)
    options = options_of(given, port, sources, format_)
    try:
        if port.observes:
            from ..domain.observe import what_holds
            from .walled import observe

            click.echo(what_holds(given["hold"]), err=True)
            sys.exit(observe(port, options, words))
        start = prepared(port, options, only_plan)
        if only_plan:
            _show(start, port, options, format_)
            sys.exit(0)
        missing = start.not_accepted(options.accepted)
        if missing:
            from ..report.walls import render_refusal

            click.echo(render_refusal(missing, options.accepted), err=True)
            sys.exit(NOT_BUILT)
        from .walled import run

        sys.exit(run(start, port, options, words, given))
    except (WallsError, SearchLimitError) as error:
        _fail(str(error))


def _show(start: Start, port: DecisionPort, options: StartOptions, format_: str) -> None:
    if format_ == "json":
        from ..walls.shown import start_json

        print_json(start_json(start, port, options.accepted))
    else:
        from ..report.walls import render_start

        click.echo(render_start(start, port, options.accepted))


def _fail(message: str) -> NoReturn:
    click.echo(f"error: {message}", err=True)
    click.echo("nothing was started", err=True)
    sys.exit(NOT_BUILT)
