"""The time that a whole run may take, as the caller gave it: searches that are under way then give up."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from ..domain.errors import OutOfTimeError

_END: ContextVar[float | None] = ContextVar("end", default=None)


@contextmanager
def within(seconds: float | None) -> Iterator[None]:
    """What is done inside has so many seconds; any time with None."""
    token = _END.set(None if seconds is None else time.monotonic() + seconds)
    try:
        yield
    finally:
        _END.reset(token)


def over() -> bool:
    """True when the time is over."""
    end = _END.get()
    return end is not None and time.monotonic() >= end


def check() -> None:
    """Raises OutOfTimeError when the time is over."""
    if over():
        raise OutOfTimeError("the time that was given is over")
