"""Did-you-mean: the nearest known words to an unknown one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from .limits import limit

_SHOWN = 13
"""Choices that are listed: there are so many actions."""


def joined(hint: str, note: str) -> str:
    """A help sentence and another one behind it."""
    if not hint:
        return note
    return f"{hint} {note[0].upper()}{note[1:]}" if hint.endswith("?") else f"{hint}; {note}"


def suggest(word: str, known: Iterable[str], before: int = 0) -> str:
    """A help sentence naming the one of `known` that is meant or the nearest, or a few; empty when there are none.

    With more mistakes `before` this one than are shown, nothing is looked for: a hostile file must not cost more.
    """
    if before > limit("diagnostics"):
        return ""
    choices = sorted(set(known))
    if not choices:
        return ""
    from .habits import meant_by

    meant = meant_by(word)
    if meant and meant.replace(",", "").split()[0] in choices:
        return f"did you mean `{meant}`?"
    lower = {choice.lower(): choice for choice in choices}
    near = difflib.get_close_matches(word[:64].lower(), lower, n=1, cutoff=0.6)
    if near:
        return f"did you mean `{lower[near[0]]}`?"
    shown = ", ".join(f"`{choice}`" for choice in choices[:_SHOWN])
    return f"expected one of {shown}" + (", ..." if len(choices) > _SHOWN else "")
