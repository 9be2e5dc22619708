"""`policy hook`: the program that an agent's hook runs, and its installation."""

from __future__ import annotations

import os
import stat
import sys

import click

from ..domain.faults import reason_of
from ..domain.files import create, replace
from ..pep.clients import NAMES
from ..pep.clients import client as client_of
from ..pep.hook import MOST_WAIT
from ..pep.install import HOOK, InstallError, hook_command, settings_with, target
from .common import fail_usage


@click.group(name="hook")
def command() -> None:
    """Enforce the policy with agent hooks.

    \b
    policy hook install codex --scope managed \\
        --socket /run/policy_lang/policy.sock
    policy hook install claude --policy web.plc --agent claude-web --scope project
    policy doctor codex

    `policy hook CLIENT OPTIONS` is what the installed hook runs: it reads the call from standard input and answers
    in the client's own form; whatever goes wrong is a denial.
    """


def _runner(client: str) -> click.Command:
    @click.command(name=client, context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
    @click.argument("options", nargs=-1, type=click.UNPROCESSED, metavar="")
    def run(options: tuple[str, ...]) -> None:
        try:
            os.execv(sys.executable, [sys.executable, "-I", "-S", HOOK, client, *options])  # noqa: S606 (no shell)
        finally:  # only when that failed: whatever calls this as a hook takes nothing but 2 for a denial
            os._exit(2)

    run.help = f"Answer one call of {client}'s hook; see `policy hook --help`."
    run.short_help = f"Answer one call of {client}'s hook"
    return run


for _client in NAMES:
    command.add_command(_runner(_client))


@command.command(name="install", short_help="Write the hook into a client's settings")
@click.argument("client", type=click.Choice(NAMES))
@click.option("--socket", "socket_path", metavar="PATH", help="Ask the service at this socket.")
@click.option("--policy", metavar="FILE.plc", help="Decide by this compiled policy.")
@click.option("--log", metavar="FOLDER", help="With --policy: record every decision there before it is given.")
@click.option("--agent", metavar="NAME", help="The agent's name; the service may know it already.")
@click.option("--workspace", metavar="FOLDER", help="Workspace folder, instead of the one that the client names.")
@click.option("--prompt", multiple=True, metavar="TIER", help="A tier for which the client's own prompt may stand.")
@click.option("--owner", type=int, metavar="UID", help="The user that the service runs as; by default you or root.")
@click.option("--token-file", metavar="FILE", help="A file with the token to show to the service.")
@click.option("--wait", type=click.IntRange(1, MOST_WAIT), help="Seconds to wait for people who are asked.")
@click.option("--scope", type=click.Choice(["user", "project", "managed"]), default="user", show_default=True)
@click.option("--print", "only_print", is_flag=True, help="Show the settings and write nothing.")
def install(
    client: str,
    socket_path: str | None,
    policy: str | None,
    log: str | None,
    agent: str | None,
    workspace: str | None,
    prompt: tuple[str, ...],
    owner: int | None,
    token_file: str | None,
    wait: int | None,
    scope: str,
    only_print: bool,
) -> None:
    """Write the hook into CLIENT's settings; what else they say stays."""
    if (socket_path is None) == (policy is None):
        fail_usage("give either `--socket PATH` or `--policy FILE.plc`")
    if policy is not None and not policy.endswith(".plc"):
        fail_usage(f"`{policy}` is not compiled; make it with `policy compile {policy}`")
    if wait is not None and socket_path is None:
        fail_usage("`--wait` belongs to `--socket`: the service asks people")
    if log is not None and policy is None:
        fail_usage("`--log` belongs to `--policy`; the service keeps its own log")
    options: list[str] = []
    given = {
        "--socket": socket_path, "--policy": policy, "--log": log, "--token-file": token_file, "--workspace": workspace,
    }  # fmt: skip
    for name, value in given.items():
        if value is not None:
            options += [name, os.path.abspath(value)]
    for name, text in (("--agent", agent), ("--owner", _text_of(owner)), ("--wait", _text_of(wait))):
        if text is not None:
            options += [name, text]
    for tier in prompt:
        options += ["--prompt", tier]
    if policy is not None and not os.path.isfile(policy):
        fail_usage(f"there is no file `{policy}`; make it with `policy compile`")
    folder = os.path.abspath(workspace or os.getcwd())
    try:
        spec = client_of(client)
        place = target(spec, scope, folder, os.path.expanduser("~"))
        if not spec.tells_workspace and workspace is None:
            options += ["--workspace", folder]
        before = _text(place.path)
        after = settings_with(spec, before, hook_command(spec, options), place.managed, wait or 0)
    except InstallError as error:
        fail_usage(str(error))
    if only_print:
        click.echo(f"# {place.path}", err=True)
        click.echo(after, nl=False)
        return
    try:
        os.makedirs(os.path.dirname(place.path), exist_ok=True)
        _write(place.path, after.encode("utf-8"), keep=bool(before) and before != after)
    except OSError as error:
        fail_usage(f"`{place.path}` cannot be written: {reason_of(error)}")
    click.echo(f"{place.path}: the hook is in place; now verify it: `policy doctor {client}`")
    if place.note:
        click.echo(place.note)


def _write(path: str, data: bytes, keep: bool) -> None:
    """Write settings where `path` leads; with `keep` the old ones are beside it, for nobody else to read.

    People link settings into a repository of theirs, so the link stays. The name of the old ones is no person's own:
    whoever may write in the folder, as an agent may in a project, could have put a link there.
    """
    real = os.path.realpath(path)
    if not os.path.lexists(real):
        create(real, data)
        return
    mode = stat.S_IMODE(os.stat(real).st_mode)
    if keep:
        with open(real, "rb") as stream:
            replace(f"{path}.before-policy_lang", stream.read(), mode=mode & 0o700, durable=False)
    replace(real, data, mode=mode & 0o755, durable=False)


def _text_of(number: int | None) -> str | None:
    return None if number is None else str(number)


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as stream:
            return stream.read()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise InstallError(f"`{path}` cannot be read: {error}") from None
