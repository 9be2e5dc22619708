"""Brace expansion: `a{b,c}` and `{1..3}` (bash(1), Brace Expansion). Unusual forms are opaque."""

from __future__ import annotations

import itertools
import re

from ..domain.regex import regex
from .reading import Opaque
from .tree import Part, Text

_SEQUENCE = regex(r"(-?[0-9]{1,6})\.\.(-?[0-9]{1,6})|([A-Za-z])\.\.([A-Za-z])", re.ASCII)

Atom = str | Part
"""One unquoted character, or a part that braces do not look into."""


def brace_expand(parts: tuple[Part, ...], most: int, at: int) -> list[tuple[Part, ...]]:
    """The words that a word with unquoted braces becomes, before all other expansions. Raises Opaque."""
    atoms: list[Atom] = []
    for part in parts:
        if isinstance(part, Text) and not part.quoted:
            atoms += part.text
        else:
            atoms.append(part)
    if "$" in atoms and "{" in atoms:  # braces are expanded first, and may give it a name
        raise Opaque("a lone `$` in a word with braces", "quote it", at)
    return [_packed(word) for word in _expand(atoms, most, at)]


def _expand(atoms: list[Atom], most: int, at: int) -> list[list[Atom]]:
    opening = next((i for i, a in enumerate(atoms) if a == "{"), -1)
    if opening < 0:
        if "}" in atoms and "," in atoms:
            raise Opaque("unbalanced braces", "quote them", at)
        return [atoms]
    level = 0
    commas: list[int] = []
    closing = -1
    for i in range(opening, len(atoms)):
        atom = atoms[i]
        if atom == "{":
            level += 1
        elif atom == "}":
            level -= 1
            if not level:
                closing = i
                break
        elif atom == "," and level == 1:
            commas.append(i)
    if closing < 0:
        if "," in atoms or ".." in "".join(a for a in atoms if isinstance(a, str)):
            raise Opaque("unbalanced braces", "quote them", at)
        return [atoms]
    before, inside, after = atoms[:opening], atoms[opening + 1 : closing], atoms[closing + 1 :]
    if commas:
        cuts = [opening, *commas, closing]
        choices = [atoms[a + 1 : b] for a, b in itertools.pairwise(cuts)]
    elif any(a in ("{", "}", ",") for a in inside):
        raise Opaque("nested braces without a choice", "quote them", at)
    else:
        text = "".join(a for a in inside if isinstance(a, str))
        sequence = _SEQUENCE.fullmatch(text) if len(text) == len(inside) else None
        if sequence is None:
            if ".." in text:
                raise Opaque("an unusual sequence in braces", at=at)
            return [[*before, "{", *inside, "}", *tail] for tail in _expand(after, most, at)]
        choices = [list(word) for word in _sequence(sequence, most, at)]
    out: list[list[Atom]] = []
    tails = _expand(after, most, at)
    for choice in choices:
        for middle in _expand(choice, most, at):
            for tail in tails:
                out.append([*before, *middle, *tail])
                if len(out) > most:
                    raise Opaque(f"braces that make more than {most} words", at=at)
    return out


def _sequence(match: re.Match[str], most: int, at: int) -> list[str]:
    if match[3]:
        first, last = ord(match[3]), ord(match[4])
        if (first < 91) != (last < 91):
            raise Opaque("an unusual sequence in braces", at=at)
        step = 1 if first <= last else -1
        return [chr(c) for c in range(first, last + step, step)]
    if any(len(t.lstrip("-")) > 1 and t.lstrip("-")[0] == "0" for t in (match[1], match[2])):
        raise Opaque("a padded sequence in braces", at=at)
    first, last = int(match[1]), int(match[2])
    if abs(last - first) >= most:
        raise Opaque(f"braces that make more than {most} words", at=at)
    step = 1 if first <= last else -1
    return [str(n) for n in range(first, last + step, step)]


def _packed(atoms: list[Atom]) -> tuple[Part, ...]:
    out: list[Part] = []
    run: list[str] = []
    for atom in atoms:
        if isinstance(atom, str):
            run.append(atom)
            continue
        if run:
            out.append(Text("".join(run), False))
            run = []
        out.append(atom)
    if run:
        out.append(Text("".join(run), False))
    return tuple(out)
