"""The globs of scopes (`agent`, `repo`), and what they share with all patterns. Loaded with every policy."""

from __future__ import annotations

from ..automata.glob import GlobError
from ..automata.pattern import ANY, MANY, Label, Sequence, collapse, expand_braces, segment_label
from ..domain.faults import AuthorError
from ..domain.limits import limit

_MOST_WILDCARDS = limit("segment_wildcards")


class PatternError(AuthorError, ValueError):
    """The pattern's text is wrong: what is, and how to correct it."""

    def __init__(self, message: str, remediation: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remediation = remediation


def part_label(text: str) -> Label:
    """The label of one part. Raises PatternError for too many wildcards, GlobError for malformed ones."""
    if len(text) > _MOST_WILDCARDS and sum(text.count(c) for c in "*?[") > _MOST_WILDCARDS:
        raise PatternError(f"more than {limit('segment_wildcards')} wildcards in one segment")
    return segment_label(text)


def scope_sequence(text: str) -> tuple[Sequence, ...]:
    """The sequences of an `agent` or `repo` glob: segments split at `/`."""
    if not text or "\0" in text:
        raise PatternError("the pattern is empty")
    try:
        return tuple(
            collapse(part_label(p) for p in t.split("/")) for t in expand_braces(text, limit("pattern_alternatives"))
        )
    except GlobError as error:
        raise PatternError(str(error)) from None


def many_inside(labels: list[Label]) -> Sequence:
    """Labels of a path or ref: a `**` at the end means everything inside, so at least one segment."""
    done = collapse(labels)
    return (*done[:-1], ANY, MANY) if done and done[-1] is MANY else done
