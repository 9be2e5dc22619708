"""Telling people that something waits: by a program of the operator's, or by a webhook. Secrets are taken out first.

It runs beside the answers and never holds one up: a few at once, a bounded queue, a time limit, so many tries.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hmac
import http.client
import json
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from ..audit.redact import cleaned
from ..domain.limits import limit
from ..domain.strict_json import Json
from ..report.approvals import headline
from ..report.style import visible

ALARM = "break-glass"
"""The event that goes before all others, and is dropped last."""
_AT_ONCE = limit("notify_at_once")
_SECONDS = limit("notify_seconds")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Sender(Protocol):
    """A way to tell people. `pauses` are the seconds before each further try."""

    @property
    def pauses(self) -> tuple[float, ...]: ...  # noqa: D102

    async def send(self, event: Json) -> tuple[str, bool]:
        """Why it failed, or nothing; and whether another try makes sense."""


class Notifier:
    """Tells events by one way. `record_event` takes the name of something that is to be recorded, and its fields.

    With a `console_url` an event has the address of its ticket, which opens nothing by itself.
    """

    def __init__(self, way: Sender, record_event: Callable[..., None], console_url: str = "") -> None:
        self.way = way
        self._console_url = console_url
        self.dropped = 0
        self._record_event = record_event
        self._waiting: deque[Json] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    def notify(self, event: str, ticket: Json) -> None:
        """A ticket is new, a stronger tier or one person is asked, or somebody broke the glass."""
        if len(self._waiting) >= limit("notify_waiting"):
            lost = ticket if event != ALARM else self._waiting.pop()
            self.dropped += 1
            self._record_event("notify-dropped", ticket=lost["id"], dropped=self.dropped)
            if event != ALARM:
                return
        event_json: Json = cleaned(ticket).value
        shown: Json = {
            "event": event,
            "headline": f"{visible(event_json['agent'])}: {visible(headline(event_json))}",
            **event_json,
        }
        if self._console_url:
            shown["url"] = f"{self._console_url}/t/{ticket['id']}"
        if event == ALARM:
            self._waiting.appendleft(shown)
        else:
            self._waiting.append(shown)
        if len(self._tasks) < _AT_ONCE:
            task = asyncio.get_running_loop().create_task(self._work())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _work(self) -> None:
        while self._waiting:
            event = self._waiting.popleft()
            why, again = await self.way.send(event)
            for pause in self.way.pauses if again else ():
                await asyncio.sleep(pause)
                why, again = await self.way.send(event)
                if not again:
                    break
            if why:
                self._record_event("notify-failed", ticket=event["id"], why=why)


@dataclass(frozen=True, slots=True)
class ProgramSender:
    """A program that gets the event as one line of JSON on its standard input, and nothing of this environment."""

    command: tuple[str, ...]
    pauses: tuple[float, ...] = ()

    async def send(self, event: Json) -> tuple[str, bool]:
        """See `Sender`."""
        quiet = asyncio.subprocess.DEVNULL
        try:
            process = await asyncio.create_subprocess_exec(
                *self.command, stdin=asyncio.subprocess.PIPE, stdout=quiet, stderr=quiet, env={"PATH": _PATH},
                start_new_session=True, cwd="/",
            )  # fmt: skip
        except (OSError, ValueError) as error:
            return str(error), False
        try:
            await asyncio.wait_for(process.communicate(json.dumps(event).encode("ascii") + b"\n"), _SECONDS)
        except BaseException as error:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            if not isinstance(error, TimeoutError):
                raise
            await process.wait()
            return f"it took longer than {_SECONDS} s", False
        return "" if process.returncode == 0 else f"it ended with {process.returncode}", False


@dataclass(frozen=True, slots=True)
class WebhookSender:
    """An address that gets the event as JSON, signed as Standard Webhooks (standardwebhooks.com) says.

    Tried again when the other side cannot be reached, is busy or fails; never led elsewhere.
    """

    url: str
    secret: bytes
    pauses: tuple[float, ...] = (2.0, 10.0, 60.0)

    async def send(self, event: Json) -> tuple[str, bool]:
        """See `Sender`."""
        assignee = event.get("assigned", "") if event["event"] == "assigned" else ""
        identity = f"msg_{event['id']}_{event['event']}_{event['asked']}{assignee and '_' + assignee}"
        body = json.dumps({"type": f"approval.{event['event']}", "timestamp": _moment(), "data": event}).encode("ascii")
        try:
            status = await asyncio.wait_for(_aside(lambda: self._post(identity, body)), 2 * _SECONDS)
        except (OSError, http.client.HTTPException, TimeoutError) as error:
            return f"the webhook cannot be reached: {str(error) or type(error).__name__}", True
        if 200 <= status < 300:
            return "", False
        return f"the webhook answered with {status}", status >= 500 or status in {408, 429}

    def _post(self, identity: str, body: bytes) -> int:
        parts = urlsplit(self.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=_SECONDS)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        stamp = str(int(time.time()))
        with contextlib.closing(connection):
            connection.request("POST", path, body, {
                "content-type": "application/json", "webhook-id": identity, "webhook-timestamp": stamp,
                "webhook-signature": signature(self.secret, identity, stamp, body),
            })  # fmt: skip
            return connection.getresponse().status


def _aside(work: Callable[[], int]) -> asyncio.Future[int]:
    """What a function gives that takes its time, in a thread that nobody waits for when the service ends."""
    loop = asyncio.get_running_loop()
    found: asyncio.Future[int] = loop.create_future()

    def done(value: int, error: Exception | None) -> None:
        if found.done():
            return
        if error is None:
            found.set_result(value)
        else:
            found.set_exception(error)

    def run() -> None:
        value, error = 0, None
        try:
            value = work()
        except Exception as raised:  # noqa: BLE001 (it is raised again where it is waited for)
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop is gone
            loop.call_soon_threadsafe(done, value, error)

    threading.Thread(target=run, daemon=True).start()
    return found


def signature(secret: bytes, identity: str, stamp: str, body: bytes) -> str:
    """The value of `webhook-signature`: HMAC-SHA256 of id, time and body. A secret may be written as `whsec_BASE64`."""
    if secret.startswith(b"whsec_"):
        with contextlib.suppress(ValueError):
            secret = base64.b64decode(secret.removeprefix(b"whsec_"), validate=True)
    made = hmac.digest(secret, f"{identity}.{stamp}.".encode("ascii") + body, "sha256")
    return "v1," + base64.b64encode(made).decode("ascii")


def _moment() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def several(notifiers: list[Notifier]) -> Callable[[str, Json], None]:
    """Tell by each of them."""

    def notify(event: str, ticket: Json) -> None:
        for one in notifiers:
            one.notify(event, ticket)

    return notify
