"""The clients whose hooks are answered, one module each; its `CLIENT` is all that is known of one."""

from __future__ import annotations

from ...domain.faults import CallerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .base import HookClient

NAMES = ("claude", "codex", "gemini", "copilot", "cursor", "opencode", "qwen", "goose")


class UnknownClientError(CallerError, KeyError):
    """No client has the name."""

    __str__ = CallerError.__str__


def client(name: str) -> HookClient:
    """The record of a client; its module alone is imported. Raises UnknownClientError for a name that is not one of `NAMES`."""
    if name not in NAMES:
        raise UnknownClientError(f"unknown client `{name[:40]}`; known are {', '.join(NAMES)}")
    made: HookClient = __import__(f"{__name__}.{name}", fromlist=["CLIENT"]).CLIENT
    return made
