"""Clients of the service for Python programs: one that waits, and one for asyncio. Whatever fails is a denial.

>>> Client("/nowhere/policy.sock").decide(action="read", resource="src/app.ts").effect
'deny'
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from dataclasses import dataclass
from typing import Any, Self

from .domain import strict_json
from .domain.limits import limit
from .pep.channel import MOST_REPLY, Channel, ChannelError, check_owner, head, parse_head
from .pep.questions import HookQuestion, Outcome, RefusedError, outcome

_SECONDS = float(limit("client_seconds"))
_CREDENTIALS = (1, 17, 12)
"""SOL_SOCKET, SO_PEERCRED, and the size of `struct ucred` (unix(7))."""


@dataclass(frozen=True, slots=True)
class ServiceAnswer:
    """What the service decided; `decision` is the whole of it in its JSON form.

    `failed` says why the service could not be asked, and is empty otherwise; `effect` is then `deny`.
    """

    effect: str
    tiers: tuple[str, ...]
    reasons: tuple[str, ...]
    decision: dict[str, Any]
    failed: str = ""

    @property
    def allowed(self) -> bool:
        """True only for `allow`."""
        return self.effect == "allow"


def _owners(owner: int | None) -> frozenset[int]:
    return frozenset({0, os.geteuid()}) if owner is None else frozenset({owner})


def _failed(why: str) -> ServiceAnswer:
    return ServiceAnswer("deny", (), (why,), {}, why)


def _read(status: int, data: bytes) -> ServiceAnswer:
    try:
        reply = strict_json.load(data)
        if status != 200:
            error = reply.get("error") if isinstance(reply, dict) else None
            code, message = (
                (error.get("code"), error.get("message")) if isinstance(error, dict) else (status, "no answer")
            )
            return _failed(f"the service refused ({code}): {message}")
        found: Outcome = outcome(HookQuestion("", ""), reply)
    except (strict_json.MalformedError, RefusedError) as error:
        return _failed(str(error))
    assert isinstance(reply, dict)
    return ServiceAnswer(found.effect, found.tiers, tuple(reply["reasons"]), reply)


class Client:
    """Asks the service and waits for the answer, at most `timeout` seconds. Several threads may share it.

    `token` is shown with every call. `owner` is the user that the service runs as; by default this one or root.
    """

    def __init__(self, socket: str, *, timeout: float = _SECONDS, token: str = "", owner: int | None = None) -> None:
        self._timeout = timeout
        self._channel = Channel(socket, token, _owners(owner))
        self._lock = threading.Lock()

    def decide(self, *, action: str, resource: str | list[str], **fields: Any) -> ServiceAnswer:
        """The decision on one request; its fields are those of the JSON form. Whatever happens is an answer."""
        body = strict_json.dump({"action": action, "resource": resource, **fields})
        deadline = time.monotonic() + self._timeout
        if not self._lock.acquire(timeout=self._timeout):
            return _failed("the service did not answer in time")
        try:
            return _read(*self._channel.call("POST", "/v1/decide", body, deadline))
        except ChannelError as error:
            return _failed(str(error))
        finally:
            self._lock.release()

    def close(self) -> None:
        """Close the connection; the next question opens another."""
        with self._lock:
            self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncClient:
    """The same for asyncio. Questions that are asked at once wait for each other; use several clients for more."""

    def __init__(self, socket: str, *, timeout: float = _SECONDS, token: str = "", owner: int | None = None) -> None:
        self._path = socket
        self._timeout = timeout
        self._token = token
        self._owners = _owners(owner)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._lock = asyncio.Lock()

    async def decide(self, *, action: str, resource: str | list[str], **fields: Any) -> ServiceAnswer:
        """The decision on one request; its fields are those of the JSON form. Whatever happens is an answer."""
        body = strict_json.dump({"action": action, "resource": resource, **fields})
        data = head("POST", "/v1/decide", len(body), self._token, keep=True) + body
        try:
            async with asyncio.timeout(self._timeout), self._lock:
                return _read(*await self._call(data))
        except TimeoutError:
            self._drop()
            return _failed("the service did not answer in time")
        except (OSError, EOFError, ChannelError, asyncio.LimitOverrunError) as error:
            self._drop()
            why = str(error) if isinstance(error, ChannelError) else "the service cannot be reached"
            return _failed(why)

    async def _call(self, data: bytes) -> tuple[int, bytes]:
        kept = self._streams is not None
        try:
            return await self._exchange(data)
        except ConnectionError:
            if not kept:
                raise
        except asyncio.IncompleteReadError as error:
            if not kept or error.partial:
                raise
        self._drop()  # the service has closed the kept connection since; it has answered nothing
        return await self._exchange(data)

    async def _exchange(self, data: bytes) -> tuple[int, bytes]:
        if self._streams is None:
            self._streams = await asyncio.open_unix_connection(self._path)
            peer = self._streams[1].get_extra_info("socket")
            check_owner(peer.getsockopt(*_CREDENTIALS), self._owners)
        reader, writer = self._streams
        writer.write(data)
        await writer.drain()
        status, length = parse_head((await reader.readuntil(b"\r\n\r\n"))[:-4])
        assert length <= MOST_REPLY
        return status, await reader.readexactly(length)

    def _drop(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def close(self) -> None:
        """Close the connection; the next question opens another."""
        async with self._lock:
            self._drop()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
