"""Entry to the console: for the person of a link, as its own user, or for whom the reverse proxy names."""

from __future__ import annotations

from ...domain.errors import RequestError
from ..api.http import HttpCall
from ..identity.browser_sessions import ConsoleAccess, SignInLink
from ..identity.people import People, Person
from ..identity.principals import Caller, Principals


def named_by_proxy(access: ConsoleAccess, people: People, call: HttpCall) -> Person | None:
    """Whom the reverse proxy names; None when the call does not come from it. Raises RequestError for nobody."""
    if access.proxy is None or not access.proxied(call.caller):
        return None
    name = call.headers.get(access.proxy.header, b"").decode("ascii", "replace")
    person = next((p for p in people.persons if p.name == name), None)
    if person is None:
        raise RequestError("PLR230", "the reverse proxy names nobody of the configuration")
    return person


def check_link(
    link: SignInLink, caller: Caller, named: Person | None, access: ConsoleAccess, principals: Principals
) -> None:
    """Raises RequestError where a link is another's; the reverse proxy's people have its own alone."""
    person = link.person
    if named is not None and (named != person or link.user != caller.uid):
        raise RequestError("PLR241", "the link is somebody else's")
    if named is None and access.proxy is not None and link.user == access.proxy.uid:
        raise RequestError("PLR241", "the link is the reverse proxy's")
    if named is None and person.uid not in {None, caller.seen} and not principals.same_user:
        raise RequestError("PLR241", f"`{person.name}` has a user on this machine, and this browser runs as another")
