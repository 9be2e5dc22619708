"""`policy serve`: answer over a Unix socket until told to stop."""

from __future__ import annotations

import contextlib
import os
import socket
import sys

import click

from .common import fail_usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..approvals.store import Store
    from ..daemon.approval_service import ApprovalService
    from ..daemon.identity.browser_sessions import ConsoleAccess
    from ..daemon.identity.config import Config
    from ..daemon.proposals import ProposalService
    from ..daemon.recorder import Recorder
    from ..daemon.service import PolicyService
    from ..daemon.signals import Signals
    from ..daemon.state import ServiceState
    from ..daemon.transport.ports import Endpoint
    from ..domain.strict_json import Json
    from .recording import ServiceLog


@click.command(name="serve")
@click.option(
    "--policy", required=True, metavar="FILE", help="The policy, perhaps compiled; read again when it changes."
)
@click.option("--socket", "socket_path", metavar="PATH", help="Where to listen; by default below $XDG_RUNTIME_DIR.")
@click.option("--group", metavar="GROUP", help="Members of this group may connect as well (mode 0660).")
@click.option("--tcp", metavar="ADDRESS", help="Listen on 127.0.0.1:PORT as well; needs a token.")
@click.option(
    "--console",
    metavar="[PATH|ADDRESS]",
    is_flag=False,
    flag_value="",
    help="A web page for people who approve: on a Unix socket, beside the service's, or at PATH; or on 127.0.0.1:PORT.",
)
@click.option(
    "--console-group", metavar="GROUP", help="Members of this group reach the console; by default those of --group."
)
@click.option("--token-file", metavar="FILE", help="A private file with the token that TCP callers show.")
@click.option("--agent", "agents", multiple=True, metavar="NAME", help="The agent that this user's own processes are.")
@click.option("--config", metavar="FILE", help="Who may ask, and as whom (TOML), instead of --agent.")
@click.option("--state", metavar="FOLDER", help="A private folder where what is frozen outlives the service.")
@click.option("--log", metavar="FOLDER", help="Record every decision there before it is given.")
@click.option("--sign", metavar="KEY", help="Sign the log's checkpoints with this key, not one of its own in --state.")
@click.option("--no-sign", is_flag=True, help="With --log: do not sign.")
@click.option(
    "--anchor", "anchors", multiple=True, metavar="PLACE", help="Bring the log's heads to this file, or `syslog`."
)
@click.option("--anchor-command", metavar="PROGRAM", help="A program that gets each head on its standard input.")
@click.option("--anchor-required", is_flag=True, help="Allow nothing while a place takes no heads.")
@click.option("--observe", is_flag=True, help="With --log: record what would be stopped, and let it pass.")
@click.option("--hold", multiple=True, metavar="RULE", help="With --observe: stop what this rule, or module, stops.")
@click.option(
    "--no-flush", is_flag=True, help="Do not wait for the disk: records survive this process, not the machine."
)
def command(
    policy: str,
    socket_path: str | None,
    group: str | None,
    tcp: str | None,
    console: str | None,
    console_group: str | None,
    token_file: str | None,
    agents: tuple[str, ...],
    config: str | None,
    state: str | None,
    log: str | None,
    sign: str | None,
    no_sign: bool,
    anchors: tuple[str, ...],
    anchor_command: str | None,
    anchor_required: bool,
    observe: bool,
    hold: tuple[str, ...],
    no_flush: bool,
) -> None:
    """Answer requests over HTTP on a Unix socket.

    \b
    policy serve --policy web.policy --agent codex-web
    curl --unix-socket $XDG_RUNTIME_DIR/policy_lang/policy.sock \\
         http://localhost/v1/decide \\
         --data '{"action": "read", "resource": "src/app.ts"}'

    Callers are identified by the kernel (the peer's user) or by a token, and --agent or --config say which agents
    that is. Nothing that a request says of itself changes it.

    Stops on SIGTERM; reads the policy again on SIGHUP and when its files change. A change that an agent could
    have made, since it may run as the files' owner, waits for SIGHUP. What cannot be loaded leaves the last good
    policy in force; when there is none yet, everything is denied. With --log nothing is allowed that could not be
    recorded; with --state as well, the log is signed with a key of the service's own, `log.key`. With --observe
    everything is decided and recorded, and only the protected floor and what --hold names stop anybody.
    """
    try:
        import httptools  # noqa: F401
    except ImportError:
        fail_usage('the service needs a package more: `pip install "policy-lang[serve]"`')
    if bool(agents) == bool(config):
        fail_usage("say who asks: either `--agent NAME` or `--config FILE`")
    if (tcp is not None) != (token_file is not None) and config is None:
        fail_usage("`--tcp` and `--token-file` belong together")
    if observe and log is None:
        fail_usage("`--observe` is of no use without a record: give `--log FOLDER`")
    if hold and not observe:
        fail_usage("`--hold` belongs to `--observe`: without it everything holds")
    if console_group is not None and console is None:
        fail_usage("`--console-group` belongs to `--console`")
    from .recording import recording

    if not os.path.isfile(policy):
        fail_usage(f"there is no file `{policy}`")
    records = recording(log, state, sign, no_sign, not no_flush, anchors, anchor_command, anchor_required)
    import asyncio

    held = frozenset(hold) if observe else None
    page = None if console is None else (console, console_group or group)
    own = tuple(os.path.abspath(p) for p in (config, state, log, sign, token_file, socket_path) if p is not None)
    sys.exit(
        asyncio.run(
            _serve(policy, socket_path, group, tcp, page, token_file, agents, config, state, records, held, own)
        )
    )


async def _serve(
    policy: str,
    socket_path: str | None,
    group: str | None,
    tcp: str | None,
    console: tuple[str, str | None] | None,
    token_file: str | None,
    agents: tuple[str, ...],
    config: str | None,
    state: str | None,
    records: ServiceLog | None,
    observe: frozenset[str] | None,
    own: tuple[str, ...],
) -> int:
    from ..approvals.store import StoreUnavailableError
    from ..daemon.frozen_store import FrozenStore
    from ..daemon.identity.config import ServiceConfigError, group_id, plain_config, read_config
    from ..daemon.safe_place import UnsafePlaceError
    from ..daemon.transport import sockets
    from ..daemon.transport.diary import log, notify
    from ..daemon.transport.server import Server

    try:
        settings = read_config(config) if config is not None else plain_config(agents, token_file)
        kept = FrozenStore(state)
        store = _store(settings, state)
        if store is not None and records is not None:
            records.compare(store)
        passed = sockets.activated()
        if passed is not None:
            listeners = [passed]
        else:
            place = socket_path or sockets.default_socket()
            if place is None:
                fail_usage("there is no $XDG_RUNTIME_DIR; say where to listen with `--socket PATH`")
            if socket_path is None:
                os.makedirs(os.path.dirname(place), mode=0o700, exist_ok=True)
            listeners = [sockets.listen_unix(place, None if group is None else group_id(group))]
        if tcp is not None:
            listeners.append(sockets.listen_tcp(tcp))
        page = None if console is None else _console_listener(*console, listeners[0].getsockname(), settings)
    except (ServiceConfigError, StoreUnavailableError, UnsafePlaceError) as error:
        fail_usage(str(error))
    service = _service(policy, settings, kept.state, store, records, page, observe, own)
    if records is not None:
        service.decisions.steps.restore(records.decisions())
    endpoints = {listener: _interface(service) for listener in listeners}
    if page is not None:
        endpoints[page] = _console(service)
    made = [s.getsockname() for s in endpoints if s.family == socket.AF_UNIX and s is not passed]
    ours = [(place, os.stat(place)) for place in made]
    for notice in service.notices:
        log("warning", text=notice)
    await Server(service, endpoints).run(notify)
    for place, status in ours:
        with contextlib.suppress(OSError):
            if os.path.samestat(status, os.lstat(place)):
                os.unlink(place)
    return 0


def _console_listener(console: str, group: str | None, service_place: str, settings: Config) -> socket.socket:
    """The console's: beside the service's socket, at a path, or over TCP. Raises UnsafePlaceError."""
    from ..daemon.identity.config import group_id
    from ..daemon.transport import sockets

    if console and "/" not in console:
        if settings.proxy is not None:
            fail_usage("a reverse proxy says who calls over a Unix socket only: `--console` without an address")
        return sockets.listen_tcp(console)
    place = console or os.path.join(os.path.dirname(os.path.abspath(service_place)), "console.sock")
    return sockets.listen_unix(place, None if group is None else group_id(group))


def _service(
    policy: str,
    settings: Config,
    state: ServiceState,
    store: Store | None,
    records: ServiceLog | None,
    page: socket.socket | None,
    observe: frozenset[str] | None,
    own: tuple[str, ...],
) -> PolicyService:
    """The service, put together. `page` is the console's listener; agents leave the files and folders in `own` alone.

    Leaves with 2 when that cannot be.
    """
    from ..daemon.active import ActivePolicy
    from ..daemon.api.openapi import document
    from ..daemon.deciding.pool import DeciderPool
    from ..daemon.policy_source import source_of
    from ..daemon.recorder import Recorder
    from ..daemon.service import PolicyService
    from ..daemon.signals import Signals
    from ..daemon.store_thread import StoreThread
    from ..daemon.transport.diary import log

    signals = Signals()
    recorder = Recorder(log, pending=signals.records_pending, count=_counting(store))
    if records is not None:
        records.begin(recorder)
    approvals = None if store is None else _approvals(store, settings, recorder, signals)
    if page is not None and approvals is None:
        fail_usage("`--console` shows what waits for people, and the configuration names no `[[person]]`")
    proposals = None if approvals is None else _proposals(approvals, settings, state, recorder, signals)
    pool = DeciderPool(settings.budgets, recorder.record_event)
    active = ActivePolicy(source_of(policy, own), settings.principals.agents, observe, pool)
    return PolicyService(
        active, settings.principals, state, recorder, signals, approvals,
        console=None if page is None else _console_access(page, settings), proposals=proposals, pool=pool,
        store_thread=None if store is None else StoreThread(),
        description=document(),
    )  # fmt: skip


def _counting(store: Store | None) -> Callable[[], tuple[str, int] | None]:
    """What tells how many changes the store has had."""
    return lambda: None if store is None else (store.name, store.changes)


def _store(settings: Config, state: str | None) -> Store | None:
    """Where tickets are kept, when there are people to ask. Leaves with 2 when that cannot be."""
    if not settings.principals.people.persons:
        if settings.store:
            fail_usage("the configuration says where tickets are kept, and names no `[[person]]` who is asked")
        return None
    if state is None:
        fail_usage("people who approve need `--state FOLDER`: what they said must outlive the service")
    from ..approvals.kinds import kind_of

    kind = kind_of(settings.store)
    assert kind is not None, "the configuration was read"
    try:
        return kind.opened(settings.store, state)
    except ImportError:
        fail_usage(f'tickets in {kind.name} need a package more: `pip install "policy-lang[{kind.extra}]"`')


def _approvals(store: Store, settings: Config, recorder: Recorder, signals: Signals) -> ApprovalService:
    """What asks people, and tells them."""
    import asyncio
    from functools import partial

    from ..daemon.approval_service import ApprovalService
    from ..daemon.notify import Notifier, ProgramSender, Sender, WebhookSender, several

    senders: list[Sender] = [ProgramSender(settings.command)] if settings.command else []
    if settings.webhook is not None:
        senders.append(WebhookSender(*settings.webhook))
    tell = several([Notifier(sender, recorder.record_event, settings.console_url) for sender in senders])
    loop = asyncio.get_running_loop()

    def notify(event: str, ticket: Json) -> None:
        """Tickets are made in a thread."""
        loop.call_soon_threadsafe(partial(tell, event, ticket))

    store.hint(signals.tickets_changed)
    return ApprovalService(store, settings.principals, recorder.record_event, notify, changed=signals.tickets_changed)


def _proposals(
    approvals: ApprovalService, settings: Config, state: ServiceState, recorder: Recorder, signals: Signals
) -> ProposalService | None:
    """What takes proposals of rules, where the configuration says who accepts them."""
    from ..daemon.grants import Grants
    from ..daemon.proposal_book import ProposalBook
    from ..daemon.proposals import ProposalService
    from ..daemon.weighing.work import Weighing

    if not settings.approvers:
        return None
    book = ProposalBook(approvals.store, approvals.now, recorder.record_event, signals.tickets_changed)
    weighing = Weighing(signals.tickets_changed)
    grants = Grants(book, state, weighing)
    grants.started_anew()
    return ProposalService(book, grants, settings.principals, weighing, settings.approvers, settings.repository)


def _interface(service: PolicyService) -> Endpoint:
    """What answers programs."""
    from functools import partial

    from ..daemon.api.routes import handle
    from ..daemon.transport.connection import admit
    from ..daemon.transport.ports import Endpoint

    return Endpoint(partial(handle, service), admit)


def _console_access(listener: socket.socket, settings: Config) -> ConsoleAccess:
    """Who is signed in at the console, by the addresses that browsers have for it."""
    from ..daemon.identity.browser_sessions import ConsoleAccess

    name = listener.getsockname()
    if isinstance(name, str):
        return ConsoleAccess(os.path.abspath(name), proxy=settings.proxy)
    host, port = name[:2]
    shown = f"[{host}]" if ":" in host else host
    return ConsoleAccess(f"{shown}:{port}", (f"http://{shown}:{port}", f"http://localhost:{port}"))


def _console(service: PolicyService) -> Endpoint:
    """What answers browsers. Leaves with 2 when a package is missing."""
    try:
        from ..daemon.console.endpoint import endpoint
        from ..daemon.console.routes import Console
    except ImportError:
        fail_usage('the console needs a package more: `pip install "policy-lang[serve]"`')
    assert service.console is not None
    return endpoint(Console(service, service.console))
