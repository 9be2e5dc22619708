"""Regular expressions of a policy's author as globs over a text: those plain enough to be sure of, and no others.

No such expression is ever run: what it means is read from it, or it is left.
"""

from __future__ import annotations

from itertools import product

_MOST = 64  # limit: regex_globs
"""Globs of one expression: what its groups of alternatives may come to."""
_LONGEST = 2_000  # limit: regex_characters
"""Characters of an expression that is read."""
_PUNCTUATION = frozenset(".-_/+*?()[]{}|^$\\\"' :@=,;&<>#!%~")
_SPECIAL = frozenset("*+?{}[]|^$\\.()")
_END = "\x00"
"""Stands for the end of the text, which some clients' texts never have where an expression looks for it."""


def globs_of(expression: str) -> tuple[str, ...] | None:
    """The globs that mean texts which begin as an expression says; they are open at their end.

    Literal characters, `.*`, escaped punctuation, and one depth of groups of alternatives are read. A way through the
    expression that needs the end of the text has no glob. None for every other expression.
    """
    if len(expression) > _LONGEST:
        return None
    pieces: list[list[str]] = []
    at = 0
    while at < len(expression):
        if expression[at] == "(":
            end = expression.find(")", at)
            inner = expression[at + 1 : end].removeprefix("?:")
            if end < 0 or "(" in inner:
                return None
            read = [_literal(one) for one in inner.split("|")]
            at = end + 1
        else:
            end = at
            while end < len(expression) and expression[end] != "(":
                end += 2 if expression[end] == "\\" else 1
            read = [_literal(expression[at:end])]
            at = end
        if any(one is None for one in read) or (at < len(expression) and expression[at] in "*+?{"):
            return None
        pieces.append([one for one in read if one is not None])
    count = 1
    for piece in pieces:
        count *= len(piece)
    if count > _MOST:
        return None
    made = ("".join(one) for one in product(*pieces))
    return tuple(dict.fromkeys(f"{one.rstrip('*')}*" for one in made if _END not in one))


def _literal(text: str) -> str | None:
    """A piece without groups as a glob; None where it has more than characters and `.*`."""
    out, at = "", 0
    while at < len(text):
        char, behind = text[at], text[at + 1 : at + 2]
        if char == "\\" and behind and behind in _PUNCTUATION and behind not in "*?":
            out, at = out + behind, at + 2
        elif char == "\\" and behind == "s" and text[at + 2 : at + 3] not in {"*", "+", "?", "{"}:
            out, at = out + " ", at + 2
        elif char == "." and behind == "*":
            out, at = f"{out}*", at + 2
        elif char == "$" and at == len(text) - 1:
            out, at = out + _END, at + 1
        elif char in _SPECIAL or behind in {"*", "+", "?", "{"}:
            return None
        else:
            out, at = out + char, at + 1
    return out
