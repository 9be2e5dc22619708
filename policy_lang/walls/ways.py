"""Ways out of the walls: the proxy, and ports of this machine that are to be had inside as well."""

from __future__ import annotations

import socket
from contextlib import ExitStack, contextmanager
from functools import partial

from ..domain.actions import DENY
from ..egress.port import Ruling
from .attempts import WaysTried
from .box import WallsError
from .first_use import OnFirstUse
from .port import FREE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..egress.interception import Interception
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

    def open(self, listeners: Sequence[socket.socket], interception: Interception | None = None) -> None:
        """Serve what listens inside, in the order of `ports`."""
        proxied, tunnelled = self._sorted(listeners)
        for listener in proxied:
            self._served.append(OnFirstUse(listener, partial(self._proxy, interception)))
        for number, listener in tunnelled:
            self._served.append(OnFirstUse(listener, partial(self._tunnel, number)))
        for one in self._served:
            one.start()

    @contextmanager
    def rehearsed(self, listeners: Sequence[socket.socket]) -> Iterator[WaysTried]:
        """Have what listens inside answer what rules say of a connection, and connect to nobody, meanwhile.

        Before the command starts: it finds none of this.
        """
        from ..egress.rehearsal import ProxyRehearsal, TunnelRehearsal

        proxied, tunnelled = self._sorted(listeners)
        made: list[Serves] = [ProxyRehearsal(self._foreseen, one.dup()) for one in proxied]
        made += [TunnelRehearsal(self._foreseen, one.dup(), (_LOCAL, number)) for number, one in tunnelled]
        with ExitStack() as stack:
            for one in made:
                one.start()
                stack.callback(one.stop)
            yield WaysTried(self.proxy, [number for number, _ in tunnelled])

    def _sorted(
        self, listeners: Sequence[socket.socket]
    ) -> tuple[list[socket.socket], list[tuple[int, socket.socket]]]:
        """The proxy's listener, when there is one, and those of forwarded ports."""
        waiting = self._here or list(listeners)
        proxied = waiting[: int(self._network)]
        self.proxy = int(proxied[0].getsockname()[1]) if proxied else 0
        return proxied, list(zip(self._forwarded, waiting[len(proxied) :], strict=False))

    def _foreseen(self, url: str, method: str | None, _: tuple[str, ...]) -> Ruling:
        return FREE if self._port.may_connect(url, method) else Ruling(DENY)

    def _proxy(self, interception: Interception | None, listener: socket.socket) -> Serves:
        from ..egress.proxy import Proxy

        port = self._port
        return Proxy(
            port.connection, listener, at_once=port.at_once, foresee=port.may_connect, interception=interception
        )

    def _tunnel(self, number: int, listener: socket.socket) -> Serves:
        from ..egress.proxy import Tunnel

        return Tunnel(self._port.connection, listener, (_LOCAL, number))

    def close(self) -> None:
        """Break all connections."""
        for one in self._served:
            one.stop()
        for here in self._here:
            here.close()
