"""The clients whose hooks are answered, one module each; its `CLIENT` is all that is known of one."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .base import HookClient

NAMES = ("claude", "codex", "gemini", "copilot", "cursor")


def client(name: str) -> HookClient:
    """The record of a client; its module alone is imported. Raises KeyError for a name that is not one of `NAMES`."""
    if name not in NAMES:
        raise KeyError(name)
    made: HookClient = __import__(f"{__name__}.{name}", fromlist=["CLIENT"]).CLIENT
    return made
