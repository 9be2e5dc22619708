"""Ways out of the walls: the proxy, and ports of this machine that are to be had inside as well."""

from __future__ import annotations

import socket
from functools import partial

from ..domain.actions import DENY
from .box import WallsError
from .first_use import OnFirstUse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .first_use import Serves
    from .launch import Start
    from .port import DecisionPort

_LOCAL = "127.0.0.1"


class Ways:
    """The ways out of one box. `ports` are those inside that the launcher serves: the proxy's, then the forwarded ones.

    Without a network of its own inside the proxy listens here. Raises WallsError for a port that is not granted.
    """

    def __init__(self, port: DecisionPort, start: Start, forwarded: Sequence[int]) -> None:
        self._port = port
        self._forwarded = tuple(forwarded)
        self._served: list[OnFirstUse] = []
        self._here: list[socket.socket] = []
        self._network = start.network
        self.proxy = 0
        """The port inside that leads out, 0 for none."""
        for number in self._forwarded:
            if port.policy.engine.decide(port.local(number)).effect == DENY:
                raise WallsError(f'`--forward {number}`: the policy does not grant `connect "localhost:{number}"`')
        if start.bubblewrap is None and self._network:
            here = socket.create_server((_LOCAL, 0))
            self.proxy = int(here.getsockname()[1])
            self._here.append(here)

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports inside, 0 where any will do."""
        if self._here:
            return (self.proxy,)
        return (*((0,) if self._network else ()), *self._forwarded)

    def open(self, listeners: Sequence[socket.socket]) -> None:
        """Serve what listens inside, in the order of `ports`."""
        waiting = self._here or list(listeners)
        if self._network:
            listener = waiting.pop(0)
            self.proxy = int(listener.getsockname()[1])
            self._served.append(OnFirstUse(listener, self._proxy))
        for number, listener in zip(self._forwarded, waiting, strict=False):
            self._served.append(OnFirstUse(listener, partial(self._tunnel, number)))
        for one in self._served:
            one.start()

    def _proxy(self, listener: socket.socket) -> Serves:
        from ..egress.proxy import Proxy

        return Proxy(self._port.connection, listener, foresee=self._port.may_connect)

    def _tunnel(self, number: int, listener: socket.socket) -> Serves:
        from ..egress.proxy import Tunnel

        return Tunnel(self._port.connection, listener, (_LOCAL, number))

    def close(self) -> None:
        """Break all connections."""
        for one in self._served:
            one.stop()
        for here in self._here:
            here.close()
