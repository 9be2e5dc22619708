"""Rehearsals: what a proxy or a tunnel would let through, said without connecting to anybody.

One serves a listener before the command starts that it is for, and is over when that begins: nothing that a client
sends chooses it. No name is looked up and no person asked.
"""

from __future__ import annotations

import contextlib

from .proxy import Proxy, Tunnel
from .wires import EgressError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .forwarding import Upstream
    from .messages import HttpRequest
    from .wires import Wire

GRANTED = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class ProxyRehearsal(Proxy):
    """Reads requests as the proxy does, and answers 200 for what is granted."""

    async def _connect(self, client: Wire, request: HttpRequest) -> None:
        await self._granted(client, request, None)

    async def _forward(self, client: Wire, request: HttpRequest, upstream: Upstream) -> bool:  # noqa: ARG002
        await self._granted(client, request, request.method)
        return False

    async def _socks(self, client: Wire) -> None:
        client.close()

    async def _granted(self, client: Wire, request: HttpRequest, method: str | None) -> None:
        await self._decisions.decide(request.url, method, ())
        await client.send(GRANTED)
        await client.close_gently()


class TunnelRehearsal(Tunnel):
    """Sends a reply to who may have the service, and none to others."""

    async def _serve(self, client: Wire) -> None:
        try:
            await self._decisions.decide(self._url, None, ())
            await client.send(GRANTED)
            await client.close_gently()
        except (EgressError, OSError):
            with contextlib.suppress(OSError):
                client.close()
