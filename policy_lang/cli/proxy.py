"""`policy proxy`: the way out for one agent, whose connections the policy decides."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import signal
import sys
import threading
from typing import Any

import click

from .common import fail_usage, write_file
from .deciding import DECIDER

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from ..egress.decisions import ConnectionRuling, Decide
    from ..egress.interception import Interception
    from ..egress.port import ConnectionPort
    from ..egress.service import ServicePort


@click.command(name="proxy")
@click.option("--agent", required=True, metavar="NAME", help="The agent that everything is that connects.")
@DECIDER(
    "The policy, perhaps compiled, as it is now.",
    "Instead: the service that decides and asks people.",
    "With --policy: record every decision there before it takes effect.",
)
@click.option(
    "--listen", default="127.0.0.1:0", show_default=True, metavar="ADDRESS", help="127.0.0.1:PORT, or unix:PATH.",
)  # fmt: skip
@click.option("--expose", is_flag=True, help="Let --listen be an address that others can reach.")
@click.option("--group", metavar="GROUP", help="With unix:PATH: members of this group may connect as well.")
@click.option("--intercept", is_flag=True, help="Decide what is within TLS, by mitmproxy, which ends it.")
@click.option("--pinned", multiple=True, metavar="HOST", help="With --intercept: leave the TLS of this host alone.")
@click.option(
    "--credential", "credentials", multiple=True, metavar="NAME=SOURCE",
    help="With --intercept: what `use NAME for HOST` adds; env:VARIABLE, file:PATH, keyring:SERVICE/USER.",
)  # fmt: skip
@click.option(
    "--remote", "remotes", multiple=True, metavar="NAME=URL", help="With --intercept: what rules call a git server."
)
@click.option(
    "--environment", metavar="FILE", help="Write the variables that the agent's programs need there, as `NAME=VALUE`."
)
@click.option("--authorities", metavar="FILE", help="With --intercept: write whom these programs are to trust there.")
@click.option("--verbose", is_flag=True, help="Print each connection that is decided or fails.")
def command(**given: Any) -> None:
    """Be the way out for an agent: an HTTP and SOCKS5 proxy that asks the policy for every connection.

    \b
    policy proxy --agent codex --policy web.policy --listen 127.0.0.1:3128
    policy proxy --agent codex --socket /run/policy_lang/policy.sock
    curl -x http://127.0.0.1:3128 https://example.com/

    Whoever can connect is the agent: nothing that a connection says of itself changes that. Requests are not
    `confined`: nothing here keeps programs from going another way. `policy run` does, with the same proxy inside.

    Says on standard output where it listens, once it does; ends on SIGTERM.
    """
    if (given["policy"] is None) == (given["socket_path"] is None):
        fail_usage("say who decides: either `--policy FILE` or `--socket PATH`")
    for name, needed, value in (("log", "policy", given["log"]), ("token-file", "socket_path", given["token_file"])):
        if value is not None and given[needed] is None:
            fail_usage(f"`--{name}` belongs to `--{needed.removesuffix('_path')}`")
    for name in ("pinned", "credentials", "remotes", "authorities"):
        if given[name] and not given["intercept"]:
            fail_usage(f"`--{name.removesuffix('s') if name != 'authorities' else name}` belongs to `--intercept`")
    if given["intercept"] and not given["authorities"]:
        fail_usage("`--intercept` needs `--authorities FILE`, which the agent's programs are to trust")
    from ..egress.proxy import Proxy, ProxyUnavailableError

    port, close = _port(given)
    decide: Decide = port.connection
    more: dict[str, Any] = {n: f for n in ("at_once", "foresee") if (f := getattr(port, n, None)) is not None}
    with contextlib.ExitStack() as stack:
        stack.callback(close)
        listener, shown = _listener(given)
        path = listener.getsockname() if shown.startswith("unix:") else None
        if given["verbose"]:  # who prints may have to wait
            decide, more = _printing(decide), {**more, "at_once": None, "refused": _tell}
        variables: dict[str, str] = {}
        if given["intercept"]:
            more["interception"], variables = _intercepted(given, port, decide, more, stack)
        ending = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: ending.set())
        try:
            served = Proxy(decide, listener, **more)
        except ProxyUnavailableError as error:
            fail_usage(str(error))
        stack.callback(served.stop)
        served.start()
        if path is not None:
            stack.callback(_remove, path, os.stat(path))
        if given["environment"]:
            _write_environment(given["environment"], shown, variables)
        click.echo(f"listening on {shown}")
        sys.stdout.flush()
        ending.wait()


def _port(given: dict[str, Any]) -> tuple[ConnectionPort | ServicePort, Callable[[], None]]:
    """Who decides, and what is to be done at the end. Leaves with 2 when nobody can."""
    from ..domain.faults import PolicyLangError
    from .deciding import agent_port

    try:
        return agent_port(given, given["agent"], "connect", "localhost", "proxy")
    except PolicyLangError as error:
        fail_usage(f"no session at `{given['socket_path']}`: {error}")


def _intercepted(
    given: dict[str, Any],
    port: ConnectionPort | ServicePort,
    decide: Decide,
    more: dict[str, Any],
    stack: contextlib.ExitStack,
) -> tuple[Interception, dict[str, str]]:
    """Mitmproxy until the end, and the variables that go with it. Leaves with 2 when it cannot be had."""
    from ..domain.faults import PolicyLangError
    from ..egress.credentials import credentials_of, given_credentials, read_credential
    from ..egress.interception import Interception, trusting
    from ..egress.port import ConnectionPort
    from ..pep.repository import places_of

    remotes = [text.partition("=")[::2] for text in given["remotes"]]
    for name, url in remotes:
        if not name or not url:
            fail_usage(f"`--remote {name[:40]}` is not `NAME=URL`")
    sources = given["credentials"]
    try:
        credentials = (
            credentials_of(sources, os.environ, port)
            if isinstance(port, ConnectionPort)
            else given_credentials(dict(read_credential(text, os.environ) for text in sources), port.asked)
        )
        known = {name: more[name] for name in ("at_once", "foresee") if name in more}
        made = Interception(
            decide, port.asked, **known, credentials=credentials, remotes=places_of(remotes), pinned=given["pinned"],
            tell=lambda text: click.echo(text, err=True),
        )  # fmt: skip
        made.start()
    except PolicyLangError as error:
        fail_usage(str(error))
    stack.callback(made.stop)
    path = os.path.abspath(given["authorities"])
    write_file(path, made.authorities, "text")
    return made, {**trusting(path), **credentials.placeholders}


def _write_environment(path: str, shown: str, variables: dict[str, str]) -> None:
    from ..walls.environment import proxied

    values = {**proxied(shown), **variables} if shown.startswith("http://") else variables
    write_file(path, "".join(f"{name}={value}\n" for name, value in values.items()), "text")


def _listener(given: dict[str, Any]) -> tuple[socket.socket, str]:
    """The listening socket and its address as a proxy's. Leaves with 2 for what may not be."""
    from ..daemon.identity.config import ServiceConfigError, group_id
    from ..daemon.safe_place import UnsafePlaceError
    from ..daemon.transport.sockets import listen_tcp, listen_unix

    address = given["listen"]
    path = address.removeprefix("unix:")
    if given["group"] is not None and path == address:
        fail_usage("`--group` belongs to `--listen unix:PATH`")
    try:
        if path != address:
            group = given["group"]
            return listen_unix(path, None if group is None else group_id(group)), address
        listener = listen_tcp(address, anywhere=given["expose"])
    except (ServiceConfigError, UnsafePlaceError) as error:
        more = "" if given["expose"] else "; `--expose` lets it be another"
        fail_usage(f"{error}{more if 'loopback' in str(error) else ''}")
    host, port = listener.getsockname()[:2]
    if not ipaddress.ip_address(host).is_loopback:
        who = f"whoever can reach `{address}` is `{given['agent']}` to it"
        click.echo(f"warning: {who}; let nobody do so but the agent's own network", err=True)
    return listener, f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _remove(path: str, made: os.stat_result) -> None:
    with contextlib.suppress(OSError):
        if os.path.samestat(made, os.lstat(path)):
            os.unlink(path)


def _printing(decide: Decide) -> Decide:
    """The same, and each decision is printed."""

    def printed(url: str, method: str | None, addresses: tuple[str, ...]) -> ConnectionRuling:
        ruling = decide(url, method, addresses)
        where = f" ({', '.join(addresses)})" if addresses else ""
        shown = f"{method or 'tunnel'} {url}{where}"
        _print(f"{'allow' if ruling.allowed else 'deny'} {shown}{'' if ruling.allowed else f': {ruling.reason}'}")
        return ruling

    return printed


def _tell(url: str, reason: str) -> None:
    _print(f"failed {url or 'a connection'}: {reason}")


def _print(line: str) -> None:
    from ..audit.redact import redacted

    click.echo("".join(c if c.isprintable() else "?" for c in redacted(line)), err=True)
