"""The words that a command is known by, besides those it was given as.

Restrictions match however a command is spelled: also its *bare* words, program, sub-commands and operands
without options, together with the options themselves wherever they stand. What no profile reads has several bare
words, since any option may have taken the word behind it. Grants match the words as given; what carries code, or is
marked by a profile, they must name.
"""

from __future__ import annotations

from functools import lru_cache

from ..automata.pattern import CLIMBING, MANY, Label, Sequence, Word
from ..domain.limits import limit
from ..domain.regex import regex
from ..shell.profile import OPEN, Parsed, Profile, own_name
from ..shell.programs import program_name
from ..shell.reading import Opaque
from .labels import word_label
from .options import Group, given, present, spelled_by, ways

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from ..automata.walker import State, Walker
    from ..shell.values import Value

BARE = "\0bare"
"""Begins the words of a command without its options."""
NAMED = "\0named "
"""Begins an option that only a pattern which names it matches."""
_MOST = limit("command_readings")
_MAY_BE_OPTION = regex("\0[-+]")


def unmarked(segment: str) -> str:
    """A word without the mark that says what a grant must do to match it."""
    return segment.removeprefix(NAMED).removeprefix(CLIMBING)


@lru_cache(maxsize=limit("segment_answers"))
def program_names(program: str) -> tuple[str, ...]:
    """What rules may call a program: the name that it was run by, and without a version (`python3.11` is `python`)."""
    try:
        name = program_name(program)
    except Opaque:
        return (program,)
    return (program,) if name is None or name == program or "/" in program else (program, name)


def said(parsed: Parsed) -> tuple[str, ...]:
    """The names of the sub-commands, without those that go without saying."""
    out: list[str] = []
    profile = parsed.root
    for name in parsed.path[1:]:
        if name != profile.default:
            out.append(name)
        profile = profile.commands.get(name) or profile
    return tuple(out)


def bare_states(
    walker: Walker, parsed: Parsed | None, profile: Profile | None, word: Word
) -> list[tuple[State, ...] | None]:
    """Where the bare words of a known command lead, under each name of its program: a state for each reading.

    None when there are too many. `profile` is that of the program, for a command that it could not read.
    """
    known: Word | None = None  # where there is one reading
    if parsed is not None:
        if parsed.profile.style != "none":
            known = tuple([v.text or "" for v in parsed.operands])
            if len(parsed.path) > 1:
                known = said(parsed) + known
    elif profile is None and not _MAY_BE_OPTION.search("\0".join(word)):
        known = word[1:]
    out: list[tuple[State, ...] | None] = []
    for program in program_names(word[0]):
        start = walker.walk((BARE, program, *(known or ())))
        found = [start] if known is not None else _readings(walker.step, start, parsed, profile, word[1:])
        out.append(None if found is None else tuple(found))
    return out


def bare_sequences(parsed: Parsed | None, profile: Profile | None, words: tuple[Value, ...]) -> list[Sequence]:
    """Patterns of the bare words of a command of which not all words are known."""
    out: list[Sequence] = []
    for program in program_names(words[0].text or ""):
        start: Sequence = (BARE, program)
        labels = tuple(word_label(v) for v in words[1:])
        found = _readings(lambda s, x: (*s, x), start, parsed, profile, labels)
        out += [(*start, MANY)] if found is None else found
    return out


def _readings(
    step: Callable[[Any, Any], Any], start: Any, parsed: Parsed | None, profile: Profile | None, rest: Iterable[Label]
) -> list[Any] | None:
    """What a step for each bare word leads to, in every reading; None when there are too many."""
    if parsed is None:
        return _spread(step, start, rest, () if profile is None else (profile,))
    for text in said(parsed):
        start = step(start, text)
    operands = [word_label(v) for v in parsed.operands]
    if parsed.profile.style == "none":
        return _spread(step, start, operands, ())
    for label in operands:
        start = step(start, label)
    return [start]


class _At:
    """A reading of some words: what they led to, by which profiles, and how many more words are an option's value."""

    __slots__ = ("ended", "found", "profiles", "taking")

    def __init__(self, found: Any, profiles: tuple[Profile, ...], ended: bool, taking: int = 0) -> None:
        self.found = found
        self.profiles = profiles
        self.ended = ended
        self.taking = taking

    @property
    def key(self) -> object:
        """Readings that go on alike have the same."""
        return (self.found, tuple(map(id, self.profiles)), self.ended, self.taking)


def _spread(
    step: Callable[[Any, Any], Any], start: Any, words: Iterable[Label], profiles: tuple[Profile, ...]
) -> list[Any] | None:
    here = [_At(start, profiles if not profiles or profiles[0].style != "none" else (), False)]
    for label in words:
        following: dict[object, _At] = {}
        for at in here:
            for one in _taken(step, at, label):
                following[one.key] = one
        here = list(following.values())
        if len(here) > _MOST:
            return None
    return list(dict.fromkeys(at.found for at in here))


def _taken(step: Callable[[Any, Any], Any], at: _At, label: Label) -> list[_At]:
    """The readings of one more word."""
    if at.taking:
        return [_At(at.found, at.profiles, at.ended, at.taking - 1)]
    text = label if isinstance(label, str) else None
    out: list[_At] = []
    if text == "--" and not at.ended:
        return [_At(at.found, at.profiles, True)]
    begins = "-" if label is MANY else getattr(label, "text", "*")[:1] if text is None else text[:1]
    if not at.ended and begins in {"-", "*", "?", "["} and text != "-":
        takes = {0, 1} if text is None else {w.takes for w in ways(at.profiles, text)}
        out += [_At(at.found, at.profiles, False, n) for n in takes]
    elif not at.ended and not at.profiles and begins == "+":  # some programs have such options: `cargo +nightly`
        out.append(_At(at.found, at.profiles, False))
    if text is None or not out or begins == "+":
        out += _operand(step, at, label)
    return out


def _operand(step: Callable[[Any, Any], Any], at: _At, label: Label) -> list[_At]:
    """The reading of a word that is no option."""
    profile = at.profiles[0] if at.profiles else None
    if profile is None or not profile.commands:
        stops = profile is not None and profile.style in {"stop", "single-stop"}
        return [_At(step(at.found, label), at.profiles, at.ended or stops)]
    command = profile.commands.get(label) if isinstance(label, str) else None
    unsaid = profile.commands.get(profile.default) if command is None else None
    if unsaid is not None:  # the word is read again, by the sub-command that goes without saying
        known = () if unsaid.style == "none" else (unsaid, *at.profiles)
        return _operand(step, _At(at.found, known, at.ended), label)
    if command is None:
        return [_At(step(at.found, label), (), at.ended)]
    known = () if command.style == "none" else (command, *at.profiles)
    found = at.found
    for name in own_name(profile, command):
        found = step(found, name)
    return [_At(found, known, False)]


def plain_indexes(parsed: Parsed | None, word: Word) -> frozenset[int]:
    """The words that options of the program take which change nothing of what the command is (`git --no-pager`)."""
    if parsed is None or not parsed.root.plain:
        return frozenset()
    out: set[int] = set()
    for one in parsed.options:
        if one.level == 1 and one.index > 0 and parsed.root.plain.intersection(one.option.names):
            out.add(one.index)
            if one.value is not None and not one.option.attached_only and word[one.index] in one.option.names:
                out.add(one.index + 1)
    return frozenset(out)


def command_options(
    groups: Iterable[Group], parsed: Parsed | None, word: Word | None, profile: Profile | None = None
) -> tuple[bool | None, ...]:
    """For each group of options that rules speak of, whether the command has one of them; None when it is not known.

    `profile` is that of the program, for a command that it could not read: it knows other spellings.
    """
    if (parsed is None or not parsed.options) and word is not None and not any(w[:1] == "-" for w in word[1:]):
        return tuple(False for _ in groups)  # no word that may be one
    if parsed is not None and parsed.profile.style in OPEN:
        return tuple(given(group, parsed) or (None if word is None else present(group, word)) for group in groups)
    if parsed is not None and parsed.profile.style != "none":
        return tuple(given(group, parsed) for group in groups)
    if word is None:
        return tuple(None for _ in groups)
    if profile is not None:
        known = [profile]
        for text in word[1:]:
            known += [known[-1].commands[text]] if text in known[-1].commands else []
        groups = [spelled_by(group, known) for group in groups]
    return tuple(present(group, word) for group in groups)


def named_sequences(sequence: Sequence) -> list[Sequence]:
    """The pattern once more for each option that it names, so that the option may carry code."""
    return [
        (*sequence[:i], NAMED + label, *sequence[i + 1 :])
        for i, label in enumerate(sequence)
        if i and isinstance(label, str) and label.startswith("-")
    ]
