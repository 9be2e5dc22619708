"""Spaces: the words that resources of one sort are. Which segments may stand where, and what makes a word whole."""

from __future__ import annotations

from .pattern import CONTROL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .alphabet import Alphabet
    from .glob import Glob

Phase = tuple[object, ...]
"""What of a word so far decides which segments may follow."""


class Space:
    """All words of one sort. A phase is what of the word so far decides which segments may follow."""

    start: Phase = ()
    dull: frozenset[str] = frozenset()
    """Segments that leave patterns which do not speak of them where they are."""

    def __init__(self, alphabet: Alphabet) -> None:
        self._alphabet = alphabet

    def step(self, phase: Phase, segment: str) -> Phase | None:
        """The phase after one more segment; None when no word goes on so."""
        return phase if segment[:1] == CONTROL or self._alphabet.admits(segment) else None

    def whole(self, phase: Phase) -> bool:  # noqa: ARG002
        """True when a word may end here."""
        return True

    def pool(self, phase: Phase) -> tuple[str, ...] | None:  # noqa: ARG002
        """The only segments that may follow, or None when the alphabet says it."""
        return None

    def alphabet(self, phase: Phase) -> tuple[Alphabet, tuple[Glob, ...]]:  # noqa: ARG002
        """The segments that may follow, and those among them that may not."""
        return self._alphabet, ()

    def cost(self, at: int, segment: str) -> int:  # noqa: ARG002
        """What a segment at this place adds to a word's length; searches answer with the shortest word."""
        return len(segment) + 1

    def marks(self, phase: Phase) -> Iterable[str]:  # noqa: ARG002
        """Dull segments that may stand here."""
        return ()
