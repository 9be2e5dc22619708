"""Probable intentions of denials: patterns close to those that meet nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..domain.actions import HOST, PATH, REF, SORT_OF
from ..ir.model import Rule
from ..ir.scopes import PatternError
from .context import Grant, LintContext, wanted


def meant(context: LintContext, rules: Iterable[Rule]) -> dict[str, tuple[str, str, Grant]]:
    """By a rule's id: a pattern of it, what that may have meant, and something granted that this would deny."""
    close: dict[str, list[tuple[Rule, str, str]]] = {}
    for rule in rules:
        for action in rule.actions:
            for pattern in rule.include:
                for other in _close(SORT_OF[action], pattern.text):
                    if _compiles(action, other):
                        close.setdefault(action, []).append((rule, pattern.text, other))
    out: dict[str, tuple[str, str, Grant]] = {}
    for action, found in close.items():
        granted = context.first_grant(action, [other for _, _, other in found])
        for rule, text, other in found:
            if other in granted:
                out.setdefault(rule.id, (text, other, granted[other]))
    return out


def _compiles(action: str, text: str) -> bool:
    try:
        wanted(action, [text])
    except PatternError:
        return False
    return True


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
        if not text.startswith("**"):
            yield f"**/{text}"
