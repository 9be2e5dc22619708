"""A browser's connection: only from this machine, only with our own name, and changes only from our own pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..connection import Connection
from ..service import Answered, Call, Service, refusal
from .routes import Console

if TYPE_CHECKING:
    from ..server import Server


class ConsoleConnection(Connection):
    """The console's side of one connection. Rules: RFC 6454 (origins), W3C Fetch Metadata."""

    def __init__(self, console: Console, server: Server, user: int | None) -> None:
        super().__init__(server, None, None, user)
        self._console = console

    def handle(self, service: Service, call: Call) -> Answered:
        """A page of the console."""
        assert service is self._console.service
        return self._console.handle(call)

    def _check(self, headers: dict[bytes, bytes]) -> None:
        """Another name of this address is another site's (DNS rebinding), and so is a form from another origin."""
        origin = b"http://" + headers.get(b"host", b"")
        if origin.decode("ascii", "replace") not in self._console.origins:
            self._stop(refusal("PLR215", "the `Host` is not the console's"))
        method = self._parser.get_method()
        if method not in {b"GET", b"POST"}:
            self._stop(refusal("PLR212", "the console takes GET and POST"))
        given = headers.get(b"origin")
        if (given is not None and given != origin) or (method == b"POST" and given is None):
            self._stop(refusal("PLR215", "the form comes from somewhere else"))
        if method == b"POST" and headers.get(b"sec-fetch-site", b"same-origin") != b"same-origin":
            self._stop(refusal("PLR215", "the form comes from somewhere else"))
