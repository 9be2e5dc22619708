"""The console behind a listener of its own: only for people, by our own name, changes only from our pages."""

from __future__ import annotations

from ...domain.limits import limit
from ..api.http import Answered, HttpCall, HttpReply, PendingReply, refusal
from ..identity.principals import Caller
from ..transport.ports import Endpoint, Headers
from .routes import Console


def endpoint(console: Console) -> Endpoint:
    """What answers browsers. Rules: RFC 6454 (origins), W3C Fetch Metadata."""
    access = console.access

    def handle(call: HttpCall) -> Answered:
        """A page, made in the store's thread."""
        thread = console.service.store_thread
        if thread is None:
            return console.handle(call)
        work = thread.run(lambda: console.handle(call), people=True)
        return PendingReply(work, work.result)

    def admit(method: bytes, headers: Headers, peer: Caller) -> HttpReply | None:
        """Another name of this address is another site's (DNS rebinding), and so is a form from another origin."""
        proxied = access.proxied(peer)
        whole = access.origin(headers.get(b"host", b""), peer)
        if not access.at(whole, peer):
            return refusal("PLR215", "the `Host` is not the console's")
        if access.proxy is not None and not proxied and access.proxy.header in headers:
            return refusal("PLR215", "only the reverse proxy says who somebody is")
        if method not in {b"GET", b"POST"}:
            return refusal("PLR212", "the console takes GET and POST")
        given, origin = headers.get(b"origin"), whole.encode()
        if (given is not None and given != origin) or (method == b"POST" and given is None):
            return refusal("PLR215", "the form comes from somewhere else")
        if method == b"POST" and headers.get(b"sec-fetch-site", b"same-origin") != b"same-origin":
            return refusal("PLR215", "the form comes from somewhere else")
        return None

    return Endpoint(handle, admit, people=True, idle=limit("console_connection_seconds"))
