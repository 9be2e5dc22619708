"""Calls and replies: what HTTP carries, without the bytes on the line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...audit.redact import redacted
from ...domain.codes import PAGES
from ...domain.strict_json import Json
from ..identity.principals import Caller


@dataclass(slots=True)
class HttpCall:
    """One HTTP call."""

    method: str
    path: str
    body: bytes
    caller: Caller
    query: str = ""
    headers: Mapping[bytes, bytes] = field(default_factory=dict)
    """By their names in small letters."""


@dataclass(slots=True)
class HttpReply:
    """What is sent back."""

    status: int
    body: bytes
    kind: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class DeferredReply:
    """A reply that is made once its records are on the disk: what they say may have become a denial until then."""

    make: Callable[[], HttpReply]


@dataclass(frozen=True, slots=True)
class LongPoll:
    """A reply that waits for somebody: `look` gives it when it is there, or, when told that it is the last time, so.

    `people` says that a person waits, or proves who it is; an agent otherwise.
    """

    look: Callable[[bool], HttpReply | DeferredReply | LongPoll | None]
    seconds: float
    people: bool = False


@dataclass(frozen=True, slots=True)
class PendingReply:
    """A reply that is made once some work is done elsewhere, or without any at the next turn of whoever called."""

    work: asyncio.Future[Any] | None
    make: Callable[[], Answered]


Answered = HttpReply | DeferredReply | LongPoll | PendingReply
_encode = json.JSONEncoder(separators=(",", ":")).encode


def reply(value: Json | list[Json], status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> HttpReply:
    """A JSON reply; ASCII, so that no terminal or log is deceived by it."""
    return HttpReply(status, _encode(value).encode("ascii"), headers=headers)


def refusal(code: str, message: str, headers: tuple[tuple[str, str], ...] = ()) -> HttpReply:
    """A reply that answers no, with the status of the code's page; it says `deny` for whoever looks only there."""
    body: Json = {"error": {"code": code, "message": redacted(message)}, "effect": "deny"}
    return reply(body, PAGES[code].status, headers)
