"""The three families of errors, and a system's reason in words. Imports nothing, so that a hook may use it."""

from __future__ import annotations


class PolicyLangError(Exception):
    """Base of everything this package raises on purpose. Each class belongs to exactly one of the three families."""


class AuthorError(PolicyLangError):
    """Something that a person wrote for this program: a policy, its patterns, a configuration, settings, a baseline.

    The person who wrote it corrects it. What it was meant for is not put in force.
    """


class CallerError(PolicyLangError):
    """Something that was asked now: a request, a hook's call, the words of a command. The answer is a refusal."""


class InternalError(PolicyLangError):
    """A fault of ours or of what we stand on: the disk, the log, the store, the service. The decision is deny."""


def reason_of(error: BaseException, otherwise: str = "error") -> str:
    """What the operating system says of a fault, in lower case; `otherwise` when it says nothing."""
    return str(getattr(error, "strerror", None) or otherwise).lower()
