"""A rule's pattern, read as its program reads a command line: program, sub-commands, options with values, operands.

A pattern has several readings where its words leave open what they are: a wildcard may be any sub-command, an option
that no profile knows may take the next word. It means all of them.
"""

from __future__ import annotations

from ..automata.glob import Glob
from ..automata.pattern import ANY, MANY, Label, Sequence, collapse, quoted
from ..domain.limits import limit
from ..facts.commands import OPAQUE
from ..shell.profile import Profile, Profiles, own_name
from ..shell.programs import program_name
from ..shell.reading import Opaque
from .command_words import BARE, program_names
from .options import Group, Need, ways

_MOST = limit("command_readings")


class Reading:
    """One reading: the words without options, and what options there must be, wherever they stand."""

    __slots__ = ("bare", "needs")

    def __init__(self, bare: Sequence, needs: tuple[Group, ...]) -> None:
        self.bare = bare
        self.needs = needs

    def __repr__(self) -> str:
        return f"Reading({self.bare!r}, {self.needs!r})"


class _Place:
    """How far a pattern is read. `profiles` are those of the sub-command and of what is above it; none: not known."""

    __slots__ = ("at", "bare", "ended", "needs", "profiles")

    def __init__(
        self, at: int, bare: tuple[Label, ...], needs: tuple[Group, ...], profiles: tuple[Profile, ...], ended: bool
    ) -> None:
        self.at = at
        self.bare = bare
        self.needs = needs
        self.profiles = profiles
        self.ended = ended


def profile_of(program: Label, profiles: Profiles) -> Profile | None:
    """The profile of a pattern's program."""
    if not isinstance(program, str):
        return None
    try:
        name = program_name(program)
    except Opaque:
        return None
    return profiles(name) if name is not None else None


def readings(sequence: Sequence, profiles: Profiles) -> tuple[Reading, ...]:
    """The readings of a pattern; none of one that is not about words."""
    first = sequence[0]
    if first == OPAQUE:
        return ()
    profile = profile_of(first, profiles)
    start = (first, MANY) if first is MANY else (first,)
    todo = [_Place(1, (BARE, *start), (), _known(profile), False)]
    found: dict[tuple[Sequence, tuple[Group, ...]], Reading] = {}
    while todo:
        place = todo.pop()
        if place.at >= len(sequence):
            made = Reading(collapse(place.bare), place.needs)
            found[made.bare, made.needs] = made
        else:
            todo += _step(place, sequence)
        if len(found) + len(todo) > _MOST:  # it may be any command of the program
            return (Reading(collapse((BARE, first, MANY)), ()),)
    return tuple(found.values())


def _known(profile: Profile | None, above: tuple[Profile, ...] = ()) -> tuple[Profile, ...]:
    """The profiles to read what follows by; none where a program's words are its own affair."""
    return () if profile is None or profile.style == "none" else (profile, *above)


def _step(place: _Place, sequence: Sequence) -> list[_Place]:
    label = sequence[place.at]
    text = label if isinstance(label, str) else label.text if isinstance(label, Glob) else ""
    if place.ended or not text.startswith("-") or len(text) < 2:
        return _operand(place, label)
    if text == "--":
        return [_Place(place.at + 1, place.bare, place.needs, place.profiles, True)]
    out: list[_Place] = []
    first = len(place.bare) == 2 and bool(place.profiles) and bool(place.profiles[0].commands)
    for way in ways(place.profiles, text, glob=not isinstance(label, str)):
        needs = way.groups
        at = place.at + 1
        for _ in range(way.takes):
            if at >= len(sequence) or sequence[at] is MANY:  # any value, or none: the option is what counts
                break
            value = sequence[at]
            glob = quoted(value) if isinstance(value, str) else None if value is ANY else value.text
            needs = (*needs[:-1], tuple(n.with_value(glob) for n in needs[-1]))
            at += 1
        marked = tuple(tuple(Need(n.names, n.value, first, n.glob) for n in group) for group in needs)
        out.append(_Place(at, place.bare, (*place.needs, *marked), place.profiles, False))
    return out


def _operand(place: _Place, label: Label) -> list[_Place]:
    """Read a word that is no option: a sub-command or an operand."""
    at, bare, profiles = place.at + 1, place.bare, place.profiles
    profile = profiles[0] if profiles else None
    if profile is None or not profile.commands:
        stops = profile is not None and profile.style in {"stop", "single-stop"} and label is not MANY
        return [_Place(at, (*bare, label), place.needs, profiles, place.ended or stops)]
    if isinstance(label, str):
        command = profile.commands.get(label)
        if command is not None:
            return [_Place(at, (*bare, *own_name(profile, command)), place.needs, _known(command, profiles), False)]
        command = profile.commands.get(profile.default)
        if command is not None:  # the word is read again, by the sub-command that goes without saying
            return [_Place(at - 1, bare, place.needs, _known(command, profiles), False)]
        return [_Place(at, (*bare, label), place.needs, (), False)]
    out = [_Place(at, (*bare, label), place.needs, (), False)]
    if isinstance(label, Glob):  # other names of what it stands for
        others = [(word, c) for word, c in profile.commands.items() if c is not profile]
        also = {c.name: c for word, c in others if label.matches(word) and not label.matches(c.name)}
        out += [_Place(at, (*bare, name), place.needs, _known(c, profiles), False) for name, c in also.items()]
    return out


def member_words(sequence: Sequence, profiles: Profiles) -> list[Sequence]:
    """Patterns that surely cover the bare words of every member of a pattern."""
    first = sequence[0]
    if first == OPAQUE:
        return []
    names = program_names(first) if isinstance(first, str) else (first,)
    exact = sequence[:-1] if sequence[-1] is MANY else sequence
    if not all(isinstance(label, str) for label in exact):  # a wildcard may stand for options and take words
        return [collapse((BARE, name, MANY)) for name in names]
    return [(BARE, name, *r.bare[2:]) for r in readings(sequence, profiles) for name in names]
