"""Commands as their profiles read them, remembered: many questions are about the same ones."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache

from ..automata.pattern import MANY, Word
from ..domain.errors import RequestError
from ..domain.limits import limit
from ..engine.command_words import bare_sequences, command_options, plain_indexes
from ..engine.options import Group
from ..engine.readings import profile_of
from ..facts.commands import argv_word
from ..shell.acts import Act
from ..shell.analyse import argv_acts
from ..shell.profile import Parsed, Profile, Profiles, parse_argv
from ..shell.reading import Opaque
from ..shell.values import literal


class Command:
    """The words of a command, and what rules about commands are compared with.

    `parsed` is None where no profile reads it, `readable` false where its program has one that cannot. `bare` are the
    words without options, in each reading; None when there are too many. `shorter` is the command without the options
    that change nothing of what it is.
    """

    __slots__ = ("_options", "bare", "parsed", "profile", "readable", "shorter", "words")

    def __init__(self, profiles: Profiles, words: Word) -> None:
        self.words = words
        self.profile = profile_of(words[0], profiles)
        self.parsed: Parsed | None = None
        self._options: dict[str, bool | None] = {}
        values = tuple(map(literal, words))
        with suppress(Opaque):
            self.parsed = parse_argv(self.profile, values) if self.profile is not None else None
        self.readable = self.profile is None or self.parsed is not None
        sequences = bare_sequences(self.parsed, self.profile, values)
        self.bare = tuple(sequences) if not any(s[-1] is MANY for s in sequences) else None
        left_out = plain_indexes(self.parsed, words)
        self.shorter = tuple(w for i, w in enumerate(words) if i not in left_out) if left_out else words

    def option(self, name: str, group: Group) -> bool | None:
        """Whether the command has one of some options; None when it is not known. `name` stands for the group."""
        if name not in self._options:
            (self._options[name],) = command_options((group,), self.parsed, self.words, self.profile)
        return self._options[name]


def sub_profiles(profile: Profile | None, words: Word) -> list[Profile]:
    """The profile of a program and those of the sub-commands that some words may name, each below the one before."""
    found = [] if profile is None else [profile]
    for text in words[1:] if found else ():
        found += [found[-1].commands[text]] if text in found[-1].commands else []
    return found


@lru_cache(maxsize=limit("analysed_commands"))
def command(profiles: Profiles, words: Word) -> Command:
    """A command as the profiles read it."""
    return Command(profiles, words)


def own_act(found: Iterable[Act], words: Word) -> Act | None:
    """That a command is run, of all that it does; None when it is not read as one."""
    return next((a for a in found if a.action == "run" and tuple(v.text for v in a.argv) == words), None)


@lru_cache(maxsize=limit("analysed_commands"))
def run_act(profiles: Profiles, words: Word) -> Act | None:
    """The same of words about which nothing else is known."""
    try:
        argv_word(words)
    except RequestError:
        return None
    return own_act(argv_acts(words, profiles), words)
