"""Commands: a program's name, then its words."""

from __future__ import annotations

import re

from ...automata.alphabet import Alphabet
from ...automata.glob import Glob, GlobError, is_literal
from ...automata.pattern import ANY, CONTROL, MANY, Label, Sequence, Word, collapse, expand_braces, quoted
from ...automata.space import Phase, Space
from ...domain.limits import limit
from ...domain.regex import regex
from ...facts.commands import OPAQUE, TRUSTED_DIRS, argv_word
from ...facts.words import Names
from ..scopes import PatternError, part_label
from .sort import Circumstances, Sort

WORDS = Alphabet("command", ((0, 0),), frozenset(), empty=True)


def _words(resource: str | tuple[str, ...], seen: Circumstances) -> tuple[Names, ...]:
    word = argv_word(resource, seen.roots.cwd, seen.roots.workspace) if isinstance(resource, tuple) else (OPAQUE,)
    return (Names((word,)),)


def _sequences(text: str, _methods: tuple[str, ...]) -> list[Sequence]:
    return _command(text)


def _show(word: Word) -> str:
    return "an opaque command" if word == (OPAQUE,) else " ".join(word)


def _resource(word: Word) -> str:
    return " ".join(word)


def _command(text: str) -> list[Sequence]:
    words = _split(text)
    if not words:
        raise PatternError("the pattern has no words", "write the program first, such as `git status`")
    most = limit("pattern_alternatives")
    sequences: list[tuple[Label, ...]] = [()]
    for i, word in enumerate(words):
        options = expand_braces(word, most)
        if len(sequences) * len(options) > most:
            raise GlobError(f"the braces expand to more than {most} alternatives")
        labels = [_word_label(option, first=i == 0) for option in options]
        sequences = [(*s, label) for s in sequences for label in labels]
    return [collapse(s) if s[0] is not MANY else collapse((ANY, *s)) for s in sequences]


def _word_label(text: str, first: bool) -> Label:
    if first and "=" in text and re.match(r"[A-Za-z_][A-Za-z0-9_]*=", text):
        raise PatternError("a command pattern must begin with a program", "use `setenv` rules for variables")
    if first and text.startswith("/") and is_literal(text):
        folder, _, name = text.rpartition("/")
        if folder in TRUSTED_DIRS and name:
            return name
    return part_label(text)


def _split(text: str) -> list[str]:
    """Words as a shell would split them; quoted text is literal, so its wildcards are wrapped."""
    words: list[str] = []
    current: list[str] | None = None
    quote = ""
    for char in text:
        if quote:
            if char == quote:
                quote = ""
            else:
                assert current is not None
                current.append(quoted(char))
        elif char in "'\"":
            quote = char
            current = current if current is not None else []
        elif char in " \t":
            if current is not None:
                words.append("".join(current))
            current = None
        elif char in ";&|<>()`$\\" or (char in "#~" and current is None):
            raise PatternError(
                f"`{char}` is not allowed in a command pattern",
                "a rule is about a single command; quote the character if an argument contains it",
            )
        else:
            current = current if current is not None else []
            current.append(char)
    if quote:
        raise PatternError(f"the quote {quote} is not closed")
    if current is not None:
        words.append("".join(current))
    return words


OPAQUE_SEQUENCE: Sequence = (OPAQUE,)


_OPTION = regex(r"--[A-Za-z0-9][A-Za-z0-9_.-]*|-[A-Za-z0-9?#@]|-[A-Za-z][A-Za-z0-9_-]+", re.ASCII)


def options_in(text: str) -> tuple[str, ...]:
    """The options that a word of `with` or `without` names: `-f`, `--force`, `--method={PUT,DELETE}`.

    A value is a glob over the option's value. Raises PatternError.
    """
    name, equals, value = text.partition("=")
    if not _OPTION.fullmatch(name):
        raise PatternError(f"`{text}` is not a valid option", "write `-f`, `--force`, or `--method=DELETE`")
    if not equals:
        return (name,)
    if not value:
        raise PatternError(
            f"`{text}` names no value", f"write a value behind `=`, or `{name}` for the option with any value"
        )
    try:
        values = expand_braces(value, limit("pattern_alternatives"))
        if not all(values):
            raise PatternError(f"`{text}` has an empty value", "name values, such as `--method={PUT,DELETE}`")
        for one in values:
            part_label(one)
    except GlobError as error:
        raise PatternError(f"the value in `{text}` is malformed: {error}") from None
    return tuple(name if one in {"*", "**"} else f"{name}={one}" for one in values)


_PROGRAMS = Alphabet("program", ((0, 31), (127, 159)), frozenset())


class Commands(Space):
    """A program, then words; structure segments stand for what a pattern must name."""

    start = (0,)

    def __init__(self) -> None:
        super().__init__(WORDS)

    def step(self, phase: Phase, segment: str) -> Phase | None:
        """See `Space`."""
        if segment[:1] == CONTROL:
            return (1,)
        return (1,) if (_PROGRAMS if phase == (0,) else WORDS).admits(segment) else None

    def whole(self, phase: Phase) -> bool:
        """See `Space`."""
        return phase == (1,)

    def alphabet(self, phase: Phase) -> tuple[Alphabet, tuple[Glob, ...]]:
        """See `Space`."""
        return (_PROGRAMS if phase == (0,) else WORDS), ()


SORT = Sort("command", WORDS, words=_words, sequences=_sequences, show=_show, resource=_resource, space=Commands)
"""Single commands. What a script does is said by the acts that the shell package reads in it."""
