"""One call of a program, as roles and readers are given it."""

from __future__ import annotations

from ..domain.record import record
from .values import Value


@record(frozen=True, slots=True)
class ProgramCall:
    """A program's words and what its standard input is: a text, something unknown, or None for nothing given."""

    argv: tuple[Value, ...]
    stdin: Value | None = None
