"""The console behind a listener of its own: only from this machine, by our own name, changes only from our pages."""

from __future__ import annotations

from ..api.http import HttpReply, refusal
from ..transport.ports import Endpoint, Headers
from .routes import Console


def endpoint(console: Console) -> Endpoint:
    """What answers browsers. Rules: RFC 6454 (origins), W3C Fetch Metadata."""

    def admit(method: bytes, headers: Headers, unix: bool) -> HttpReply | None:  # noqa: ARG001
        """Another name of this address is another site's (DNS rebinding), and so is a form from another origin."""
        origin = b"http://" + headers.get(b"host", b"")
        if origin.decode("ascii", "replace") not in console.origins:
            return refusal("PLR215", "the `Host` is not the console's")
        if method not in {b"GET", b"POST"}:
            return refusal("PLR212", "the console takes GET and POST")
        given = headers.get(b"origin")
        if (given is not None and given != origin) or (method == b"POST" and given is None):
            return refusal("PLR215", "the form comes from somewhere else")
        if method == b"POST" and headers.get(b"sec-fetch-site", b"same-origin") != b"same-origin":
            return refusal("PLR215", "the form comes from somewhere else")
        return None

    return Endpoint(console.handle, admit)
