"""Errors with a place or a code: a policy's diagnostics, a refused request. The families are in `faults.py`."""

from __future__ import annotations

from .faults import AuthorError, CallerError, InternalError, PolicyLangError
from .record import field, record

__all__ = [
    "AuthorError",
    "CallerError",
    "Diagnostic",
    "InternalError",
    "PolicyError",
    "PolicyLangError",
    "RequestError",
    "SearchLimitError",
    "Source",
    "Span",
]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


@record(frozen=True, slots=True)
class Source:
    """A text with a name: a policy file as shown to its author."""

    path: str
    text: str
    _starts: list[int] = field(default_factory=list, compare=False, repr=False)

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of a character offset, both counted from 1."""
        starts = self._starts
        if not starts:  # where lines begin, found once: every rule asks for its line
            starts += [0, *(i + 1 for i, char in enumerate(self.text) if char == "\n")]
        from bisect import bisect_right

        offset = max(0, min(offset, len(self.text)))
        line = bisect_right(starts, offset)
        return line, offset - starts[line - 1] + 1

    def utf16_position(self, offset: int) -> tuple[int, int]:
        """Line and column of a character offset as editors count them: from 0, the column in UTF-16 code units."""
        before = self.text[: max(0, offset)].replace("\r\n", "\n").replace("\r", "\n")
        last = before[before.rfind("\n") + 1 :]
        return before.count("\n"), len(last) + sum(char > "\uffff" for char in last)

    def line(self, number: int) -> str:
        """The text of line `number` (from 1), without its end; empty when there is none."""
        lines = self.text.split("\n")
        return lines[number - 1].rstrip("\r") if 0 < number <= len(lines) else ""


@record(frozen=True, slots=True)
class Span:
    """A stretch of a source: character offsets, end exclusive."""

    source: Source
    start: int
    end: int

    @property
    def line(self) -> int:
        """Line of the first character, from 1."""
        return self.source.position(self.start)[0]


@record(frozen=True, slots=True)
class Diagnostic:
    """One mistake of a policy's author: code, what is wrong, where, and how to correct it."""

    code: str
    message: str
    span: Span | None = None
    help: str = ""
    related: tuple[tuple[str, Span], ...] = field(default=())


class PolicyError(AuthorError):
    """The policy does not compile. `diagnostics` holds every mistake found, in source order."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__(self.diagnostics)

    def __str__(self) -> str:
        return "; ".join(f"{d.code}: {d.message}" for d in self.diagnostics[:5])


class RequestError(CallerError):
    """The request is malformed: it is refused, and a decision on it is deny."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(code, message)

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class SearchLimitError(InternalError):
    """An exact search met its limit: the answer is `undecided`, which never passes."""


class OutOfTimeError(SearchLimitError):
    """The time that a person gave to a run is over: what was not looked at by then is said."""
