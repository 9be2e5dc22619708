"""Browsers that are signed in to the console, by links that are good once.

A session needs its cookie and the secret part of its address, both.

Cookies are not kept apart by port: a page that an agent serves on loopback would be sent one for the whole host. So it
is for the session's own path only, and that path is a secret of the session as well.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass

from ...domain.digest import sha256
from ...domain.errors import RequestError
from ...domain.limits import limit
from .people import Person


@dataclass(slots=True)
class BrowserSession:
    """One browser of one person. `user` is the uid that asked for the link; times are seconds since the epoch."""

    id: str
    person: Person
    user: int | None
    started: float
    seen: float
    cookie: bytes
    key: bytes

    def seal(self, *parts: str) -> str:
        """What a form carries: that it is of this session, and what the person was shown."""
        return hmac.new(self.key, "\0".join(parts).encode(), sha256).hexdigest()

    def sealed(self, seal: str, *parts: str) -> bool:
        """True for a seal that this session made of the same."""
        return hmac.compare_digest(self.seal(*parts), seal)


@dataclass(slots=True)
class _Link:
    person: Person
    user: int | None
    until: float
    session: str = ""


def _hidden(value: str) -> bytes:
    return sha256(b"policy_lang console 1\n" + value.encode()).digest()


class BrowserSessions:
    """Links that were given, and sessions that they began."""

    def __init__(self) -> None:
        self._links: dict[bytes, _Link] = {}
        self._sessions: dict[str, BrowserSession] = {}

    def link(self, person: Person, user: int | None, now: float) -> str:
        """A code that signs a person in. The oldest of too many is worth nothing any more."""
        self._forget(now)
        while len(self._links) >= limit("console_sessions"):
            del self._links[next(iter(self._links))]
        code = secrets.token_urlsafe(32)
        self._links[_hidden(code)] = _Link(person, user, now + limit("console_link_seconds"))
        return code

    def waiting(self, code: str, now: float) -> Person | None:
        """Whom a code would sign in; it is not used up."""
        self._forget(now)
        found = self._links.get(_hidden(code))
        return None if found is None or found.session else found.person

    def enter(self, code: str, now: float) -> tuple[BrowserSession, str]:
        """A session and its cookie. Raises RequestError.

        A code that comes twice was stolen, by the first or by the second: whatever it began ends.
        """
        self._forget(now)
        found = self._links.get(_hidden(code))
        if found is None:
            raise RequestError("PLR241", "the link is not good, or not any more")
        if found.session:
            self._sessions.pop(found.session, None)
            raise RequestError("PLR241", f"the link of `{found.person.name}` came twice; what it began is over")
        while len(self._sessions) >= limit("console_sessions"):
            del self._sessions[min(self._sessions.values(), key=lambda s: s.seen).id]
        cookie = secrets.token_urlsafe(32)
        made = BrowserSession(
            secrets.token_urlsafe(24), found.person, found.user, now, now, _hidden(cookie), secrets.token_bytes(32)
        )
        found.session = made.id
        self._sessions[made.id] = made
        return made, cookie

    def find(self, name: str, cookie: str, now: float) -> BrowserSession | None:
        """The session of an address and a cookie, if it is not over."""
        found = self._sessions.get(name)
        if found is None or not hmac.compare_digest(found.cookie, _hidden(cookie)):
            return None
        idle, old = limit("console_idle_seconds"), limit("console_session_seconds")
        if now - found.seen >= idle or now - found.started >= old:
            del self._sessions[name]
            return None
        found.seen = now
        return found

    def leave(self, session: BrowserSession) -> None:
        """It is over."""
        self._sessions.pop(session.id, None)

    def _forget(self, now: float) -> None:
        """Links whose time is over; those that were used stay until then, to notice that they come again."""
        for name in [n for n, link in self._links.items() if link.until <= now]:
            del self._links[name]


class ConsoleAccess:
    """The console's addresses and who is signed in there.

    `origins` are the addresses that a browser may have, `http://HOST:PORT`; the first is the one in links.
    """

    def __init__(self, origins: tuple[str, ...]) -> None:
        self.origins = origins
        self.sessions = BrowserSessions()

    def link(self, person: Person, user: int | None, now: float) -> str:
        """The address of a link that signs a person in. `user` is the uid that asks for it."""
        return f"{self.origins[0]}/sign-in?code={self.sessions.link(person, user, now)}"
