"""Who may say yes: people, told by the kernel or by a token of their own, never by what a call says. Pure."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from ..domain.digest import sha256
from ..domain.policy import Tier


@dataclass(frozen=True, slots=True)
class Person:
    """One person. `groups` begin with `@`; of a token only the digest is known, and until when it is good."""

    name: str
    groups: frozenset[str] = frozenset()
    uid: int | None = None
    token_digest: str = ""
    token_until: float = float("inf")

    def approves(self, tier: Tier) -> bool:
        """True when a tier names the person, or one of its groups."""
        return self.name in tier.approvers or not self.groups.isdisjoint(tier.approvers)


@dataclass(frozen=True, slots=True)
class People:
    """Everybody who may approve something."""

    persons: tuple[Person, ...] = ()

    def who(self, uid: int | None, token: str, now: float) -> Person | None:
        """The person with that token, or of that user when there is none."""
        if not token:
            return next((p for p in self.persons if p.uid is not None and p.uid == uid), None)
        digest = token_digest(token)
        for person in self.persons:
            if person.token_digest and hmac.compare_digest(person.token_digest, digest):
                return person if now < person.token_until else None
        return None

    def may(self, name: str, tier: Tier) -> bool:
        """Whether the person of that name approves for a tier."""
        return any(p.name == name and p.approves(tier) for p in self.persons)


def token_digest(token: str) -> str:
    """What the configuration keeps of a token."""
    return sha256(b"policy_lang token 1\n" + token.encode()).hexdigest()
