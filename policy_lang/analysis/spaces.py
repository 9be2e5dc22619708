"""Places of the workspace, the home and the temporary folder, in the words of paths that a search looks at.

Where they lie is part of the question: a mark in the word says "here it begins", so one search covers every layout. A
layout that is given is put into the patterns instead, and needs no mark.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field

from ..automata.pattern import MANY, Sequence, Word
from ..facts.paths import HOME, ROOT, TMP, WORKSPACE
from ..ir.sorts.path import MARKS


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things lie, as absolute paths; None for anywhere."""

    workspace: str | None = None
    home: str | None = None
    tmp: str | None = None

    def folder(self, mark: str) -> str | None:
        """The folder of an anchor."""
        return {WORKSPACE: self.workspace, HOME: self.home, TMP: self.tmp}[mark]

    def sequence(self, sequence: Sequence) -> Sequence:
        """A path pattern as a pattern over words from the root."""
        anchor = sequence[0]
        if anchor not in MARKS:
            return sequence
        assert isinstance(anchor, str)
        folder = self.folder(anchor)
        if folder is None:
            return (ROOT, MANY, anchor, *sequence[1:])
        return (ROOT, *(p for p in posixpath.normpath(folder).split("/") if p), *sequence[1:])


@dataclass(slots=True)
class Placed:
    """A path taken apart: its segments, and where the marks stand."""

    segments: tuple[str, ...]
    at: dict[str, int] = field(default_factory=dict)


def placed(word: Word) -> Placed:
    """A path word without its root and marks."""
    segments: list[str] = []
    at: dict[str, int] = {}
    for segment in word[1:]:
        if segment in MARKS:
            at[segment] = len(segments)
        else:
            segments.append(segment)
    return Placed(tuple(segments), at)
