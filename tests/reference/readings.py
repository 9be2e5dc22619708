"""The readings of a command's words, of a program that no profile describes: part of the judge."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

ORDINARY = "\ue000"


def supposed(request: Any) -> list[tuple[list[Any], list[Any]]]:
    """What the words of a command may mean; and the same of an ordinary word.

    A restriction of what a word may mean counts, unless it holds for an ordinary word in its place as well.
    """
    if request.action != "run" or isinstance(request.resource, str):
        return []
    words, out = request.resource[1:], []
    refs = {"push": True, "force-push": any("force" in w or w[:2] == "-f" for w in words)}
    actions = ["read", "write", "delete", *(a for a, given in refs.items() if given and "push" in " ".join(words))]
    for i, word in enumerate(words, 1):
        for part in meant(word):
            pair = (part, ORDINARY)
            for action in actions:
                below = [] if action in refs else [f"/{ORDINARY}"]
                out.append([[replace(request, action=action, resource=p + b) for b in ("", *below)] for p in pair])
            out.append([[replace(request, resource=[p, *words[i:]])] for p in pair])
    return [(one, other) for one, other in out]


def meant(word: str) -> list[str]:
    """What may be meant in a word: the word, what stands between separators, what is attached to an option."""
    cuts = [-1, *(i for i, c in enumerate(word) if c in "=:,@"), len(word)]
    found = [word[a + 1 : b] for a in cuts for b in cuts if a < b]
    if word[:1] == "-":
        found += [word[i:] for i in range(2, len(word)) if word[1:i].isalnum()]
    return [f for f in found if f and f[0] != "-"]
