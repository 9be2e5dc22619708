"""Approvers: people, identified by the kernel, by a token or by their SSH key, never by what a call says."""

from __future__ import annotations

import hmac
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field

from ...domain.digest import sha256
from ...domain.errors import RequestError
from ...domain.limits import limit
from ...domain.policy import Tier


@dataclass(frozen=True, slots=True)
class Person:
    """One person. `groups` begin with `@`; of a token only the digest is known, and until when it is good.

    A person with a `signer` signs every answer: that is the identity in `signers`, lines of an allowed-signers file.
    One with `keys` proves every answer by one of them, in the console (`identity/webauthn.py`); `verified` says that
    the key has to know its owner as well, by a PIN or a finger.
    """

    name: str
    groups: frozenset[str] = frozenset()
    uid: int | None = None
    token_digest: str = ""
    token_until: float = float("inf")
    signer: str = ""
    signers: bytes = b""
    keys: tuple[bytes, ...] = ()
    verified: bool = False

    @property
    def key_names(self) -> list[str]:
        """The identities of the keys, as browsers are told them: behind 16 bytes of a model and 2 of a length."""
        return [urlsafe_b64encode(k[18 : 18 + int.from_bytes(k[16:18])]).decode().rstrip("=") for k in self.keys]

    def approves(self, tier: Tier) -> bool:
        """True when a tier names the person, or one of its groups."""
        return self.name in tier.approvers or not self.groups.isdisjoint(tier.approvers)


@dataclass(slots=True)
class People:
    """Everybody who may approve something, and who has signed in by a signature: those only read."""

    persons: tuple[Person, ...] = ()
    _challenges: dict[str, tuple[str, float]] = field(default_factory=dict)
    _signed_in: dict[str, tuple[Person, float]] = field(default_factory=dict)

    def who(self, uid: int | None, token: str, now: float) -> Person | None:
        """The person with that token, or of that user when there is none."""
        if not token:
            return next((p for p in self.persons if p.uid is not None and p.uid == uid), None)
        digest = token_digest(token)
        signed_in = self._signed_in.get(digest)
        if signed_in is not None:
            return signed_in[0] if now < signed_in[1] else None
        for person in self.persons:
            if person.token_digest and hmac.compare_digest(person.token_digest, digest):
                return person if now < person.token_until else None
        return None

    def named(self, name: str) -> Person | None:
        """The person of that name, if there is one who signs."""
        return next((p for p in self.persons if p.name == name and p.signer), None)

    def may(self, name: str, tier: Tier) -> bool:
        """Whether the person of that name approves for a tier."""
        return any(p.name == name and p.approves(tier) for p in self.persons)

    # signing in

    def challenge(self, name: str, now: float) -> str:
        """Something to sign. Raises RequestError when too many are asked for."""
        self._forget(now)
        if len(self._challenges) >= limit("signed_in"):
            raise RequestError("PLR204", f"{limit('signed_in')} people are signing in already")
        made = secrets.token_hex(16)
        self._challenges[made] = (name, now + limit("sign_in_seconds"))
        return made

    def challenged(self, challenge: str, now: float) -> Person | None:
        """The person whom a challenge was made for; it is used up."""
        self._forget(now)
        found = self._challenges.pop(challenge, None)
        return None if found is None else self.named(found[0])

    def signed_in(self, person: Person, now: float) -> tuple[str, float]:
        """A token for somebody who has signed a challenge, and until when it is good."""
        while len(self._signed_in) >= limit("signed_in"):
            del self._signed_in[next(iter(self._signed_in))]
        made, until = secrets.token_hex(32), now + limit("signed_in_seconds")
        self._signed_in[token_digest(made)] = (person, until)
        return made, until

    def _forget(self, now: float) -> None:
        for name in [n for n, (_, until) in self._challenges.items() if until <= now]:
            del self._challenges[name]
        for token in [t for t, (_, until) in self._signed_in.items() if until <= now]:
            del self._signed_in[token]


def token_digest(token: str) -> str:
    """What the configuration keeps of a token."""
    return sha256(b"policy_lang token 1\n" + token.encode()).hexdigest()
