"""The closed set of actions and the sort of resource that each takes."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final, Literal

    DecisionEffect = Literal["allow", "ask", "deny"]
    """What is decided, and what a rule says."""

PATH, COMMAND, HOST, REF, NAME = "path", "command", "host", "ref", "name"

SORT_OF: dict[str, str] = {
    "read": PATH,
    "write": PATH,
    "delete": PATH,
    "run": COMMAND,
    "connect": HOST,
    "push": REF,
    "force-push": REF,
    "delete-ref": REF,
    "merge": REF,
    "call": NAME,
    "use": NAME,
    "setenv": NAME,
    "do": NAME,
}
ACTIONS: tuple[str, ...] = tuple(SORT_OF)

METHODS: tuple[str, ...] = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")
"""HTTP methods (RFC 9110 section 9, RFC 5789)."""

CALL: Final = "call"
"""The action whose requests have arguments."""

ALLOW: Final = "allow"
ASK: Final = "ask"
DENY: Final = "deny"
STRICTNESS: dict[str, int] = {ALLOW: 0, ASK: 1, DENY: 2}
