"""`policy mcp`: an MCP server for the hook's questions."""

from __future__ import annotations

import os

import click

from .common import fail_usage


@click.command(name="mcp")
@click.option("--socket", "socket_path", metavar="PATH", help="Ask the service at this socket.")
@click.option("--policy", metavar="FILE.plc", help="Decide by this compiled policy, opened anew for each question.")
@click.option("--log", metavar="FOLDER", help="With --policy: record every decision there before it is given.")
@click.option("--agent", metavar="NAME", help="The agent's name; the service may know it already.")
@click.option("--workspace", metavar="FOLDER", help="The workspace.")
@click.option("--token-file", metavar="FILE", help="A file with the token to show to the service.")
def command(
    socket_path: str | None,
    policy: str | None,
    log: str | None,
    agent: str | None,
    workspace: str | None,
    token_file: str | None,
) -> None:
    """Serve the tools `decide` and `hook` over MCP, on standard input and output; with --socket `propose` and `within`.

    For clients whose hooks call an MCP tool, and for agents that want to ask before they try. A hook that starts
    `policy hook` is the safer gate: when an MCP server dies, clients let the call pass.
    """
    from ..pep.mcp import main

    if (socket_path is None) == (policy is None):
        fail_usage("give either `--socket PATH` or `--policy FILE.plc`")
    if log is not None and policy is None:
        fail_usage("`--log` belongs to `--policy`; the service keeps its own log")
    given = {
        "--log": log,
        "--socket": socket_path,
        "--policy": policy,
        "--workspace": workspace,
        "--token-file": token_file,
    }
    options = {name: [os.path.abspath(value)] for name, value in given.items() if value is not None}
    if agent is not None:
        options["--agent"] = [agent]
    main({**options, "--home": [os.path.expanduser("~")]})
