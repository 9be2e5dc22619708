"""The way out of the walls: a proxy that asks for every connection, and connects to what was decided and nothing else.

It takes CONNECT, whose tunnel must begin with a ClientHello for the host that was asked for, and requests for `http://`
URLs, one for each connection: what follows a request is never read as another one, so none can be smuggled.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import Callable
from typing import Protocol

from ..domain.faults import InternalError, PolicyLangError, reason_of
from ..domain.limits import limit
from .handshake import begin_tls
from .peers import LOCALHOST, Peer, Resolve, checked, connect, look_up
from .serving import Blocking, Serving
from .wires import EgressError, Wire, read_head, relay, together

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .messages import HttpRequest

_PHRASES = {
    400: "Bad Request", 403: "Forbidden", 408: "Request Timeout", 431: "Request Header Fields Too Large",
    501: "Not Implemented", 502: "Bad Gateway", 504: "Gateway Timeout",
}  # fmt: skip
_ESTABLISHED = b"HTTP/1.1 200 Connection Established\r\n\r\n"


class ConnectionRuling(Protocol):
    """Whether a connection may be made, and why, in words for whoever asked."""

    @property
    def allowed(self) -> bool:
        """True when it may; everything else is a refusal."""

    @property
    def reason(self) -> str:
        """Why, for the page of a refusal."""


Decide = Callable[[str, str | None, tuple[str, ...]], ConnectionRuling]
"""Decides a connection by its URL, the method where it is known, and the addresses that its name leads to.

Called in a thread of its own, several at once; may block while people are asked, and records what it decides.
Whatever it raises is a refusal.
"""
Foresee = Callable[[str, str | None], bool]
"""Whether rules might permit a connection, whatever its addresses. It asks nobody and records nothing."""
Refused = Callable[[str, str], None]
"""Is told the URL (empty when it was not understood) and the reason of what has failed otherwise than by a decision."""


class ProxyUnavailableError(InternalError):
    """The proxy cannot be had; there is no other way out, so nothing may go out."""


class Proxy:
    """Serves HTTP to whatever is inside of the walls. `listener` already listens, and belongs to the proxy from now on.

    A name is looked up only when `foresee` says that rules might permit it: lookups carry words out, too. Without
    `foresee`, `decide` itself is asked once more before, without addresses. Raises ProxyUnavailableError.
    """

    def __init__(
        self,
        decide: Decide,
        listener: socket.socket,
        *,
        foresee: Foresee | None = None,
        refused: Refused | None = None,
        resolve: Resolve = look_up,
    ) -> None:
        try:
            from .messages import HttpRequest, refusal_page, reply_head
        except ImportError:
            raise ProxyUnavailableError(
                "the proxy needs httptools; install `policy-lang[serve]`, or grant no connections"
            ) from None
        self._request, self._page, self._reply_head = HttpRequest, refusal_page, reply_head
        self._ask = _Asking(decide, refused)
        self._foresee = foresee
        self._resolve = resolve
        self._lookups = Blocking(limit("egress_lookups"))
        self._serving = Serving(listener, self._serve, "policy-proxy")

    def start(self) -> None:
        """Serve from now on, in a thread of its own."""
        self._serving.start()

    def stop(self) -> None:
        """Break all connections and close the listener. May be called again."""
        self._serving.stop()
        self._lookups.close()
        self._ask.close()

    async def _serve(self, client: Wire) -> None:
        request = None
        try:
            request = await self._read(client)
            if request is None:
                client.close()
            elif request.tunnel:
                await self._tunnel(client, request)
            else:
                await self._forward(client, request)
        except EgressError as error:
            await self._refuse(client, request, error)
        except OSError:
            client.abort()

    async def _refuse(self, client: Wire, request: HttpRequest | None, error: EgressError) -> None:
        if not isinstance(error, _DecidedError):
            await self._ask.note(request.url if request else "", error.reason)
        last = error.last
        if not client.begun:
            bare = request is not None and request.method == "HEAD"
            last = self._page(error.status, _PHRASES[error.status], error.reason, head_only=bare)
        if not last:  # it would take a page for a part of what it was sent
            client.abort()
            return
        with contextlib.suppress(OSError):
            await client.send(last)
            await client.close_gently()

    async def _read(self, client: Wire) -> HttpRequest | None:
        """The next request; None when there is none."""
        head = b""
        try:
            async with asyncio.timeout(limit("egress_head_seconds")):
                head = await read_head(client, limit("egress_head_bytes"), 400)
        except TimeoutError:
            if client.heard:  # who opens connections to have some expects no words on them
                raise EgressError(408, "the head of the request has not come in time") from None
        return self._request(head) if head else None

    async def _peer(self, request: HttpRequest) -> Wire:
        """A connection to the peer, once it is decided."""
        url, method, peer = request.url, None if request.tunnel else request.method, request.peer
        addresses = peer.addresses
        if not addresses:
            if self._foresee is None or not await self._ask.foresee(self._foresee, url, method):
                await self._ask.decide(url, method, ())
            addresses = await self._addresses(str(peer.host), peer.port)
        # what is asked for as this machine leads nowhere else: no address of it needs a grant of its own
        await self._ask.decide(url, method, () if peer.host == LOCALHOST else addresses)
        return await connect(addresses, peer.port)

    async def _addresses(self, name: str, port: int) -> tuple[str, ...]:
        try:
            async with asyncio.timeout(limit("egress_lookup_seconds")):
                return checked(await self._lookups.run(self._resolve, name, port))
        except TimeoutError:
            raise EgressError(504, "the name could not be looked up in time") from None
        except (OSError, UnicodeError) as error:
            raise EgressError(502, f"the name cannot be looked up: {reason_of(error)}") from None

    async def _tunnel(self, client: Wire, request: HttpRequest) -> None:
        server = await self._peer(request)
        try:
            await client.send(_ESTABLISHED)
            if not request.peer.local:
                await begin_tls(client, server, request.peer)
            await relay(client, server)
            client.close()
            server.close()
        finally:
            server.abort()

    async def _forward(self, client: Wire, request: HttpRequest) -> None:
        server = await self._peer(request)
        try:
            await server.send(request.onward())
            await together(
                (client, server), self._answer(client, server, request), _upload(client, server, request), until=1
            )
            await client.close_gently()
        finally:
            server.abort()

    async def _answer(self, client: Wire, server: Wire, request: HttpRequest) -> None:
        left = limit("egress_reply_head_bytes")
        status = 100
        while status < 200:
            try:
                head = await read_head(server, left, 502)
            except OSError as error:
                raise EgressError(502, f"the host does not answer: {reason_of(error)}") from None
            if not head:
                raise EgressError(502, "the host does not answer")
            left -= len(head)
            status, onward = self._reply_head(head)
            if status >= 200 or request.version == b"HTTP/1.1":  # HTTP/1.0 knows no interim replies
                await client.send(onward)
        while data := await server.receive():
            await client.send(data)


class Tunnel:
    """A granted service of this machine, `localhost:PORT` outside, at a port inside of the walls; any bytes.

    `listener` already listens, and belongs to the tunnel from now on. Each connection is decided as `localhost:PORT`.
    """

    def __init__(
        self, decide: Decide, listener: socket.socket, target: tuple[str, int], *, refused: Refused | None = None
    ) -> None:
        address, port = target
        assert ipaddress.ip_address(address).is_loopback, "a tunnel leads to this machine"
        self._target = Peer(ipaddress.ip_address(address), port)
        self._url = f"{LOCALHOST}:{port}"
        self._ask = _Asking(decide, refused)
        self._serving = Serving(listener, self._serve, f"policy-tunnel-{port}")

    def start(self) -> None:
        """Serve from now on, in a thread of its own."""
        self._serving.start()

    def stop(self) -> None:
        """Break all connections and close the listener. May be called again."""
        self._serving.stop()
        self._ask.close()

    async def _serve(self, client: Wire) -> None:
        server = None
        try:
            await self._ask.decide(self._url, None, ())
            server = await connect(self._target.addresses, self._target.port)
            await relay(client, server)
            client.close()
            server.close()
        except EgressError as error:
            if not isinstance(error, _DecidedError):
                await self._ask.note(self._url, error.reason)
        except OSError:
            pass
        finally:
            client.abort()
            if server is not None:
                server.abort()


class _DecidedError(EgressError):
    """A refusal that was decided, and so recorded where that was done."""


class _Asking:
    """The port of decisions, asked in threads and within time; whatever it does but permit is a refusal."""

    def __init__(self, decide: Decide, refused: Refused | None) -> None:
        self._decide = decide
        self._refused = refused
        self._threads = Blocking(limit("egress_connections"))

    def close(self) -> None:
        """End the threads, each when its call returns."""
        self._threads.close()

    async def decide(self, url: str, method: str | None, addresses: tuple[str, ...]) -> None:
        """Returns when it is allowed. Raises EgressError otherwise."""
        try:
            async with asyncio.timeout(limit("egress_decision_seconds")):
                ruling = await self._threads.run(self._decide, url, method, addresses)
        except TimeoutError:
            raise EgressError(504, "nobody has decided in time") from None
        except PolicyLangError as error:
            raise EgressError(403, str(error)) from None
        except Exception:  # noqa: BLE001 (fail closed)
            raise EgressError(403, "the connection could not be decided") from None
        if getattr(ruling, "allowed", None) is not True:
            raise _DecidedError(403, str(getattr(ruling, "reason", "")) or "the policy does not allow it")

    async def foresee(self, foresee: Foresee, url: str, method: str | None) -> bool:
        """False also when it is not known."""
        with contextlib.suppress(Exception):
            async with asyncio.timeout(limit("egress_decision_seconds")):
                return await self._threads.run(foresee, url, method) is True
        return False

    async def note(self, url: str, reason: str) -> None:
        """Report what was refused without a decision."""
        if self._refused is not None:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(limit("egress_decision_seconds")):
                    await self._threads.run(self._refused, url, reason)


async def _upload(client: Wire, server: Wire, request: HttpRequest) -> None:
    """Hand on the body as it was parsed. Afterwards only the client's end is of interest."""
    while not request.complete:
        data = await client.receive()
        if not data:
            raise EgressError(400, "the body of the request is cut short")
        try:
            await server.send(request.feed(data))
        except OSError:  # it may have answered before it stopped to listen
            return
    await client.receive()
