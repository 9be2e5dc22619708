"""`policy`: the entry point.

Exit codes: 0 fine, 1 deny or findings, 2 bad input, 3 ask or undecided, 4 our fault, 5 a log that is unanchored.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

import click

from .._version import __version__
from ..domain.edition import LANGUAGE_VERSION

SECTIONS = {
    "Write": {
        "init": "Write a starter policy for a repository",
        "learn": "Propose a minimal, readable policy from a log",
        "import": "Take over the permissions of an agent's client",
        "suggest": "Propose rules for what a log shows as stopped",
        "fmt": "Format policy files",
        "test": "Run the tests in policy files",
        "compile": "Compile a policy to one `.plc` file",
        "completion": "Print completions for a shell",
    },
    "Review": {
        "check": "Decide a request, or a recorded session",
        "explain": "Show how a request is decided, rule by rule",
        "lint": "Find grants beyond what the author meant",
        "diff": "Show what a change permits or denies",
        "prove": "Prove claims about every request",
        "query": "Show who can do what",
        "rule": "Explain an error code or a lint rule",
    },
    "Enforce": {
        "run": "Start a command behind walls that hold the policy",
        "proxy": "Let an agent connect to what the policy grants",
        "export": "Write the policy for another sandbox",
        "hook": "Enforce the policy with agent hooks",
        "doctor": "Verify that a client enforces the policy",
        "serve": "Answer requests over a Unix socket",
        "mcp": "Answer requests over MCP",
        "session": "Start and end agents' sessions",
        "state": "Show the agents of a running service",
        "freeze": "Deny an agent or a session everything",
        "lift": "End a freeze",
    },
    "Approve": {
        "approvals": "List and answer tickets that wait for people",
        "propose": "Ask for a rule that would allow what was denied",
        "within": "Compare a policy for sub-agents with one's own",
        "proposals": "List and answer rules that agents ask for",
    },
    "Records": {
        "log": "Verify, search and export the decision log",
        "replay": "Decide a log's requests by another policy",
    },
}
"""The commands by task, and what each is for: what `policy --help` shows without loading them."""

COMMANDS = tuple(sorted(name for commands in SECTIONS.values() for name in commands))

_MODULES = {"import": "importing"}
"""The modules of commands whose names are words of Python's."""


def command_module(name: str) -> Any:
    """The module of a command, imported now."""
    return importlib.import_module(f".{_MODULES.get(name, name)}", __package__)


class _Group(click.Group):
    """Loads a command's module only when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = command_module(cmd_name).command
        command.short_help = next(commands[cmd_name] for commands in SECTIONS.values() if cmd_name in commands)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        width = max(map(len, COMMANDS))
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), text) for name, text in commands.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from ..domain.suggest import suggest

            ctx.fail(f"unknown command `{args[0][:40]}`: {suggest(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message=f"policy_lang %(version)s, language {LANGUAGE_VERSION}")
def cli() -> None:
    """Write, check, test and ask policies for AI coding agents."""


def main() -> None:
    """Run the command line; an unexpected fault of ours is one line and exit code 4."""
    try:
        cli(prog_name="policy", standalone_mode=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except Exception as error:
        if os.environ.get("POLICY_LANG_DEBUG"):
            raise
        click.echo(f"internal error (PLI001): {type(error).__name__}: {str(error)[:200]}", err=True)
        click.echo("please report it; set POLICY_LANG_DEBUG=1 to see where it happened", err=True)
        sys.exit(4)


if __name__ == "__main__":
    main()
