"""Credentials that stay outside: the agent holds placeholders, and the proxy puts secrets in their place."""

from __future__ import annotations

import os
import secrets
import string
from time import time

from ..domain.actions import ALLOW, DENY
from ..domain.conditions import DESTINATION, Atom, atoms
from ..domain.errors import RequestError, SearchLimitError
from ..domain.faults import AuthorError, reason_of
from ..domain.limits import limit
from ..domain.record import record, replace
from ..domain.regex import regex
from ..domain.request import Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ..engine.pdp import Engine
    from .port import ConnectionPort, Ruling

_MOST = limit("credential_bytes")
_LEAST = limit("credential_least")
_KIND = regex(r"(?:[A-Za-z]{2,10}[0-9]{0,2}[-_]){1,3}")
"""What tokens begin with to say of which kind they are, such as `ghp_` or `sk-ant-api03-`: clients look for it."""
_LETTERS = string.ascii_letters + string.digits
_NAME = regex(r"[A-Za-z_][A-Za-z0-9_]*")
SOURCES = ("env:VARIABLE", "file:PATH", "keyring:SERVICE/USER")


class CredentialError(AuthorError):
    """A credential cannot be had from where it is said to be."""


@record(frozen=True, slots=True)
class Credential:
    """A secret, and what stands for it inside: as long as it, of the same kind, worth nothing."""

    name: str
    secret: str
    placeholder: str


def credential(name: str, secret: str) -> Credential:
    """A credential with a placeholder of its own. Raises CredentialError for a secret that none can stand for."""
    if not secret.isascii() or not secret.isprintable() or " " in secret:
        raise CredentialError(f"`{name}` is not one word of ASCII, as a header can carry it")
    kind = _KIND.match(secret)
    shown = kind[0] if kind and len(secret) - len(kind[0]) >= _LEAST else ""
    if len(secret) - len(shown) < _LEAST:
        raise CredentialError(f"`{name}` has fewer than {_LEAST} characters: too few to tell it from other words")
    hidden = "".join(secrets.choice(_LETTERS) for _ in range(len(secret) - len(shown)))
    return Credential(name, secret, shown + hidden)


def read_credential(text: str, environment: Mapping[str, str]) -> tuple[str, str]:
    """Name and secret of `NAME=env:VARIABLE`, `file:PATH` or `keyring:SERVICE/USER`. Raises CredentialError."""
    name, equals, source = text.partition("=")
    kind, colon, place = source.partition(":")
    if not equals or not colon or not _NAME.fullmatch(name) or f"{kind}:" not in {s[: len(kind) + 1] for s in SOURCES}:
        raise CredentialError(f"`{text[:60]}` is not `NAME=SOURCE` with a source of {', '.join(SOURCES)}")
    if kind == "env":
        secret = environment.get(place)
        if not secret:
            raise CredentialError(f"`{name}`: the variable `{place[:60]}` is not set")
    elif kind == "file":
        secret = _file(name, place)
    else:
        secret = _keyring(name, place)
    if len(secret) > _MOST:
        raise CredentialError(f"`{name}` has more than {_MOST} characters")
    return name, secret


def _file(name: str, place: str) -> str:
    try:
        with open(os.path.expanduser(place), encoding="ascii") as stream:
            return stream.read(_MOST + 2).rstrip("\r\n")
    except UnicodeDecodeError:
        raise CredentialError(f"`{name}`: `{place}` does not hold a word of ASCII") from None
    except OSError as error:
        raise CredentialError(f"`{name}`: `{place}` cannot be read: {reason_of(error)}") from None


def _keyring(name: str, place: str) -> str:
    service, _, user = place.rpartition("/")
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        raise CredentialError(f"`{name}`: a keyring needs `policy-lang[keyring]`") from None
    try:
        found = keyring.get_password(service, user)
    except KeyringError as error:
        raise CredentialError(f"`{name}`: the keyring does not answer: {str(error)[:200]}") from None
    if not found:
        raise CredentialError(f"`{name}`: the keyring has nothing of `{service}` for `{user}`")
    return str(found)


def goes_somewhere(engine: Engine, like: Request, name: str) -> bool:
    """Whether rules let a credential go to some host without it being handed out."""
    from ..ir.conditions import candidates

    found = [a for f in engine.prepared.conditions for a in atoms(f) if a.subject == DESTINATION]
    if not found:
        return False
    try:
        hosts = candidates(list(dict.fromkeys(found)), None)
    except SearchLimitError:
        return False
    asked = [replace(like, action="use", resource=name, now=moment) for moment in _moments(engine, like)]
    places = [str(host) for host in hosts]
    return any(engine.decide(replace(one, destination=p)).effect != DENY for one in asked for p in places)


def _moments(engine: Engine, like: Request) -> list[float]:
    """Now, and times to come at which conditions differ: what may go later does not go nowhere."""
    now = time() if like.now is None else like.now
    found = [a for f in engine.prepared.conditions for a in atoms(f) if a.subject == "now"]
    if not found:
        return [now]
    from ..ir.conditions import candidates

    here = Atom("now", "==", (int(now),))  # the week that begins today
    return [now, *(float(m) for m in candidates([*found, here], None) if float(m) > now)]


def credentials_of(sources: Iterable[str], variables: Mapping[str, str], port: ConnectionPort) -> Credentials:
    """The credentials that rules let go somewhere and hand out to nobody: of `NAME=SOURCE`, or of a variable.

    Raises CredentialError, also for a name that goes nowhere.
    """
    engine, like = port.policy.engine, port.like
    found = dict(read_credential(text, variables) for text in sources)
    for name in found:
        if not goes_somewhere(engine, like, name):
            raise CredentialError(f'no rule says where `{name}` goes: `use "{name}" for "HOST"`')
    for name, value in variables.items():
        if name not in found and _handed_out(engine, like, name) != ALLOW and goes_somewhere(engine, like, name):
            found[name] = value
    return given_credentials(found, port.asked)


def given_credentials(found: Mapping[str, str], asked: Callable[[Request], Ruling]) -> Credentials:
    """Credentials by their names, of which `asked` decides where they go. Raises CredentialError."""

    def decide(name: str, destination: str) -> str:
        ruling = asked(Request("use", name, destination=destination))
        return "" if ruling.allowed else ruling.reason or "the policy does not allow it"

    return Credentials([credential(name, secret) for name, secret in found.items()], decide)


def _handed_out(engine: Engine, like: Request, name: str) -> str:
    """The effect on the variable itself, as whoever holds it may use it."""
    return engine.decide(replace(like, action="use", resource=name, now=like.now or time())).effect


class Credentials:
    """The credentials of one agent. `decide` says whether one may go to a host, and records it; it may ask people."""

    def __init__(self, given: Iterable[Credential], decide: Callable[[str, str], str]) -> None:
        self._known = {one.name: one for one in given}
        self._decide = decide

    @property
    def placeholders(self) -> dict[str, str]:
        """What the agent's variables hold, by their names."""
        return {name: one.placeholder for name, one in self._known.items()}

    def secrets_for(self, names: Iterable[str], host: str, port: int) -> dict[str, str]:
        """The secrets that go to a host. Raises RequestError for one that may not."""
        out = {}
        for name in names:
            one = self._known.get(name)
            if one is None:
                raise RequestError("PLR002", f"nothing stands for `{name[:60]}` here")
            why = self._decide(name, f"{host}:{port}")
            if why:
                raise RequestError("PLR002", why)
            out[name] = one.secret
        return out
