"""Common parts of several commands: loading a policy, request options, output formats."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NoReturn, TypeVar

import click

from ..domain.actions import ACTIONS, CALL, METHODS, SORT_OF
from ..shell.dialect import SHELLS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..analysis.spaces import Layout
    from ..domain.errors import PolicyError
    from ..domain.request import Request
    from ..policy import Policy

Function = TypeVar("Function", bound=Callable[..., Any])

FORMAT = click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How results are written.",
)


def LAYOUT(function: Function) -> Function:  # noqa: N802 (used as a decorator beside FORMAT)
    """The options that fix where things lie, for questions about all requests."""
    for name, what in (("tmp", "temporary folder"), ("home", "agent's home"), ("workspace", "workspace")):
        text = f"Ask only about requests with the {what} there; by default it is anywhere."
        function = click.option(f"--{name}", metavar="FOLDER", help=text)(function)
    return function


def layout_of(places: Mapping[str, str | None]) -> Layout:
    """The layout of the options; leaves with 2 for what is not an absolute path."""
    for name, place in places.items():
        if place is not None and not place.startswith("/"):
            fail_usage(f"`--{name} {place[:60]}` is not an absolute path")
    from ..analysis.spaces import Layout

    return Layout(places["workspace"], places["home"], places["tmp"])


def print_json(value: object, *, compact: bool = False) -> None:
    """One JSON value on standard output."""
    click.echo(json_text(value, compact=compact))


def json_text(value: object, *, compact: bool = False) -> str:
    """A JSON value as text; ASCII, so that no terminal or log is deceived by it."""
    return json.dumps(value, indent=None if compact else 2, separators=(",", ":") if compact else None)


def fail_policy(error: PolicyError, format_: str) -> NoReturn:
    """Show why a policy does not compile, and leave with 2."""
    if format_ == "json":
        from ..wire.decisions import diagnostic_json

        print_json({"errors": [diagnostic_json(d) for d in error.diagnostics]})
    else:
        from ..report.diagnostics import render

        click.echo(render(error.diagnostics), err=True)
    sys.exit(2)


def fail_usage(message: str, format_: str = "text") -> NoReturn:
    """A mistake in the call: one line, exit code 2."""
    if format_ == "json":
        print_json({"errors": [{"code": "PLU001", "message": message}]})
    click.echo(f"error: {message}", err=True)
    sys.exit(2)


def load_policy(path: str, format_: str, testing: bool = False, enforced: bool = False) -> Policy:
    """Compile a policy, or show its mistakes and leave.

    One that is `enforced` comes from files that only this user and root can put there, as a compiled one always does.
    """
    from .._version import __version__
    from ..compiled.opened import SUFFIX, open_compiled, stale_note
    from ..domain.errors import PolicyError
    from ..policy import Policy

    try:
        if testing or not path.endswith(SUFFIX):
            loaded = Policy.load_for_testing(path) if testing else Policy.load(path)
            if enforced:
                _check_places(loaded.policy_set.sources, format_)
            return loaded
        contents = open_compiled(path, __version__)
    except PolicyError as error:
        fail_policy(error, format_)
    note = stale_note(path, contents)
    if note:
        click.echo(f"note: {note}", err=True)
    return Policy.of_compiled(contents)


def _check_places(sources: tuple[str, ...], format_: str) -> None:
    from ..facts.owners import unsafe_place

    for source in sources:
        fault = unsafe_place(source)
        if fault is not None:
            fail_usage(f"the policy `{source}` is refused: {fault[0]}; {fault[1]}", format_)


def request_options(function: Function) -> Function:
    """The options that say who asks and where."""
    options = [
        click.option("--agent", help="The principal: the agent's name."),
        click.option("--repo", help="The repository the agent works on."),
        click.option("--branch", help="The current branch."),
        click.option("--session", help="The session's name."),
        click.option("--context", "context", multiple=True, metavar="NAME=VALUE", help="A context attribute."),
        click.option("--cwd", help="The working folder, absolute."),
        click.option("--workspace", help="The workspace, absolute; paths below it are matched by relative patterns."),
        click.option("--home", help="The agent's home, absolute."),
        click.option("--tmp", help="The agent's temporary folder, absolute (default /tmp)."),
        click.option("--shell", type=click.Choice(SHELLS), help="The dialect of a script."),
        click.option("--method", type=click.Choice(METHODS), help="The HTTP method of a connection."),
        click.option("--resolved", multiple=True, metavar="ADDRESS", help="An address that the host resolves to."),
        click.option("--for", "destination", metavar="HOST", help="Where a credential would go (`use`)."),
        click.option(
            "--arg", "arg", multiple=True, metavar="NAME=VALUE", help="An argument of a `call`, as JSON or text."
        ),
        click.option("--confined", is_flag=True, help="Ask as behind walls (`policy run`)."),
        click.option("--lexical", is_flag=True, help="Do not follow symbolic links on this machine."),
        click.option(
            "--now",
            type=click.DateTime(["%Y-%m-%dT%H:%MZ", "%Y-%m-%d"]),
            metavar="TIME",
            help="Decide as if it were then (UTC, 2027-01-31T09:00Z); default is the clock.",
        ),
        click.option("--pattern", is_flag=True, help="RESOURCE is a pattern: decide for every member of it."),
        click.option(
            "--bare", is_flag=True, help="Ask without the place: take no folders and no branch from where you are."
        ),
    ]
    for option in reversed(options):
        function = option(function)
    return function


def build_request(
    policy: Policy, action: str, resource: tuple[str, ...], options: dict[str, Any]
) -> tuple[Request, tuple[str, ...]]:
    """A request from the command line, and its fields that were taken from the place. Leaves with 2 on bad usage.

    Several words are an argv. What no option says is taken from the place, as a hook tells it; a pattern, and what is
    `bare`, is asked as it is.
    """
    from ..domain.request import Request

    if action not in ACTIONS:
        fail_usage(f"unknown action `{action[:40]}`: {suggest(action, ACTIONS)}", options["format_"])
    if len(resource) > 1 and SORT_OF[action] != "command":
        fail_usage(f"`{action}` takes one resource, not {len(resource)}", options["format_"])
    asked = resource if len(resource) > 1 else resource[0]
    taken: dict[str, object] = {}
    place: dict[str, Any] = {name: options[name] for name in ("branch", "cwd", "workspace", "home")}
    if not options["bare"] and not options["pattern"]:
        from .place import fields_of

        taken = fields_of(action, asked, place)
        place |= taken
    request = Request(
        action,
        asked,
        agent=options["agent"],
        repo=options["repo"],
        session=options["session"],
        context=_context(policy, options["context"], options["format_"]),
        **place,
        tmp=options["tmp"],
        shell=options["shell"],
        method=options["method"],
        resolved=tuple(options["resolved"]),
        lexical=options["lexical"],
        confined=options["confined"],
        destination=options["destination"],
        arguments=_arguments(action, options["arg"], options["format_"]),
        pattern=options["pattern"],
        now=moment(options["now"]),
    )
    return request, tuple(taken)


def _arguments(action: str, pairs: tuple[str, ...], format_: str) -> dict[str, object] | None:
    """The arguments of a call; None, so that nothing is known of them, when no option says one."""
    if not pairs:
        return None
    if action != CALL:
        fail_usage(f"only a `call` has arguments; `{action}` has none", format_)
    from ..domain import strict_json
    from ..domain.conditions import ARGUMENT
    from ..domain.limits import limit
    from ..ir.arguments import nested

    said: dict[str, object] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not all(name.split(".")):
            fail_usage(f"`--arg {pair[:60]}` is not of the form NAME=VALUE", format_)
        whole = f"{ARGUMENT}{name}."
        if any(f"{known}.".startswith(whole) or whole.startswith(f"{known}.") for known in said):
            fail_usage(f"the argument `{name[:60]}` is given twice", format_)
        try:
            value: object = strict_json.load(
                text.encode(), limit("request_depth"), limit("integer_digits"), limit("request_values")
            )
        except strict_json.MalformedError:
            value = text
        said[ARGUMENT + name] = value
    return nested(said)


def suggest(word: str, known: Iterable[str]) -> str:
    """`domain.suggest`, loaded when there is a mistake to help with."""
    from ..domain.suggest import suggest as nearest

    return nearest(word, known)


def moment(value: datetime | None) -> float | None:
    """Seconds since the epoch of a `--now` option."""
    return None if value is None else value.replace(tzinfo=UTC).timestamp()


def _context(policy: Policy, pairs: tuple[str, ...], format_: str) -> dict[str, object]:
    from ..domain.limits import limit

    declared = policy.attributes
    out: dict[str, object] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            fail_usage(f"`--context {pair[:60]}` has no `=`; write NAME=VALUE", format_)
        if name not in declared:
            known = suggest(name, declared) or "the policy declares none"
            fail_usage(f"the context attribute `{name[:60]}` is not declared ({known})", format_)
        if name in out:
            fail_usage(f"the context attribute `{name}` is given twice", format_)
        value: object = text
        if declared[name].type == "bool":
            value = {"true": True, "false": False}.get(text, text)
        elif declared[name].type == "int" and text.lstrip("-").isdecimal() and len(text) <= limit("integer_digits"):
            value = int(text)
        wanted: type = {"bool": bool, "int": int}.get(declared[name].type, str)
        if type(value) is not wanted or (declared[name].members and value not in declared[name].members):
            choices = suggest(text, declared[name].members) or f"expected {declared[name].type}"
            fail_usage(f"`{text[:60]}` is not a valid value of the context attribute `{name}` ({choices})", format_)
        out[name] = value
    return out


def write_file(path: str, text: str, format_: str = "text") -> None:
    """Replace a file at once, so that no reader sees half of it."""
    from ..domain.faults import reason_of
    from ..domain.files import replace

    try:
        replace(path, text.encode("utf-8"), mode=None, durable=False)
    except OSError as error:
        fail_usage(f"`{path}` cannot be written: {reason_of(error)}", format_)
