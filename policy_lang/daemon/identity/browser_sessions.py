"""Browsers that are signed in to the console, by links that are good once.

A session needs its cookie and the secret part of its address, both.

Cookies are not kept apart by port: a page that an agent serves on loopback would be sent one for the whole host. So it
is for the session's own path only, and that path is a secret of the session as well.
"""

from __future__ import annotations

import hmac
import re
import secrets
from dataclasses import dataclass

from ...domain.digest import sha256
from ...domain.errors import RequestError
from ...domain.limits import limit
from .people import Person
from .principals import Caller

FORWARDED_PORT = 8717
"""The port in links when nothing else is said."""
_FORWARDED = re.compile(r"http://(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]{1,5})?\Z")


@dataclass(slots=True)
class BrowserSession:
    """One browser of one person. Times are seconds since the epoch.

    `user` is the uid that asked for the link, `peer` the one that the browser's calls come from, all of them.
    """

    id: str
    person: Person
    user: int | None
    peer: int | None
    started: float
    seen: float
    cookie: bytes
    key: bytes

    def seal(self, *parts: str) -> str:
        """What a form carries: that it is of this session, and what the person was shown."""
        return hmac.new(self.key, "\0".join(parts).encode(), sha256).hexdigest()

    def challenge(self, *parts: str) -> bytes:
        """What a key of the person signs who was shown these: of this session, and good for nothing else."""
        return bytes.fromhex(self.seal("key", *parts))

    def sealed(self, seal: str, *parts: str) -> bool:
        """True for a seal that this session made of the same."""
        return hmac.compare_digest(self.seal(*parts), seal)


@dataclass(slots=True)
class SignInLink:
    """A link that signs a person in. `user` is the uid that asked for it, `session` what it began."""

    person: Person
    user: int | None
    until: float
    session: str = ""


def _hidden(value: str) -> bytes:
    return sha256(b"policy_lang console 1\n" + value.encode()).digest()


class BrowserSessions:
    """Links that were given, and sessions that they began."""

    def __init__(self) -> None:
        self._links: dict[bytes, SignInLink] = {}
        self._sessions: dict[str, BrowserSession] = {}

    def link(self, person: Person, user: int | None, now: float) -> str:
        """A code that signs a person in. The oldest of too many is worth nothing any more."""
        self._forget(now)
        while len(self._links) >= limit("console_sessions"):
            del self._links[next(iter(self._links))]
        code = secrets.token_urlsafe(32)
        self._links[_hidden(code)] = SignInLink(person, user, now + limit("console_link_seconds"))
        return code

    def waiting(self, code: str, now: float) -> SignInLink | None:
        """The link of a code that was not used yet; it is not used up."""
        self._forget(now)
        found = self._links.get(_hidden(code))
        return None if found is None or found.session else found

    def enter(self, code: str, now: float, peer: int | None) -> tuple[BrowserSession, str]:
        """A session of the uid that enters, and its cookie. Raises RequestError.

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
            secrets.token_urlsafe(24),
            found.person,
            found.user,
            peer,
            now,
            now,
            _hidden(cookie),
            secrets.token_bytes(32),
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


@dataclass(frozen=True, slots=True)
class ReverseProxy:
    """A server in front of the console that knows people: its user, the header by which it names them, its address."""

    uid: int
    header: bytes
    origin: str


class ConsoleAccess:
    """The console's addresses and who is signed in there.

    On TCP `origins` are the addresses that a browser may have, `http://HOST:PORT`; the first is the one in links. On a
    Unix socket, at `place`, they are all of this machine, since whoever forwards a port chooses it; and the proxy's.
    """

    def __init__(self, place: str, origins: tuple[str, ...] = (), proxy: ReverseProxy | None = None) -> None:
        self.place = place
        self.origins = origins
        self.proxy = proxy
        self.sessions = BrowserSessions()

    @property
    def notice(self) -> str:
        """What stands out about it; empty when nothing does."""
        if not self.origins:
            return ""
        return (
            f"the console listens on TCP ({self.place}), where every user of this machine can connect and the kernel "
            "tells less surely who does; `--console` without an address makes it a Unix socket"
        )

    def at(self, origin: str, peer: Caller) -> bool:
        """True for an address that the console has for this peer."""
        if self.proxied(peer):
            return self.proxy is not None and origin == self.proxy.origin
        return origin in self.origins if self.origins else _FORWARDED.match(origin) is not None

    def origin(self, host: bytes, peer: Caller) -> str:
        """The origin of a call that was admitted."""
        return ("https://" if self.proxied(peer) else "http://") + host.decode("ascii", "replace")

    def proxied(self, peer: Caller) -> bool:
        """True for the reverse proxy."""
        return self.proxy is not None and peer.uid == self.proxy.uid

    def link(self, person: Person, user: int | None, now: float, port: int | None = None) -> str:
        """The address of a link that signs a person in. `user` is the uid that asks for it, `port` what it forwards."""
        base = self.origins[0] if self.origins else f"http://localhost:{port or FORWARDED_PORT}"
        return f"{base}/sign-in?code={self.sessions.link(person, user, now)}"
