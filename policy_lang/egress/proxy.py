"""The way out: a proxy that asks for every connection, and connects to what was decided and nothing else.

It takes requests for `http://` URLs, each decided of its own and written anew, and tunnels, by CONNECT or by SOCKS 5.
In a tunnel is TLS for the host that was asked for, or requests of HTTP to it.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket

from ..domain.faults import InternalError
from ..domain.limits import limit
from .decisions import AtOnce, Decide, DecidedError, Decisions, Foresee, Refused
from .handshake import begin_tls
from .peers import LOCALHOST, Peer, Resolve, connect, look_up
from .serving import Serving
from .socks import VERSION, granted, read_socks, refusal
from .wires import EgressError, Wire, read_head, relay

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .forwarding import Upstream
    from .interception import Interception
    from .messages import HttpRequest

_PHRASES = {
    400: "Bad Request", 403: "Forbidden", 408: "Request Timeout", 431: "Request Header Fields Too Large",
    501: "Not Implemented", 502: "Bad Gateway", 504: "Gateway Timeout",
}  # fmt: skip
_ESTABLISHED = b"HTTP/1.1 200 Connection Established\r\n\r\n"


class ProxyUnavailableError(InternalError):
    """The proxy cannot be had; there is no other way out, so nothing may go out."""


class Proxy:
    """Serves whoever connects to `listener`, which already listens, and belongs to the proxy from now on.

    What is decided `at_once` needs no thread; what `foresee` says saves a decision. With an `interception`, TLS ends
    there, and what is within is decided there. Raises ProxyUnavailableError.
    """

    def __init__(
        self,
        decide: Decide,
        listener: socket.socket,
        *,
        at_once: AtOnce | None = None,
        foresee: Foresee | None = None,
        refused: Refused | None = None,
        resolve: Resolve = look_up,
        interception: Interception | None = None,
    ) -> None:
        try:
            from .forwarding import Upstream
            from .messages import HttpRequest, refusal_page
        except ImportError:
            raise ProxyUnavailableError(
                "the proxy needs httptools; install `policy-lang[serve]`, or grant no connections"
            ) from None
        self._request, self._page, self._upstream = HttpRequest, refusal_page, Upstream
        self._decisions = Decisions(decide, resolve, at_once=at_once, foresee=foresee, refused=refused)
        self._interception = interception
        self._serving = Serving(listener, self._serve, "policy-proxy")

    def start(self) -> None:
        """Serve from now on, in a thread of its own."""
        self._serving.start()

    def stop(self) -> None:
        """Break all connections and close the listener. May be called again."""
        self._serving.stop()
        self._decisions.close()

    async def _serve(self, client: Wire) -> None:
        try:
            first = await _first(client)
            if not first:
                client.close()
            elif first == VERSION:
                await self._socks(client)
            else:
                await self._requests(client)
        except OSError:
            client.abort()

    async def _requests(self, client: Wire, peer: Peer | None = None, server: Wire | None = None) -> None:
        """Requests, one after the other; to the one `peer` inside a tunnel, whose connection is there already."""
        upstream = self._upstream(self._decisions, peer, server)
        request: HttpRequest | None = None
        try:
            more = True
            while more:
                request = None
                client.begin()
                try:
                    request = await self._read(client, peer)
                    if request is None:
                        client.close()
                        return
                    if request.tunnel:
                        await self._connect(client, request)
                        return
                    more = await self._forward(client, request, upstream)
                except EgressError as error:
                    more = await self._refuse(client, request, error)
            await client.close_gently()
        finally:
            upstream.close()

    async def _forward(self, client: Wire, request: HttpRequest, upstream: Upstream) -> bool:
        """Hand on a request and its reply. Whether the client may send another one."""
        return await upstream.forward(client, request)

    async def _read(self, client: Wire, peer: Peer | None) -> HttpRequest | None:
        """The next request; None when there is none."""
        if not client.heard:
            client.due(limit("egress_keep_seconds"))
            try:
                await client.readable()
            except TimeoutError:
                return None
        client.due(limit("egress_head_seconds"))
        try:
            head = await read_head(client, limit("egress_head_bytes"), 400)
        except TimeoutError:
            raise EgressError(408, "the head of the request has not come in time") from None
        client.until = None
        return self._request(head, peer) if head else None

    async def _refuse(self, client: Wire, request: HttpRequest | None, error: EgressError) -> bool:
        """Say why. Whether the client may send another request: it may when this one was taken whole."""
        if not isinstance(error, DecidedError):
            await self._decisions.note(request.url if request else "", error.reason)
        if client.begun:  # it would take a page for a part of what it was sent
            await self._say(client, error.last)
            return False
        kept = request is not None and request.complete and request.persists
        bare = request is not None and request.method == "HEAD"
        page = self._page(error, _PHRASES[error.status], head_only=bare, kept=kept)
        if kept:
            await client.send(page)
        else:
            await self._say(client, page)
        return kept

    async def _say(self, client: Wire, last: bytes) -> None:
        if not last:
            client.abort()
            return
        with contextlib.suppress(OSError):
            await client.send(last)
            await client.close_gently()

    async def _connect(self, client: Wire, request: HttpRequest) -> None:
        if self._interception is not None and self._interception.takes(request.peer):
            await self._intercept(self._interception, client, request.peer, _ESTABLISHED)
            return
        addresses = await self._decisions.addresses(request.peer, request.url, None)
        server = await connect(addresses, request.peer.port)
        await self._tunnel(client, server, request.peer, _ESTABLISHED)

    async def _socks(self, client: Wire) -> None:
        url = ""
        try:
            peer = await read_socks(client)
            url = f"https://{peer.text}:{peer.port}"
            if self._interception is not None and self._interception.takes(peer):
                await self._intercept(self._interception, client, peer, granted())
                return
            server = await connect(await self._decisions.addresses(peer, url, None), peer.port)
        except EgressError as error:
            if not isinstance(error, DecidedError):
                await self._decisions.note(url, error.reason)
            await self._say(client, refusal(error))
            return
        try:
            await self._tunnel(client, server, peer, granted())
        except EgressError as error:
            await self._decisions.note(url, error.reason)
            await self._say(client, error.last)

    async def _intercept(self, interception: Interception, client: Wire, peer: Peer, word: bytes) -> None:
        """Have TLS end before what is within it is decided; where that is not TLS it is decided here."""
        await client.send(word)
        first = await _first(client)
        if first.isalpha():
            await self._requests(client, peer)
            return
        server = await interception.connected(peer)
        try:
            await begin_tls(client, server, peer)
            await relay(client, server)
            client.close()
            server.close()
        finally:
            server.abort()

    async def _tunnel(self, client: Wire, server: Wire, peer: Peer, word: bytes) -> None:
        """Let through what is said to and by a peer, from the `word` on that there is a connection."""
        try:
            await client.send(word)
            if not peer.local:
                first = await _first(client)
                if first.isalpha():
                    await self._requests(client, peer, server)
                    return
                await begin_tls(client, server, peer)
            await relay(client, server)
            client.close()
            server.close()
        finally:
            server.abort()


async def _first(client: Wire) -> bytes:
    """The first byte, which stays to be received; none when it has not come in time."""
    client.due(limit("egress_head_seconds"))
    try:
        first = await client.first()
    except TimeoutError:  # who opens connections to have some expects no words on them
        return b""
    client.until = None
    return first


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
        self._decisions = Decisions(decide, look_up, refused=refused)
        self._serving = Serving(listener, self._serve, f"policy-tunnel-{port}")

    def start(self) -> None:
        """Serve from now on, in a thread of its own."""
        self._serving.start()

    def stop(self) -> None:
        """Break all connections and close the listener. May be called again."""
        self._serving.stop()
        self._decisions.close()

    async def _serve(self, client: Wire) -> None:
        server = None
        try:
            await self._decisions.decide(self._url, None, ())
            server = await connect(self._target.addresses, self._target.port)
            await relay(client, server)
            client.close()
            server.close()
        except EgressError as error:
            if not isinstance(error, DecidedError):
                await self._decisions.note(self._url, error.reason)
        except OSError:
            pass
        finally:
            client.abort()
            if server is not None:
                server.abort()
