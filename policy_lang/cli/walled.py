"""Walls around a command: who is behind them by which policy, how they are built, tried and taken down."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import click

from ..domain.errors import SearchLimitError
from ..domain.faults import PolicyLangError
from ..facts.git_index import top_of
from ..pep.repository import repository_state
from ..walls import mounts
from ..walls.box import Box, WallsError
from ..walls.environment import environment
from ..walls.first_use import OnFirstUse
from ..walls.launch import CODES, Start, StartOptions, designed, observing, poisoned
from ..walls.port import DecisionPort
from ..walls.ways import Ways
from .common import fail_usage, load_policy

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket

    from ..domain.request import Request
    from ..egress.interception import Interception
    from ..pep.installation import CheckResult
    from ..policy import Policy
    from ..walls.answers import Answers
    from ..walls.first_use import Serves
    from ..walls.verifying import Verification

_DEFAULT = "agent.policy"
NOT_STARTED = (126, 127)
"""What a shell, and the process inside, exit with for a command that cannot be run, or is not found."""


def port_of(given: Mapping[str, Any], format_: str) -> tuple[DecisionPort, tuple[str, ...]]:
    """Who decides, and the policy's files. Leaves with 2 for bad usage."""
    from ..domain.record import replace

    policy, like, path = subject_of(given, format_)
    state: dict[str, Any] = repository_state(str(like.workspace), str(like.home))
    state["session"] = f"run-{os.urandom(6).hex()}"
    held = frozenset(given["hold"]) if given["observe"] else None
    if given["observe"] and not given["log"]:
        fail_usage("`--observe` is of no use without a record: give `--log FOLDER`", format_)
    if given["hold"] and not given["observe"]:
        fail_usage("`--hold` belongs to `--observe`: without it everything holds", format_)
    return DecisionPort(policy, replace(like, **state), _log(given), held), (path, *_sources(policy, path))


def subject_of(given: Mapping[str, Any], format_: str, compiled: bool = True) -> tuple[Policy, Request, str]:
    """The policy, what all requests of the agent are like, and the policy's file. Leaves with 2 for bad usage."""
    from ..domain.request import Request

    here = os.path.realpath(os.getcwd())
    workspace = os.path.realpath(given["workspace"] or top_of(here) or here)
    home = os.path.realpath(os.environ.get("HOME", "/"))
    if not os.path.isdir(workspace):
        fail_usage(f"there is no folder `{workspace}`", format_)
    if workspace == "/" or home == "/":
        fail_usage("the workspace, or the home, would be the whole disk; give `--workspace FOLDER`", format_)
    if given["policy"] is None and given["workspace"] is None and top_of(here) is None:
        fail_usage("here is no repository whose policy would be meant: give `--policy FILE`", format_)
    path = given["policy"] or (_in_force(workspace) if compiled else os.path.join(workspace, _DEFAULT))
    if given["policy"] is None and not os.path.isfile(path):
        fail_usage(
            f"there is no `{_DEFAULT}` in `{workspace}`; give `--policy FILE`, or make one: `policy init`", format_
        )
    if path.endswith(".plc") and not compiled:
        fail_usage("a compiled policy cannot be compared; give its source: `--policy FILE`", format_)
    policy = load_policy(path, format_, enforced=True)
    like = Request("read", ".", agent=given["agent"], workspace=workspace, home=home, tmp="/tmp", cwd=workspace)  # noqa: S108 (its own, inside)
    return policy, like, path


def _in_force(workspace: str) -> str:
    """The policy of a workspace: as it was compiled for a hook, which no checkout changes, else its source."""
    from ..pep.hook_places import compiled_place

    source = os.path.join(workspace, _DEFAULT)
    compiled = compiled_place(source, managed=False)
    return compiled if os.path.isfile(compiled) else source


def _sources(policy: Policy, path: str) -> tuple[str, ...]:
    from ..compiled.opened import SUFFIX, open_compiled

    if not path.endswith(SUFFIX):
        return policy.policy_set.sources
    from .._version import __version__

    return tuple(source for source, _ in open_compiled(path, __version__).sources)


def _log(given: Mapping[str, Any]) -> Any:
    if not given["log"]:
        return None
    from .recording import opened_log

    return opened_log(given["log"])


def options_of(given: Mapping[str, Any], port: DecisionPort, sources: tuple[str, ...], format_: str) -> StartOptions:
    """What the command line says besides. Leaves with 2 for bad usage."""
    accepted = frozenset(code.strip() for part in given["accepted"] for code in part.split(",") if code.strip())
    for code in accepted - set(CODES):
        from ..domain.suggest import suggest

        fail_usage(f"no loss is called `{code[:40]}`: {suggest(code, CODES)}", format_)
    for folder in given["system"]:
        if not os.path.isdir(folder):
            fail_usage(f"`--system {folder}` is not a folder", format_)
    for name, said in (("pinned", given["pinned"]), ("credential", given["credentials"])):
        if said and not given["intercept"]:
            fail_usage(f"`--{name}` belongs to `--intercept`", format_)
    variables = dict(os.environ)
    why = poisoned(variables, port)
    if why:
        fail_usage(why, format_)
    return StartOptions(
        variables, sources, tuple(os.path.realpath(f) for f in given["system"]), accepted, given["reads"],
        not given["no_network"] and _leads_out(port), given["log"] or "", given["intercept"], tuple(given["pinned"]),
    )  # fmt: skip


def _leads_out(port: DecisionPort) -> bool:
    """Whether a proxy is of use: the policy grants some connection, and what reads HTTP is installed."""
    import importlib.util

    return importlib.util.find_spec("httptools") is not None and port.policy.engine.grants("connect")


def observe(port: DecisionPort, options: StartOptions, words: Sequence[str]) -> int:
    """Run a command without walls, and record what they would stop. Raises WallsError when it cannot be watched."""
    box = Box(observing(port), port)
    with ExitStack() as stack:
        stack.callback(box.close)
        box.build()
        return box.run(words, os.getcwd(), options.variables)


def run(start: Start, port: DecisionPort, options: StartOptions, words: Sequence[str], given: Mapping[str, Any]) -> int:
    """Build the walls, run a command within, and take them down. Raises WallsError when they cannot be built."""
    with ExitStack() as stack:
        answers = stack.enter_context(_service(port, given))
        ways = Ways(port, start, given["forward"])
        made, texts, more = stack.enter_context(_intercepted(start, port, options, given["credentials"]))
        box = Box(designed(start, options, ways.ports, texts), port)
        stack.callback(box.close)
        stack.callback(ways.close)  # before the box: the listeners are its own
        box.build()
        listeners = list(box.sockets)
        first = listeners.pop(0) if listeners else None
        if given["verify"]:
            from ..walls.verifying import verified

            with ways.rehearsed(listeners) as tried:
                found = verified(box, port, start.plan, tried, options.variables)
            _as_planned(found)
        if first is not None:
            channel = OnFirstUse(first, lambda listener: _channel(listener, answers, port))
            channel.start()
            stack.callback(channel.stop)
        ways.open(listeners, made)
        variables = environment(options.variables, port, start.plan.home, ways.proxy, more)
        code = box.run(words, _folder(start.plan.workspace), variables)
    if code in NOT_STARTED:
        _name_hidden(words[0], variables.get("PATH"), start)
    return code


@contextmanager
def _intercepted(
    start: Start, port: DecisionPort, options: StartOptions, sources: Sequence[str]
) -> Iterator[tuple[Interception | None, dict[str, str], dict[str, str]]]:
    """Mitmproxy as long as the walls stand, what files hold inside for it, and variables. Raises WallsError."""
    if not options.intercept or not start.network:
        yield None, {}, {}
        return
    from ..egress.credentials import credentials_of
    from ..egress.interception import Interception, trusting
    from ..pep.repository import remotes_of

    if start.bubblewrap is None:
        raise WallsError("`--intercept` needs bubblewrap, which shows programs inside whom to trust")
    try:
        credentials = credentials_of(sources, options.variables, port)
        made = Interception(
            port.connection, port.asked, at_once=port.at_once, foresee=port.may_connect, credentials=credentials,
            remotes=remotes_of(start.plan.workspace, start.plan.home), pinned=options.pinned,
            tell=lambda text: click.echo(f"policy run: {text}", err=True),
        )  # fmt: skip
        made.start()
    except PolicyLangError as error:
        raise WallsError(str(error)) from None
    try:
        variables = {**trusting(made.trusted), **credentials.placeholders}
        yield made, {made.trusted: made.authorities}, variables
    finally:
        made.stop()


def _name_hidden(program: str, search_path: str | None, start: Start) -> None:
    """Say that a program is installed where nothing is there inside, and what shows it."""
    import shlex

    from ..walls.hidden_program import hidden_program

    folders = hidden_program(program, search_path, start.plan)
    if folders:
        shown = " ".join(shlex.join(["--system", folder]) for folder in folders)
        why = f"`{program}` is not there inside; `{shown}` shows it, or a rule that grants reading it"
        click.echo(f"policy run: {why}", err=True)


def _channel(listener: socket.socket, answers: Answers | None, port: DecisionPort) -> Serves:
    from ..walls.answers import PolicyAnswers
    from ..walls.channel import HookChannel

    return HookChannel(listener, answers or PolicyAnswers(port, port.log))


@contextmanager
def _service(port: DecisionPort, given: Mapping[str, Any]) -> Iterator[Answers | None]:
    """A session at the service that is named, as long as the walls stand: who answers hooks and asks people.

    Raises WallsError when there is none to be had.
    """
    path = given["socket_path"]
    if path is None:
        yield None
        return
    from ..egress.asking import ServiceAsker
    from ..pep.deciders import ServiceDecider
    from ..pep.sessions import end_session, policy_digest, start_session, why_ended
    from ..walls.answers import ServiceAnswers
    from ..walls.watching import Watch
    from .calling import token_of

    like = port.like
    watch = None
    if like.agent is None:
        fail_usage("the service's sessions are agents': give `--agent NAME`")
    try:
        session = start_session(
            path, token_of(given), like.agent, str(like.workspace), str(like.home), like.repo, confined=True
        )
    except PolicyLangError as error:
        raise WallsError(f"no session at `{path}`: {error}") from None
    try:
        digest = policy_digest(path, session.token)
        if digest != port.policy.digest:
            raise WallsError(f"the service decides by another policy ({digest[:19]}...) than the walls do")
        decider = ServiceDecider(path, session.token, frozenset({0, os.geteuid()}))
        port.asks(ServiceAsker(decider, given["wait"]))
        watch = Watch(port, lambda: why_ended(path, session, digest))
        watch.start()
        yield ServiceAnswers(path, session.token, given["wait"])
    finally:
        if watch is not None:
            watch.stop()
        with suppress(PolicyLangError):
            end_session(path, session)


def examine_walls(given: Mapping[str, Any], format_: str) -> list[CheckResult]:
    """What can be built here, and whether it does what the policy says. Leaves with 2 for a policy with mistakes."""
    from ..pep.installation import BAD, GOOD, WARN, CheckResult
    from ..walls.launch import prepared
    from ..walls.verifying import verified

    port, sources = port_of({"observe": False, "hold": (), "log": None, "agent": None, **given}, format_)
    options = StartOptions(dict(os.environ), sources, accepted=frozenset(CODES), network=_leads_out(port))
    try:
        start = prepared(port, options, planning=True)
        out = [CheckResult(GOOD, f"the kernel has Landlock {start.abi}, and filters of system calls")]
        if start.bubblewrap is None:
            program = mounts.bubblewrap()
            why = "is not installed" if program is None else f"does not work here: {mounts.why_not(program)}"
            out.append(
                CheckResult(
                    WARN,
                    f"bubblewrap {why}",
                    "install it, or allow namespaces to users (the how-to page on CI and containers)",
                )
            )
        else:
            out.append(CheckResult(GOOD, f"bubblewrap works: `{start.bubblewrap}`"))
        out += _interception_check(start)
        with ExitStack() as stack:
            ways = Ways(port, start, ())
            stack.callback(ways.close)
            box = Box(designed(start, options, ways.ports), port)
            stack.callback(box.close)
            box.build()
            with ways.rehearsed(box.sockets[1:]) as tried:
                found = verified(box, port, start.plan, tried, options.variables)
    except (WallsError, SearchLimitError) as error:
        return [CheckResult(BAD, str(error), "`policy run --plan` shows what would be built")]
    out += [CheckResult(BAD, f"{t.attempt.shown} inside: {t.shown}, which is not as planned") for t in found.wrong]
    out.append(CheckResult(GOOD, f"tried inside: {found.shown}"))
    return out


def _interception_check(start: Start) -> list[CheckResult]:
    """Whether what is within TLS can be decided, where rules speak of it."""
    from ..egress.interception import find_program
    from ..pep.installation import GOOD, WARN, CheckResult

    if not {"methods", "credentials"} & {loss.code for loss in start.losses}:
        return []
    if find_program() is not None:
        return [CheckResult(GOOD, "mitmproxy is there: `--intercept` decides what is within TLS")]
    why = "rules speak of methods and paths of https, or of where credentials go, and mitmproxy is not installed"
    return [CheckResult(WARN, why, "install it, and give `policy run --intercept`")]


def _as_planned(found: Verification) -> None:
    """Say what was tried. Raises WallsError when the walls are not as planned."""
    if found.wrong:
        lines = [f"  {t.attempt.shown}: {t.shown}" for t in found.wrong]
        raise WallsError("\n".join(["the walls are not as planned:", *lines]))
    click.echo(f"verified: {found.shown}", err=True)


def _folder(workspace: str) -> str:
    here = os.path.realpath(os.getcwd())
    return here if f"{here}/".startswith(f"{workspace}/") else workspace
