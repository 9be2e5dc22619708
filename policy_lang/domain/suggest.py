"""Did-you-mean: the nearest known words to an unknown one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def suggest(word: str, known: Iterable[str]) -> str:
    """A help sentence naming the nearest of `known`, or listing a few; empty when there are none."""
    choices = sorted(set(known))
    if not choices:
        return ""
    lower = {choice.lower(): choice for choice in choices}
    near = difflib.get_close_matches(word[:64].lower(), lower, n=1, cutoff=0.6)
    if near:
        return f"did you mean `{lower[near[0]]}`?"
    shown = ", ".join(f"`{choice}`" for choice in choices[:12])
    return f"expected one of {shown}" + (", ..." if len(choices) > 12 else "")
