"""SOCKS version 5 (RFC 1928), for programs that know no other proxy: CONNECT, without authentication."""

from __future__ import annotations

import asyncio
import ipaddress
from typing import Final

from ..domain.limits import limit
from .peers import Peer, read_peer
from .wires import EgressError, Wire

VERSION: Final = b"\5"
_NONE, _NO_METHOD = 0, 0xFF
_CONNECT = 1
_V4, _NAME, _V6 = 1, 3, 4
_FAILED, _DENIED, _UNREACHABLE, _REFUSED, _EXPIRED, _NO_COMMAND, _NO_ADDRESS = 1, 2, 4, 5, 6, 7, 8
_CODES: Final = {
    "http_request_denied": _DENIED, "destination_ip_prohibited": _DENIED, "dns_error": _UNREACHABLE,
    "dns_timeout": _EXPIRED, "destination_unavailable": _UNREACHABLE, "connection_refused": _REFUSED,
    "connection_timeout": _EXPIRED, "proxy_internal_response": _EXPIRED,
}  # fmt: skip
"""How the reply says what RFC 9209 has a type for."""


async def read_socks(client: Wire) -> Peer:
    """The peer that a client asks for. Raises EgressError, whose last words are the reply; OSError."""
    try:
        async with asyncio.timeout(limit("egress_head_seconds")):
            return await _read(client)
    except TimeoutError:
        raise EgressError(408, "the request of SOCKS has not come in time", _reply(_FAILED)) from None
    except EgressError as error:
        error.last = error.last or _reply(_FAILED)
        raise


async def _read(client: Wire) -> Peer:
    _, count = await client.take(2)
    if _NONE not in await client.take(count):
        raise EgressError(400, "the client wants a login of SOCKS", bytes((5, _NO_METHOD)))
    await client.send(bytes((5, _NONE)))
    version, command, reserved, kind = await client.take(4)
    if version != 5 or reserved:
        raise EgressError(400, "this is not SOCKS 5")
    if kind == _NAME:
        host = (await client.take((await client.take(1))[0])).decode("ascii", "replace")
        plain = host and not set(host) & set(":[]")
    elif kind in {_V4, _V6}:
        address = ipaddress.ip_address(await client.take(4 if kind == _V4 else 16))
        host, plain = f"[{address}]" if address.version == 6 else str(address), True
    else:
        raise EgressError(400, "the client names a kind of address that there is none of", _reply(_NO_ADDRESS))
    port = int.from_bytes(await client.take(2), "big")
    if command != _CONNECT:
        raise EgressError(501, "of SOCKS there is CONNECT alone", _reply(_NO_COMMAND))
    if not plain:
        raise EgressError(400, "this is not a host with a port")
    return read_peer(f"{host}:{port}")


def granted() -> bytes:
    """The reply to what is connected."""
    return _reply(0)


def refusal(error: EgressError) -> bytes:
    """The reply to what is not."""
    return error.last or _reply(_CODES.get(error.error, _FAILED))


def _reply(code: int) -> bytes:
    return bytes((5, code, 0, _V4, 0, 0, 0, 0, 0, 0))
