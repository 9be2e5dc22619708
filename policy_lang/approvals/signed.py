"""The text that people sign who answer by their SSH key: one that says it all, so a signature is good for nothing else.

The signature is one of `ssh-keygen -Y sign` (ssh-keygen(1)), in a namespace of its own.
"""

from __future__ import annotations

from typing import Any

from ..domain import strict_json

ANSWER, SIGN_IN = "policy_lang-answer", "policy_lang-sign-in"
"""The namespaces: what is signed for one purpose is not taken for another."""
_BOUND = ("id", "digest", "policy", "agent", "session", "state", "request")


REVIEW, REVOKE, COMMENT, ASSIGN = "review", "revoke", "comment", "assign"
"""What is said about a ticket besides answers to it, where they have their verdict."""


def answer_text(ticket: dict[str, Any], person: str, verdict: str, reason: str, scope: str = "") -> bytes:
    """What a person signs to answer a ticket, given in its JSON form: who says what to which request, and why.

    `scope` is that of a yes: `once`, or `session` where the tiers let it be. The same for whatever else is said of it.
    """
    said = {name: ticket[name] for name in _BOUND}
    said |= {"tiers": [t["name"] for t in ticket["tiers"]], "person": person, "verdict": verdict, "reason": reason}
    said["scope"] = scope
    return b"policy_lang answer 2\n" + strict_json.dump(said) + b"\n"


def sign_in_text(person: str, challenge: str) -> bytes:
    """What a person signs to read tickets: a challenge that the service has just made."""
    return b"policy_lang sign-in 1\n" + strict_json.dump({"person": person, "challenge": challenge}) + b"\n"
