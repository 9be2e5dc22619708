"""Probable intentions of denials: patterns close to those that meet nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..domain.actions import HOST, PATH, REF, SORT_OF
from ..ir.model import Rule
from ..ir.scopes import PatternError
from .context import Grant, LintContext, wanted

_SHORTEST = 5
"""Letters of a word that may be misspelt: shorter ones are alike by chance."""


def meant(context: LintContext, rules: Iterable[Rule]) -> dict[str, tuple[str, str, Grant]]:
    """By a rule's id: a pattern of it, what that may have meant, and something granted that this would deny."""
    close: dict[str, list[tuple[Rule, str, str]]] = {}
    for rule in rules:
        for action in rule.actions:
            known = _granted_words(context, action)
            for pattern in rule.include:
                for other in (*_close(SORT_OF[action], pattern.text), *_misspelt(pattern.text, known)):
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
    """What a pattern stands for where its author may come from. A path of several parts says where it is."""
    if sort == PATH:
        if "/" not in text and not text.startswith(("~", "$", "**")):
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
    elif sort == REF and text.startswith(("heads/", "tags/")):
        yield f"refs/{text}"


def _granted_words(context: LintContext, action: str) -> list[str]:
    """The words that grants of an action are made of."""
    labels = (
        part
        for rule in context.policy.layers[0].rules
        if rule.grants and action in rule.actions
        for pattern in rule.include
        for sequence in pattern.sequences
        for label in sequence
        for part in (label if isinstance(label, str) else getattr(label, "text", "")).split("_")
    )
    found = dict.fromkeys(p for p in labels if len(p) >= _SHORTEST and p.isascii() and p.replace("-", "").isalnum())
    return list(found)


def _misspelt(text: str, known: list[str]) -> Iterator[str]:
    """The pattern with one of its words written as a grant has it."""
    for word in dict.fromkeys(_words(text)):
        if len(word) >= _SHORTEST and word not in known:
            yield from (text.replace(word, right) for right in known if _slipped(word, right))


def _slipped(word: str, right: str) -> bool:
    """True when one letter is missing, added, another or changed places with the next; `s` at the end is grammar."""
    if abs(len(word) - len(right)) > 1 or word.removesuffix("s") == right.removesuffix("s"):
        return False
    at = next((i for i, (a, b) in enumerate(zip(word, right, strict=False)) if a != b), min(len(word), len(right)))
    first, second = word[at:], right[at:]
    swapped = first[1:2] + first[:1] + first[2:]
    return second in {first[1:], swapped} or first[1:] == second[1:] or first == second[1:]


def _words(text: str) -> Iterator[str]:
    word = ""
    for char in f"{text} ":
        if char.isalnum() or char == "-":
            word += char
        elif word:
            yield word.strip("-")
            word = ""
