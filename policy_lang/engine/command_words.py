"""The words that a command is known by, besides those it was given as.

Restrictions match however a command is spelled: also its *bare* words, program, sub-commands and operands
without options, together with the options themselves wherever they stand. Grants match the words as given; what
carries code, or is marked by a profile, they must name.
"""

from __future__ import annotations

from ..automata.pattern import MANY, Label, Sequence, Word
from ..facts.commands import OPAQUE
from ..shell.profile import Given, Parsed
from .options import present

BARE = "\0bare"
"""Begins the words of a command without its options."""
FIRST = "\0first"
"""Marks, in a group of options, one that stands right behind the program."""
NAMED = "\0named "
"""Begins an option that only a pattern which names it matches."""


def bare_word(parsed: Parsed | None, word: Word) -> Word:
    """The command without its options."""
    out = [word[0]]
    rest = word[1:]
    if parsed is not None:
        if parsed.profile.style != "none":
            return (*parsed.path, *(v.text or "" for v in parsed.operands))
        out, rest = list(parsed.path), tuple(v.text or "" for v in parsed.operands)
    ended = False
    for text in rest:
        if not ended and text == "--":
            ended = True
        elif ended or not text.startswith("-") or text == "-":
            out.append(text)
    return tuple(out)


def plain_indexes(parsed: Parsed | None, word: Word) -> frozenset[int]:
    """The words that options of the program take which change nothing of what the command is (`git --no-pager`)."""
    if parsed is None or not parsed.root.plain:
        return frozenset()
    out: set[int] = set()
    for given in parsed.options:
        if given.level == 1 and given.index > 0 and parsed.root.plain.intersection(given.option.names):
            out.add(given.index)
            if given.value is not None and not given.option.attached_only and word[given.index] in given.option.names:
                out.add(given.index + 1)
    return frozenset(out)


def command_options(groups: list[tuple[str, ...]], parsed: Parsed | None, word: Word | None) -> tuple[bool | None, ...]:
    """For each group of options that rules speak of, whether the command has one of them; None when it is not known."""
    if parsed is not None and parsed.profile.style != "none":
        return tuple(_given(group, parsed) for group in groups)
    if word is None:
        return (None,) * len(groups)
    return tuple(present(group, word) for group in groups)


def _given(group: tuple[str, ...], parsed: Parsed) -> bool | None:
    wanted = set(group)
    possible = False
    first = FIRST in wanted
    for given in parsed.options:
        found = wanted.intersection(given.option.names)
        if found and (not first or _of_program(given, parsed, found)):
            if given.index >= 0:
                return True
            possible = True
    return None if possible else False


def _of_program(given: Given, parsed: Parsed, names: set[str]) -> bool:
    """True when an option is the program's own and not another one of a sub-command."""
    own = [parsed.root.options[n] for n in names if n in parsed.root.options]
    return given.level == 1 or not own or any(given.option is o for o in own)


def bare_sequence(sequence: Sequence) -> tuple[Sequence, tuple[tuple[str, ...], ...]] | None:
    """A pattern without its options, and those options; None when it has no other form.

    An option that stands right behind the program is marked: a sub-command's option of that name is another one.
    """
    if sequence[0] == OPAQUE:
        return None
    kept: list[Label] = [BARE]
    options: list[tuple[str, ...]] = []
    for i, label in enumerate(sequence):
        if i and isinstance(label, str) and label.startswith("-") and len(label) > 1:
            if label != "--":
                options.append((label.partition("=")[0], FIRST) if len(kept) == 2 else (label.partition("=")[0],))
        elif i and not isinstance(label, str) and str(getattr(label, "text", "")).startswith("-"):
            return None
        else:
            kept.append(label)
    return tuple(kept), tuple(options)


def named_sequences(sequence: Sequence) -> list[Sequence]:
    """The pattern once more for each option that it names, so that the option may carry code."""
    return [
        (*sequence[:i], NAMED + label, *sequence[i + 1 :])
        for i, label in enumerate(sequence)
        if i and isinstance(label, str) and label.startswith("-")
    ]


def open_ended(sequence: Sequence) -> bool:
    """True when further words may follow."""
    return sequence[-1] is MANY
