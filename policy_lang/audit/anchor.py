"""Anchors of a log: places outside it that hold where its chain stood, so that its end cannot go unnoticed.

An anchor is a file that only grows, the system's log, or a program of the operator's. Each head is one line of JSON
with the log's name, the number and the digest of its last record, and the time. Nothing here holds up a decision: each
place has a thread of its own, and one that is slow or gone gets the newest head when it answers again.
"""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import threading
from collections import deque
from collections.abc import Iterable
from typing import Protocol

from ..domain import strict_json
from ..domain.faults import AuthorError, reason_of
from ..domain.limits import limit
from ..domain.strict_json import Json
from ..facts.owners import unsafe
from .verify import NotedHead

_SECONDS = float(limit("anchor_seconds"))
_PAUSE = float(limit("anchor_pause_seconds"))
_LINE = limit("anchor_line_bytes")
_SYSLOG = "/dev/log"
ANCHORED = "anchored"
"""What is recorded when a place takes a head, the first time and after a failure."""
_AUTHPRIV_NOTICE = 10 * 8 + 5


class AnchorError(AuthorError):
    """An anchor that cannot be used; the text says why."""


class Anchor(Protocol):
    """A place outside the log. `pause` are the seconds that it is left alone after each head."""

    name: str
    pause: float

    def put(self, head: Json) -> None:
        """Keep a head. Raises OSError, AnchorError, subprocess.SubprocessError."""


class FileAnchor:
    """A file that only grows; best where this user can append and nothing else (`chattr +a`), or on another machine."""

    pause = 0.0

    def __init__(self, path: str) -> None:
        self.name = os.path.abspath(path)
        self._size = 0

    def put(self, head: Json) -> None:
        """See `Anchor`. A file that has become shorter is reported once."""
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NOCTTY | os.O_NONBLOCK
        handle = os.open(self.name, flags, 0o600)
        try:
            status = os.fstat(handle)
            fault = unsafe(status)
            if fault is None and not stat.S_ISREG(status.st_mode):
                fault = ("it is not a regular file", "name one that is")
            if fault is not None:
                raise AnchorError(f"it is refused: {fault[0]}; {fault[1]}")
            before, self._size = self._size, status.st_size
            if status.st_size < before:
                raise AnchorError(f"it had {before} bytes, and has {status.st_size}: heads were taken out of it")
            line = strict_json.dump(head) + b"\n"
            if os.write(handle, line) != len(line):
                raise AnchorError("there is no room")
            os.fsync(handle)
            self._size = status.st_size + len(line)
        finally:
            os.close(handle)


class SyslogAnchor:
    """The system's log: a message as RFC 5424 says, to the local socket."""

    name = "syslog"
    pause = 0.0

    def __init__(self, place: str = _SYSLOG) -> None:
        self._place = place

    def put(self, head: Json) -> None:
        """See `Anchor`."""
        host = os.uname().nodename[:255] or "-"
        begin = f"<{_AUTHPRIV_NOTICE}>1 {head['time']} {host} policy_lang {os.getpid()} log-head - "
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.settimeout(_SECONDS)
            out.connect(self._place)
            out.send(begin.encode("ascii", "replace") + strict_json.dump(head))


class ProgramAnchor:
    """A program that gets the head on its standard input, and puts it where it likes: an object store, another host."""

    pause = _PAUSE

    def __init__(self, path: str) -> None:
        self.name = path

    def put(self, head: Json) -> None:
        """See `Anchor`."""
        quiet = subprocess.DEVNULL
        done = subprocess.run(  # noqa: S603 (no shell; a program of the operator's by its whole path)
            [self.name], input=strict_json.dump(head) + b"\n", stdout=quiet, stderr=quiet, timeout=_SECONDS, cwd="/",
            env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}, check=False,
        )  # fmt: skip
        if done.returncode:
            raise AnchorError(f"it ended with {done.returncode}")


class _Bringer(threading.Thread):
    """Brings heads to one place, the newest only."""

    def __init__(self, place: Anchor, required: bool, reports: deque[tuple[str, Json]]) -> None:
        super().__init__(daemon=True, name="anchor")
        self.place = place
        self.failing = "nothing is anchored yet" if required else ""
        self._reports = reports
        self._known: str | None = None
        self._head: Json | None = None
        self._ended = False
        self._change = threading.Condition()
        self.start()

    def note(self, head: Json) -> None:
        with self._change:
            self._head = head
            self._change.notify()

    def end(self) -> None:
        with self._change:
            self._ended = True
            self._change.notify()

    def run(self) -> None:
        while (head := self._taken()) is not None:
            why = self._tried(head)
            with self._change:
                self._change.wait_for(lambda: self._ended, _PAUSE if why else self.place.pause)
            if why:
                self._kept(head)

    def _taken(self) -> Json | None:
        """The newest head, once there is one; None at the end."""
        with self._change:
            self._change.wait_for(lambda: self._head is not None or self._ended)
            head, self._head = self._head, None
            return head

    def _kept(self, head: Json) -> None:
        """Try this again, unless there is a newer one."""
        with self._change:
            if self._head is None and not self._ended:
                self._head = head

    def _tried(self, head: Json) -> str:
        """Why it failed, or nothing; that this has changed is reported."""
        try:
            self.place.put(head)
            why = ""
        except subprocess.TimeoutExpired:
            why = f"it took longer than {_SECONDS:g} s"
        except OSError as error:
            why = reason_of(error, str(error))
        except AnchorError as error:
            why = str(error)
        if why != self._known:
            event = (
                {"anchor": self.place.name, "why": why} if why else {"anchor": self.place.name, "record": head["seq"]}
            )
            self._reports.append(("anchor-failed" if why else ANCHORED, event))
        self.failing = self._known = why
        return why


class Anchors:
    """The places to which heads go. With `required` nothing may be allowed while one of them fails."""

    def __init__(self, places: Iterable[Anchor], required: bool = False) -> None:
        self.required = required
        self.reports: deque[tuple[str, Json]] = deque(maxlen=100)
        self._workers = [_Bringer(p, required, self.reports) for p in places]

    def note(self, head: Json) -> None:
        """Bring a head to each place, beside the caller."""
        for worker in self._workers:
            worker.note(head)

    @property
    def failing(self) -> dict[str, str]:
        """The places that did not take the last head that they were given, and why."""
        return {w.place.name: w.failing for w in self._workers if w.failing}

    def close(self) -> None:
        """Bring the last heads, within the limit."""
        for worker in self._workers:
            worker.end()
        for worker in self._workers:
            worker.join(_SECONDS)


def heads(path: str) -> list[NotedHead]:
    """The heads in a file: an anchor's, or lines of the system's log. Raises AnchorError.

    Lines that hold none are passed over. There is always something to be met: an empty anchor vouches for nothing.
    """
    found = [NotedHead(0, "", f"`{path}`")]
    try:
        with open(path, "rb") as stream:
            while line := stream.readline(_LINE):
                one = _head(line, path)
                if one is not None:
                    found.append(one)
                if len(found) > limit("anchor_heads"):
                    raise AnchorError(f"`{path}` holds more than {limit('anchor_heads')} heads")
    except OSError as error:
        raise AnchorError(f"`{path}` cannot be read: {reason_of(error)}") from None
    return found


def _head(line: bytes, path: str) -> NotedHead | None:
    at = line.find(b'{"log":')
    if at < 0:
        return None
    try:
        value = json.loads(line[at : line.rfind(b"}") + 1])
        log, seq, digest = value["log"], value["seq"], value["hash"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    right = isinstance(log, str) and isinstance(seq, int) and isinstance(digest, str) and seq > 0
    return NotedHead(seq, digest, f"`{path}`", log) if right else None


def behind(log_head: Json, path: str, anchored: int) -> tuple[str, str]:
    """Why a log is not what an anchor's file says it was, and why that file is not what the log says it was.

    Both are empty when nothing speaks against it. `anchored` is the last record that the log says was named there.
    """
    try:
        noted = [h for h in heads(path) if h.log == log_head["log"]]
    except AnchorError:
        noted = []
    last = max((h.seq for h in noted), default=0)
    lost = f"`{path}` named record {anchored}, and does not any more" if last < anchored else ""
    if last > log_head["seq"]:
        return f"it ends at record {log_head['seq']}, and `{path}` names record {last}", lost
    if any(h.seq == log_head["seq"] and h.digest != log_head["hash"] for h in noted):
        return f"its record {log_head['seq']} is not the one that `{path}` names", lost
    return "", lost
