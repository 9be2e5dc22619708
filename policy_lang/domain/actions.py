"""The closed set of actions and the sort of resource that each takes."""

from __future__ import annotations

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

ALLOW, ASK, DENY = "allow", "ask", "deny"
STRICTNESS: dict[str, int] = {ALLOW: 0, ASK: 1, DENY: 2}
