"""Reading a log: a folder of files, or one file of records, compressed or not. Streams; nothing is trusted."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from ..domain.faults import InternalError, reason_of
from ..domain.limits import limit
from ..domain.strict_json import Json
from .chain import DamagedRecordError, links, opened
from .log import segment_name, segment_numbers

_MOST_LINE = limit("log_record_bytes") * 2


class LogReadError(InternalError):
    """A log that cannot be read; the text says why and how to fix it."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it stands in a file: its bytes without the end, its number from 1, whether it has an end."""

    path: str
    number: int
    data: bytes
    ended: bool = True

    @property
    def place(self) -> str:
        """`file:line`."""
        return f"{os.path.basename(self.path)}:{self.number}"


def log_files(path: str) -> list[str]:
    """The files of a log in their order. Raises LogReadError when there are none."""
    if os.path.isdir(path):
        try:
            numbers = segment_numbers(os.listdir(path))
        except OSError as error:
            raise _unreadable(path, error) from None
        if not numbers:
            raise LogReadError(f"`{path}` holds no log; a log is a folder with files like `{segment_name(1)}`")
        return [_there(os.path.join(path, segment_name(n))) for n in numbers]
    if not os.path.isfile(path):
        raise LogReadError(f"there is no log `{path}`")
    return [path]


def _there(path: str) -> str:
    return path if os.path.exists(path) else f"{path}.gz"


def log_lines(path: str, start: int = 0) -> Iterator[Line]:
    """The lines of one file, from a byte on. Raises LogReadError."""
    try:
        with gzip.open(path, "rb") if path.endswith(".gz") else open(path, "rb") as stream:
            if start:
                stream.seek(start)
            yield from _split(path, stream)  # type: ignore[arg-type]
    except (OSError, EOFError, zlib.error) as error:
        raise _unreadable(path, error) from None


def _split(path: str, stream: BinaryIO) -> Iterator[Line]:
    number = 0
    while data := stream.readline(_MOST_LINE):
        number += 1
        ended = data.endswith(b"\n")
        if not ended and len(data) >= _MOST_LINE:
            raise LogReadError(f"`{os.path.basename(path)}:{number}` is longer than any record")
        yield Line(path, number, data[:-1] if ended else data, ended)


def records(path: str) -> Iterator[Json]:
    """The records of a log, in order. Raises LogReadError for a line that is none; `policy log verify` says more."""
    files = log_files(path)
    for file in files:
        for line in log_lines(file):
            if not line.ended and file == files[-1]:
                return  # a writer is in the middle of it, or was
            try:
                yield opened(line.data)
            except DamagedRecordError as error:
                raise LogReadError(f"`{line.place}` is damaged: {error}; see `policy log verify`") from None


def latest(path: str, kind: str, wanted: Callable[[Json], bool]) -> Json | None:
    """The last record of a kind for which `wanted` holds; None when the newest part of the log has none.

    Raises LogReadError.
    """
    return next((value for value in newest(path, kind) if wanted(value)), None)


def newest(path: str, kind: str) -> Iterator[Json]:
    """The records of a kind, the newest first, in the newest part of the log.

    So much of it is looked through as the service writes between two of its own notes. Raises LogReadError.
    """
    marker = b'"kind":"%s"' % kind.encode("ascii")
    left = limit("log_look_back_bytes")
    for file in reversed(log_files(path)):
        try:
            with gzip.open(file, "rb") if file.endswith(".gz") else open(file, "rb") as stream:
                data = stream.read(limit("log_look_back_bytes"))
        except (OSError, EOFError, zlib.error) as error:
            raise _unreadable(file, error) from None
        at = len(data)
        while (at := data.rfind(marker, 0, at)) >= 0:
            value = _whole(data[data.rfind(b"\n", 0, at) + 1 : data.find(b"\n", at)])
            if value is not None and value["kind"] == kind:
                yield value
        left -= len(data)
        if left <= 0:
            break


def _whole(line: bytes) -> Json | None:
    try:
        links(line)
        return opened(line)
    except DamagedRecordError:
        return None


def _unreadable(path: str, error: Exception) -> LogReadError:
    reason = reason_of(error, str(error))
    return LogReadError(f"`{path}` cannot be read: {reason}")
