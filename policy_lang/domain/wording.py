"""Numbers in sentences, and words that more than one part writes or reads."""

from __future__ import annotations

LEFT_OUT = "leave it out by the glob "
"""What comes before a glob in the advice about a client's search; the hook names the tool's own argument instead."""


def counted(number: int, noun: str) -> str:
    """`1 rule`, `2 rules`, `1,000 rules`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
