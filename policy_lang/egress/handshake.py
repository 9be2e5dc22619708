"""The beginning of a tunnel: TLS for the host that was asked for, on both sides, before anything else goes through.

After it, what is said is secret, and so are names: a server that is granted decides what it serves. Until then a client
could ask for one name and go on in plain words, or for another name when the server lets it begin anew.
"""

from __future__ import annotations

import asyncio

from ..domain.limits import limit
from .clienthello import server_name, size_of
from .peers import Peer
from .wires import EgressError, Wire

_CHANGE_CIPHER_SPEC, _ALERT, _HANDSHAKE, _APPLICATION_DATA = 20, 21, 22, 23
_RECORD = (1 << 14) + 256
"""RFC 8446 5.2: no record is longer."""
_SERVER_HELLO = 2
_RETRY = bytes.fromhex("CF21AD74E59A6111BE1D8C021E65B891C2A211167ABB8C5E079E09E2C8A8339C")
"""The random number of a ServerHello that asks for another ClientHello (RFC 8446 4.1.3)."""
_ACCESS_DENIED = bytes((_ALERT, 3, 1, 0, 2, 2, 49))
"""A fatal alert, `access_denied` (RFC 8446 6.2), so that a client says more than that a connection broke."""


async def begin_tls(client: Wire, server: Wire, peer: Peer) -> None:
    """Let the first words of both through. Raises EgressError when they are not TLS, or not for this peer; OSError."""
    try:
        async with asyncio.timeout(limit("egress_head_seconds")):
            await server.send(await _hello(client, peer))
        async with asyncio.timeout(limit("egress_head_seconds")):
            kind, first = await _record(server, (_HANDSHAKE, _ALERT))
            again = kind == _HANDSHAKE and _wants_another(first)
            await client.send(first)
            if again:
                await server.send(await _hello(client, peer, again=True))
    except TimeoutError:
        raise EgressError(408, "TLS has not begun in time") from None


async def _hello(client: Wire, peer: Peer, *, again: bool = False) -> bytes:
    """A ClientHello for this peer, over however many records it is spread.

    When the client begins `again`, what it had sent ahead may stand before it.
    """
    raw = message = b""
    before = (_CHANGE_CIPHER_SPEC, _APPLICATION_DATA) if again else ()
    size = None
    while size is None or len(message) < size:
        kind, record = await _record(client, (_HANDSHAKE, *(() if message else before)))
        raw += record
        if len(raw) > limit("egress_hello_bytes"):
            raise EgressError(403, "the first words of TLS are too long")
        if kind == _HANDSHAKE:
            message += record[5:]
            size = size_of(message)
    if len(message) > size:
        raise EgressError(403, "something follows the ClientHello in its record")
    name = server_name(message)
    if name != str(peer.host) and (name is not None or isinstance(peer.host, str)):
        shown = "no server name" if name is None else f"the server name `{name[:100]}`"
        raise EgressError(403, f"TLS asks for {shown}, the tunnel for `{peer.host}`", _ACCESS_DENIED)
    return raw


def _wants_another(record: bytes) -> bool:
    """Whether a server's first record asks the client to begin again."""
    if len(record) < 5 + 4 + 2 + 32 or record[5] != _SERVER_HELLO:
        raise EgressError(403, "the host does not answer in TLS")
    return record[11:43] == _RETRY


async def _record(wire: Wire, kinds: tuple[int, ...]) -> tuple[int, bytes]:
    """The next record, which is of one of these kinds, with its head."""
    kind = await wire.take(1)
    if kind[0] not in kinds:
        raise EgressError(403, "this is not TLS")
    head = await wire.take(4)
    length = int.from_bytes(head[2:], "big")
    if head[0] != 3 or head[1] > 4 or not 0 < length <= _RECORD:
        raise EgressError(403, "this is not TLS")
    return kind[0], kind + head + await wire.take(length)
