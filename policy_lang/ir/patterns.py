"""Pattern texts to label sequences, whatever their sort. Malformed texts raise PatternError."""

from __future__ import annotations

import unicodedata

from ..automata.glob import GlobError
from ..automata.pattern import MANY, Sequence
from ..domain.limits import limit
from .scopes import PatternError
from .sorts.sort import sort_named

_SURELY = limit("pattern_bytes") // 4
"""So many characters are within the limit whatever they are."""


def compile_pattern(sort: str, text: str, methods: tuple[str, ...] = ()) -> tuple[Sequence, ...]:
    """The sequences that a pattern of a sort stands for. Raises PatternError."""
    if not text:
        raise PatternError("the pattern is empty")
    if len(text) > _SURELY and len(text.encode("utf-8", "replace")) > limit("pattern_bytes"):
        raise PatternError(f"the pattern is longer than {limit('pattern_bytes')} bytes")
    if not text.isprintable() and any(unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} for c in text):
        raise PatternError("the pattern contains a control character", "no resource can, so it would match nothing")
    try:
        sequences = sort_named(sort).sequences(text, methods)
    except GlobError as error:
        raise PatternError(str(error)) from None
    for sequence in sequences:
        _bounded(sequence)
    return tuple(dict.fromkeys(sequences))


def _bounded(sequence: Sequence) -> None:
    inner = sum(label is MANY for label in sequence[:-1])
    if inner > limit("inner_double_stars"):
        raise PatternError(
            f"more than {limit('inner_double_stars')} inner `**` in one pattern",
            "each one multiplies the work of every decision; split the rule",
        )
