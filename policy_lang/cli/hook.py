"""`policy hook`: the program that an agent's hook runs, and its installation."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from ..compiled.opened import SUFFIX
from ..domain.faults import reason_of
from ..domain.observe import what_holds
from ..pep.clients import NAMES
from ..pep.clients import client as client_of
from ..pep.hook import MOST_WAIT
from ..pep.hook_places import HOOK, compiled_place, launcher_place
from ..pep.install import InstallError, changeable, check_accepted, hook_command, settings_with, target
from ..pep.install_records import made_folders, own_mode, remove_folders
from ..pep.installed import install as write_hook
from ..pep.installed import settings_text
from .common import fail_policy, fail_usage
from .compile import compile_to
from .hook_installed import status, uninstall, upgrade
from .receive import command as git_receive


@click.group(name="hook")
def command() -> None:
    """Enforce the policy with agent hooks.

    \b
    policy hook install codex --scope managed \\
        --socket /run/policy_lang/policy.sock
    policy hook install claude --policy web.policy --agent claude-web
    policy doctor codex
    policy hook status

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
for _command in (git_receive, status, upgrade, uninstall):
    command.add_command(_command)


@command.command(name="install", short_help="Write the hook into a client's settings")
@click.argument("client", type=click.Choice(NAMES))
@click.option("--socket", metavar="PATH", help="Ask the service at this socket.")
@click.option(
    "--policy", metavar="FILE", help="Decide by this policy, compiled to a place of its own; or by this `.plc`."
)
@click.option("--log", metavar="FOLDER", help="With --policy: record every decision there before it is given.")
@click.option("--observe", is_flag=True, help="With --policy and --log: record what would be stopped, and let it pass.")
@click.option("--hold", multiple=True, metavar="RULE", help="With --observe: stop what this rule, or module, stops.")
@click.option("--agent", metavar="NAME", help="The agent's name; the service may know it already.")
@click.option("--workspace", metavar="FOLDER", help="Workspace folder, instead of the one that the client names.")
@click.option("--prompt", multiple=True, metavar="TIER", help="A tier for which the client's own prompt may stand.")
@click.option("--owner", type=int, metavar="UID", help="The user that the service runs as; by default you or root.")
@click.option("--token-file", metavar="FILE", help="A file with the token to show to the service.")
@click.option("--wait", type=click.IntRange(1, MOST_WAIT), help="Seconds to wait for people who are asked.")
@click.option("--accept-argument", multiple=True, metavar="TOOL.ARG", help="Ignore this new argument of a tool.")
@click.option("--scope", type=click.Choice(["user", "project", "managed"]), default="user", show_default=True)
@click.option("--print", "only_print", is_flag=True, help="Show the settings and write nothing.")
def install(client: str, scope: str, only_print: bool, **given: Any) -> None:
    """Write the hook into CLIENT's settings; what else they say stays.

    A policy is compiled to a file outside every workspace, and that is what the hook decides by: changes of the
    source, as `git pull` brings them, take effect when you run this again, or `policy compile` as its answers say.
    """
    _check(given)
    policy, workspace = given["policy"], given["workspace"]
    compiled = None if policy is None or policy.endswith(SUFFIX) else compiled_place(policy, scope == "managed")
    options = _options({**given, "policy": compiled or policy})
    folder = os.path.abspath(workspace or os.getcwd())
    try:
        spec = client_of(client)
        check_accepted(spec, given["accept_argument"])
        place = target(spec, scope, folder, os.path.expanduser("~"))
        if not spec.tells_workspace and workspace is None:
            options += ["--workspace", folder]
        if place.void:
            fail_usage(f"the hook is not installed in the {scope} scope of `{client}`: {place.void}")
        before = settings_text(place.path)
        command = hook_command(spec, options, launcher_place(place.managed))
        after = settings_with(spec, before, command, place.managed, given["wait"] or 0)
        if only_print:
            click.echo(f"# {place.path}", err=True)
            click.echo(after, nl=False)
            return
        folders: tuple[str, ...] = ()
        if compiled is not None:
            folders = made_folders(compiled, own_mode(place.managed))
            try:
                compile_to(policy, compiled, "text")
            except SystemExit:
                remove_folders(folders)
                raise
        write_hook(
            spec, scope, place.path, options, os.path.abspath(policy) if compiled else "", compiled or "", folders
        )
    except InstallError as error:
        fail_usage(str(error))
    except OSError as error:
        fail_usage(f"`{error.filename or place.path}` cannot be written: {reason_of(error)}")
    if given["observe"]:
        click.echo(what_holds(given["hold"]))
    if compiled is not None:
        click.echo(f"{compiled}: what the hook decides by, until you compile `{policy}` again")
    click.echo(f"{place.path}: the hook is in place; now verify it: `policy doctor {client}`")
    if place.note:
        click.echo(place.note)


def _check(given: dict[str, Any]) -> None:
    """Leaves with 2 for options that do not go together, and for a policy that an agent could replace."""
    policy: str | None = given["policy"]
    if (given["socket"] is None) == (policy is None):
        fail_usage("give either `--socket PATH` or `--policy FILE`")
    if given["wait"] is not None and policy is not None:
        fail_usage("`--wait` belongs to `--socket`: the service asks people")
    if given["log"] is not None and policy is None:
        fail_usage("`--log` belongs to `--policy`; the service keeps its own log")
    if given["observe"] and given["log"] is None:
        fail_usage(
            "`--observe` is of no use without a record: give `--policy FILE --log FOLDER`; the service has its own"
        )
    if given["hold"] and not given["observe"]:
        fail_usage("`--hold` belongs to `--observe`: without it everything holds")
    if policy is None:
        return
    if not os.path.isfile(policy):
        fail_usage(f"there is no file `{policy}`")
    if policy.endswith(SUFFIX) and changeable(policy, given["workspace"]):
        why = f"`{policy}` lies where a checkout of another branch replaces it"
        fail_usage(f"{why}; name its source, which is compiled to a place outside")
    if given["hold"]:
        _check_held(policy, given["hold"])


def _check_held(policy: str, names: tuple[str, ...]) -> None:
    """Leaves with 2 when the policy has no rule that is to hold."""
    from ..compiled.reader import Contents
    from ..domain.errors import PolicyError
    from ..records.replay import portable

    try:
        contents = Contents(portable(policy))
    except PolicyError as error:
        fail_policy(error, "text")
    for name in names:
        if not contents.has_rules(name):
            fail_usage(f"`--hold {name}`: the policy has no rule of this id, nor of a module of this name")


def _options(given: dict[str, Any]) -> list[str]:
    """The hook's own options."""
    options: list[str] = []
    for name in ("socket", "policy", "log", "token-file", "workspace"):
        value = given[name.replace("-", "_")]
        if value is not None:
            options += [f"--{name}", os.path.abspath(value)]
    for name in ("agent", "owner", "wait"):
        if given[name] is not None:
            options += [f"--{name}", str(given[name])]
    for name in ("prompt", "hold", "accept-argument"):
        for value in given[name.replace("-", "_")]:
            options += [f"--{name}", value]
    if given["observe"]:
        options.append("--observe")
    return options
