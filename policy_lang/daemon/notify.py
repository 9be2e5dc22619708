"""Telling people that something waits: a program of the operator's, given the ticket as JSON on its standard input.

It runs beside the answers and never holds one up: at most a few at once, a bounded queue, a time limit.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections import deque
from collections.abc import Callable
from typing import Any

from ..domain.limits import limit

Json = dict[str, Any]
_AT_ONCE = 4
_SECONDS = limit("notify_seconds")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Notifier:
    """Runs `command` for each ticket. `tell` takes an event's name and its fields."""

    def __init__(self, command: tuple[str, ...], tell: Callable[..., None]) -> None:
        self.command = command
        self.dropped = 0
        self._tell = tell
        self._waiting: deque[Json] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    def told(self, ticket: Json) -> None:
        """A ticket is new, or a stronger tier is asked."""
        if len(self._waiting) >= limit("notify_waiting"):
            self.dropped += 1
            self._tell("notify-dropped", ticket=ticket["id"], dropped=self.dropped)
            return
        self._waiting.append(ticket)
        if len(self._tasks) < _AT_ONCE:
            task = asyncio.get_running_loop().create_task(self._work())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _work(self) -> None:
        while self._waiting:
            ticket = self._waiting.popleft()
            why = await self._run(json.dumps(ticket).encode("ascii") + b"\n")
            if why:
                self._tell("notify-failed", ticket=ticket["id"], why=why)

    async def _run(self, data: bytes) -> str:
        """Why it failed, or nothing."""
        quiet = asyncio.subprocess.DEVNULL
        try:
            process = await asyncio.create_subprocess_exec(
                *self.command, stdin=asyncio.subprocess.PIPE, stdout=quiet, stderr=quiet, env={"PATH": _PATH},
                start_new_session=True, cwd="/",
            )  # fmt: skip
        except (OSError, ValueError) as error:
            return str(error)
        try:
            await asyncio.wait_for(process.communicate(data), _SECONDS)
        except BaseException as error:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            if not isinstance(error, TimeoutError):
                raise
            await process.wait()
            return f"it took longer than {_SECONDS} s"
        return "" if process.returncode == 0 else f"it ended with {process.returncode}"
