"""The hosts on the other side: their one spelling, their addresses, connections to nothing but these."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import os
import socket
from collections.abc import Callable, Iterable

from ..domain.errors import RequestError
from ..domain.faults import reason_of
from ..domain.limits import limit
from ..domain.record import record
from ..facts.hosts import Address, normal_host, split_port
from .wires import EgressError, Wire, writable

Resolve = Callable[[str, int], Iterable[str]]
"""The addresses of a name, for a port. Called in a thread of its own; raises OSError."""

LOCALHOST = "localhost"
_LOOPBACK = ("127.0.0.1", "::1")
_OF_AUTHORITIES = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:[]")


@record(frozen=True, slots=True)
class Peer:
    """A host and a port, each in one spelling."""

    host: str | Address
    port: int

    @property
    def text(self) -> str:
        """The host as it stands in a URL."""
        return f"[{self.host}]" if isinstance(self.host, ipaddress.IPv6Address) else str(self.host)

    @property
    def local(self) -> bool:
        """True for this machine itself, asked for as such: a name that only leads here is not."""
        return self.host == LOCALHOST if isinstance(self.host, str) else self.host.is_loopback

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses that are known without asking anybody; `localhost` is always this machine (RFC 6761, 6.3)."""
        if isinstance(self.host, str):
            return _LOOPBACK if self.local else ()
        return (str(self.host),)


def read_peer(authority: str, port: int | None = None) -> Peer:
    """A `host:port`; `port` stands for one that is not said. Raises EgressError.

    Credentials, zones, escapes and other letters than ASCII are refused: programs differ on what they mean.
    """
    if not authority or not _OF_AUTHORITIES.issuperset(authority):
        raise EgressError(400, "this is not a host with a port")
    try:
        host, said = split_port(authority)
        found = normal_host(host)
    except RequestError as error:
        raise EgressError(400, str(error)) from None
    if said:
        port = int(said) if said.isdigit() and len(said) <= 5 else 0
    elif authority.endswith(":"):
        port = None
    if port is None or not 0 < port <= 65535:
        raise EgressError(400, "this is not a host with a port")
    return Peer(found, port)


def look_up(name: str, port: int) -> list[str]:
    """The addresses of a name, as the system says. Raises OSError."""
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return [str(row[4][0]).partition("%")[0] for row in found]


def checked(addresses: Iterable[str]) -> tuple[str, ...]:
    """Each address once, in order and in one spelling. Raises EgressError for none, too many, and what is not one."""
    try:
        found = tuple(dict.fromkeys(str(ipaddress.ip_address(a)) for a in addresses))
    except ValueError:
        raise EgressError(502, "the name leads to something that is not an address", error="dns_error") from None
    if not found:
        raise EgressError(502, "the name has no address", error="dns_error")
    if len(found) > limit("resolved_addresses"):
        why = f"the name has more than {limit('resolved_addresses')} addresses"
        raise EgressError(502, why, error="dns_error")
    return found


async def connect(addresses: tuple[str, ...], port: int) -> Wire:
    """A connection to the first of the addresses that takes one; no name is looked up. Raises EgressError."""
    loop = asyncio.get_running_loop()
    why, kind = "it has no address", "destination_unavailable"
    end = loop.time() + limit("egress_connect_seconds")
    for place, address in enumerate(addresses):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        sock = None
        try:
            sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
            # an address that does not answer leaves time for the others
            left = (end - loop.time()) / (1 if place == len(addresses) - 1 else 2)
            await _connected(sock, (address, port), loop.time() + left)
            wire, sock = Wire(sock, address), None
        except TimeoutError:
            why, kind = "it does not answer", "connection_timeout"
        except ConnectionRefusedError:
            why, kind = "it refuses the connection", "connection_refused"
        except OSError as error:
            why, kind = reason_of(error, "it cannot be reached"), "destination_unavailable"
        else:
            return wire
        finally:
            if sock is not None:
                with contextlib.suppress(OSError):
                    sock.close()
    status = 504 if kind == "connection_timeout" else 502
    raise EgressError(status, f"the host cannot be reached: {why}", error=kind)


async def _connected(sock: socket.socket, place: tuple[str, int], until: float) -> None:
    """Returns when the socket is connected. Raises OSError, of which TimeoutError is one."""
    code = sock.connect_ex(place)
    if code == errno.EINPROGRESS:
        await writable(sock, until)
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        raise OSError(code, os.strerror(code))
