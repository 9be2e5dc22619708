"""Reading policy files: regular files only, bounded, valid UTF-8. The one place that opens them."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping

from ..domain.errors import Diagnostic, PolicyError, Source, Span
from ..domain.faults import reason_of
from ..domain.files import open_for_reading
from ..domain.limits import limit

Reader = Callable[[str, Span | None], bytes]
"""Gives the bytes of a path, or raises PolicyError, placed at the span."""


def read_source(path: str, at: Span | None = None, read: Reader | None = None) -> Source:
    """The text of a policy file. Raises PolicyError, placed at `at`, when it cannot be read as one.

    The source is named by the path without its `..`, which reads better in every report.
    """
    data = read_with(read or read_bytes, path, at)
    if data.startswith(b"\x89plc"):
        raise unreadable("PLE007", f"`{path}` is compiled; its rules cannot be inspected", at, "name its source")
    if len(data) > limit("source_bytes"):
        raise _too_long(path, at)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise unreadable(
            "PLE002", f"`{path}` is not valid UTF-8 (byte {error.start}, line {line})", at, "save it as UTF-8"
        ) from None
    return Source(os.path.normpath(path), text)


def read_with(read: Reader, path: str, at: Span | None) -> bytes:
    """What a reader gives. Raises PolicyError, placed at `at`, also for what the system says to a reader of others."""
    try:
        return read(path, at)
    except FileNotFoundError:
        raise _missing(path, at) from None
    except OSError as error:
        raise unreadable("PLE001", f"`{path}` cannot be read: {reason_of(error)}", at) from None


def _missing(path: str, at: Span | None) -> PolicyError:
    remediation = "check the path; it starts at the importing file" if at else ""
    return unreadable("PLE001", f"there is no file `{path}`", at, remediation)


def _too_long(path: str, at: Span | None) -> PolicyError:
    message = f"`{path}` is longer than {limit('source_bytes')} bytes"
    return unreadable("PLE004", message, at, "split it and import the parts")


def read_bytes(path: str, at: Span | None) -> bytes:
    """The bytes of a file that a policy names. Raises PolicyError, placed at `at`."""
    most = limit("source_bytes")
    try:
        handle = open_for_reading(path)
    except FileNotFoundError:
        raise _missing(path, at) from None
    except (OSError, ValueError) as error:
        reason = reason_of(error, "the name is not a file name")
        raise unreadable("PLE001", f"`{path}` cannot be opened: {reason}", at) from None
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            kind = "a folder" if stat.S_ISDIR(status.st_mode) else "not a regular file"
            raise unreadable("PLE001", f"`{path}` is {kind}", at, "name a policy file")
        chunks: list[bytes] = []
        size = 0
        while chunk := os.read(handle, 1 << 16):
            size += len(chunk)
            if size > most:
                raise _too_long(path, at)
            chunks.append(chunk)
    except OSError as error:
        raise unreadable("PLE001", f"`{path}` cannot be read: {reason_of(error)}", at) from None
    finally:
        os.close(handle)
    return b"".join(chunks)


def overlay(texts: Mapping[str, str]) -> Reader:
    """A reader that gives these texts for their paths, and what the disk has for all others."""
    real = {os.path.realpath(p): t.encode("utf-8", "surrogatepass") for p, t in texts.items()}

    def read(path: str, at: Span | None) -> bytes:
        data = real.get(os.path.realpath(path))
        return read_bytes(path, at) if data is None else data

    return read


def unreadable(code: str, message: str, at: Span | None, remediation: str = "") -> PolicyError:
    """A file that cannot be read, as an error of the policy that names it."""
    return PolicyError([Diagnostic(code, message, at, remediation)])
