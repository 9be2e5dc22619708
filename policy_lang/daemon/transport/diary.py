"""The service's own log on standard error, and word to systemd."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import stat
import time
from collections.abc import Mapping
from typing import Any

from ...audit.redact import cleaned
from ...domain.limits import limit

_LOG = 2
_PLAIN = (str, int, float, dict, list, tuple, type(None))
_MOST_LINE = limit("log_line_bytes")


def log(event: str, **fields: object) -> None:
    """One line of JSON on standard error: the service's own log, without secrets. ASCII, so that nothing forges a line.

    A line that cannot be written now is dropped: whoever reads the log, or has stopped to, never holds up an answer.
    """
    plain = {name: value if isinstance(value, _PLAIN) else str(value) for name, value in fields.items()}
    line = json.dumps({"time": round(time.time(), 3), "event": event, **cleaned(plain).value}, default=str)
    with contextlib.suppress(OSError):
        os.write(_LOG, line.encode("ascii")[:_MOST_LINE] + b"\n")


def log_fault(_: object, context: Mapping[str, Any]) -> None:
    """Log what the loop could hand to nobody, as any line: what asyncio itself would print holds texts of callers."""
    fault = context.get("exception")
    log("internal-error", kind="" if fault is None else type(fault).__name__, where=context.get("message", ""))


def unblock_log() -> None:
    """A pipe or socket behind the log is not waited for. A terminal is left alone: others share its mode."""
    with contextlib.suppress(OSError):
        mode = os.fstat(_LOG).st_mode
        if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
            os.set_blocking(_LOG, False)


def notify() -> None:
    """Tell systemd that answers are given (sd_notify(3)), when it asks to be told."""
    place = os.environ.get("NOTIFY_SOCKET", "")
    if place.startswith(("/", "@")):
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.sendto(b"READY=1", "\0" + place[1:] if place.startswith("@") else place)
