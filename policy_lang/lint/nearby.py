"""What the author of a denial probably meant: patterns close to one that meets nothing."""

from __future__ import annotations

from collections.abc import Iterator

from ..domain.actions import HOST, PATH, REF, SORT_OF
from ..ir.model import Rule
from ..ir.patterns import PatternError
from .ground import Ground, Reach


def meant(ground: Ground, rule: Rule) -> Iterator[tuple[str, str, Reach]]:
    """A pattern of the rule, what it may have meant, and something granted that this would deny."""
    for pattern in rule.include:
        for action in rule.actions:
            for other in _close(SORT_OF[action], pattern.text):
                try:
                    found = ground.reach(action, [other])
                except PatternError:
                    continue
                if found:
                    yield pattern.text, other, found[0]


def _close(sort: str, text: str) -> Iterator[str]:
    if sort == PATH:
        if not text.startswith(("/", "~", "$", "**/")) and text != "./":
            yield f"**/{text}"
        if text.startswith("/") and len(text) > 1:
            yield text[1:]
        if not text.endswith(("*", "/")):
            yield f"{text}/"
    elif sort == HOST:
        if ":" not in text and "/" not in text:
            yield f"{text}:*"
        if not text.startswith(("*", "[")) and not text[:1].isdigit():
            yield f"**.{text}"
    elif sort == REF and ":" not in text:
        yield f"*:{text}"
        yield f"**/{text}" if not text.startswith("**") else text
