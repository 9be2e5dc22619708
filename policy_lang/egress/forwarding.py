"""One request of HTTP to its peer and the reply back, each written anew."""

from __future__ import annotations

import asyncio

from ..domain.faults import reason_of
from ..domain.limits import limit
from .decisions import Decisions
from .messages import HttpRequest, PeerReply
from .peers import Peer, connect
from .wires import EgressError, Wire, moving, read_head, together


class Upstream:
    """The connection to the peer of one client's latest request: a further request to it need not connect again.

    Each request is decided of its own, with the addresses of then; a connection serves it if it leads to one of these.
    `server` is one that is there already.
    """

    def __init__(self, decisions: Decisions, peer: Peer | None = None, server: Wire | None = None) -> None:
        self._decisions = decisions
        self._peer = peer
        self._server = server
        self._used = False
        """Whether a request went over the connection before, so that the peer may just have closed it."""

    async def _to(self, request: HttpRequest) -> Wire:
        """A connection that was decided for this request. Raises EgressError."""
        addresses = await self._decisions.addresses(request.peer, request.url, request.method)
        server, self._server = self._server, None
        if server is not None:
            fits = request.peer == self._peer and server.address in addresses and (request.repeatable or not self._used)
            if fits and _is_quiet(server):
                self._server = server
                return server
            server.close()
        return await self._anew(request.peer, addresses)

    async def _anew(self, peer: Peer, addresses: tuple[str, ...]) -> Wire:
        """A fresh connection to one of these addresses. Raises EgressError."""
        self.close()
        self._server = await connect(addresses, peer.port)
        self._peer, self._used = peer, False
        return self._server

    async def forward(self, client: Wire, request: HttpRequest) -> bool:
        """Hand on a request and its reply. Whether the client may send another one. Raises EgressError, OSError."""
        reply = None
        try:
            reply = await self._forward(client, request, await self._to(request))
        finally:
            if reply is not None and reply.persists and request.repeatable:
                self._used = True
            else:
                self.close()
        return reply.kept and request.complete

    async def _forward(self, client: Wire, request: HttpRequest, server: Wire) -> PeerReply:
        first = request.onward()
        ahead = b"" if request.complete else client.ahead()
        if ahead:
            first += _taken(client, request, ahead)
        async with moving(client, server):
            if request.complete:
                task = asyncio.current_task()
                assert task is not None
                with client.watched(task.cancel):
                    return await self._asked(client, server, request, first)
            await server.send(first)
            return await together(_answer(client, server, request), _upload(client, server, request), both=False)

    async def _asked(self, client: Wire, server: Wire, request: HttpRequest, first: bytes) -> PeerReply:
        """The reply to a request that is whole. It is sent once more if the peer has just closed the connection."""
        try:
            return await _sent(client, server, request, first)
        except EgressError:
            if not self._used or client.begun:  # only what is repeatable goes over a connection again
                raise
        return await _sent(client, await self._anew(request.peer, (server.address,)), request, first)

    def close(self) -> None:
        """Break the connection, if there is one."""
        if self._server is not None:
            self._server.abort()
            self._server = None


def _is_quiet(server: Wire) -> bool:
    """Whether a connection stands and nothing has come that nobody has asked for."""
    try:
        return not server.check()
    except OSError:
        return False


def _taken(client: Wire, request: HttpRequest, data: bytes) -> bytes:
    """The part of the data that is the request's body, framed anew; the rest is the next request's."""
    body, rest = request.feed(data)
    client.put_back(rest)
    return body


async def _sent(client: Wire, server: Wire, request: HttpRequest, first: bytes) -> PeerReply:
    try:
        await server.send(first)
    except OSError as error:
        raise _silent(reason_of(error)) from None
    return await _answer(client, server, request)


async def _upload(client: Wire, server: Wire, request: HttpRequest) -> None:
    """Hand on the body as it was parsed. Afterwards only the client's end is of interest."""
    while not request.complete:
        data = await client.receive()
        if not data:
            raise EgressError(400, "the body of the request is cut short")
        body = _taken(client, request, data)
        try:
            await server.send(body)
        except OSError:  # it may have answered before it stopped to listen
            return
    await client.readable()
    client.check()


async def _answer(client: Wire, server: Wire, request: HttpRequest) -> PeerReply:
    """Hand on the reply."""
    left = limit("egress_reply_head_bytes")
    while True:
        try:
            head = await read_head(server, left, 502)
        except OSError as error:
            raise _silent(reason_of(error)) from None
        if not head:
            raise _silent("it has closed the connection")
        left -= len(head)
        reply = PeerReply(head, request)
        if reply.status >= 200:
            break
        if request.version == b"HTTP/1.1":  # HTTP/1.0 knows no interim replies
            await client.send(reply.onward(kept=True))
    reply.kept = reply.kept and request.complete
    ahead = server.ahead()
    await client.send(reply.onward(kept=reply.kept) + (reply.feed(ahead) if ahead else b""))
    while not reply.complete:
        data = await server.receive()
        body = reply.feed(data)
        if not data:
            break
        await client.send(body)
    return reply


def _silent(why: str) -> EgressError:
    return EgressError(502, f"the host does not answer: {why}", error="connection_terminated")
