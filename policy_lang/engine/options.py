"""Options that rules speak of, and whether a command has them: three values, since some cases are open.

A program's profile says exactly which options a command line has. Without one, an option is surely present when a
word spells it exactly, no word before is `--`, and the word before cannot have taken it as its value (it does not
begin with `-`). It may be present when a word could spell it: in a bundle (`-fu`), abbreviated (`--forc`), with a
value (`--opt=v`), with one dash. After a `--` that is surely no option's value, words are operands.

An option's *value* is surely the one that is meant only when every value that the command gives it is: programs
differ in which of several holds.
"""

from __future__ import annotations

from ..automata.pattern import Label, instance, quoted, segment_label
from ..shell.profile import Given, Option, Parsed, Profile, is_long, long_option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Need:
    """An option under all its spellings (`names`, or a glob of them), perhaps with a value, as a glob.

    `first` is one that stands right behind the program: a sub-command's option of that name is another one.
    """

    __slots__ = ("_value", "first", "glob", "names", "value")

    def __init__(self, names: tuple[str, ...], value: str | None = None, first: bool = False, glob: str = "") -> None:
        self.names = names
        self.value = value
        self.first = first
        self.glob = glob
        self._value: Label | None = None

    @property
    def plain(self) -> tuple[tuple[str, ...], str | None, bool, str]:
        """The need as values; `Need(*plain)` is it again."""
        return (self.names, self.value, self.first, self.glob)

    @property
    def text(self) -> str:
        """The need in one word, under the first of its names; `Need.parse` reads it."""
        name = f"~{self.glob}" if self.glob else self.names[0]
        place = "^" if self.first else ""
        return f"{place}{name}" if self.value is None else f"{place}{name}={self.value}"

    @staticmethod
    def parse(text: str) -> Need:
        """What `with` and `without` name: `--force`, `-rf`, `--method=DELETE`; also what `text` says."""
        first = text.startswith("^")
        name, equals, value = text.removeprefix("^").partition("=")
        names, glob = ((), name[1:]) if name.startswith("~") else ((name,), "")
        return Need(names, value if equals else None, first, glob)

    def spelled(self) -> tuple[str, ...]:
        """Words that give the option."""
        name = self.names[0] if self.names else instance((segment_label(self.glob),), "")[0]
        if self.value is None:
            return (name,)
        value = "".join(instance((segment_label(self.value),), "x"))
        return (f"{name}={value}",) if name.startswith("--") else (name, value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Need) and other.plain == self.plain

    def __hash__(self) -> int:
        return hash(self.plain)

    def __repr__(self) -> str:
        return f"Need{self.plain!r}"

    def named(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Those of some spellings that it means."""
        if self.glob:
            glob = segment_label(self.glob)
            return tuple(n for n in names if matches(glob, n))
        return tuple(n for n in self.names if n in names)

    def with_value(self, value: str | None) -> Need:
        """The same option with a value."""
        return Need(self.names, value, self.first, self.glob)

    def takes(self, text: str) -> bool:
        """True when this is the value that is meant."""
        if self._value is None:
            self._value = segment_label(self.value or "")
        return matches(self._value, text)


Group = tuple[Need, ...]
"""Options of which a command must have one."""


def matches(label: Label, text: str) -> bool:
    """True when a label of one segment stands for the text."""
    if isinstance(label, str):
        return label == text
    found = getattr(label, "matches", None)
    return True if found is None else bool(found(text))


def letters_of(name: str) -> tuple[str, ...]:
    """The options of a word such as `-rf`, if it is a bundle of them; nothing for any other word."""
    if len(name) < 3 or name[0] != "-" or name[1] == "-":
        return ()
    return tuple(f"-{letter}" for letter in name[1:])


# with a profile


def given(group: Iterable[Need], parsed: Parsed) -> bool | None:
    """Whether a command that its profile reads has one of the options."""
    if not parsed.options:
        return False
    return _any(_given(need, parsed) for need in group)


def _any(outcomes: Iterable[bool | None]) -> bool | None:
    possible = False
    for outcome in outcomes:
        if outcome:
            return True
        possible = possible or outcome is None
    return None if possible else False


def _all(outcomes: Iterable[bool | None]) -> bool | None:
    possible = False
    for outcome in outcomes:
        if outcome is False:
            return False
        possible = possible or outcome is None
    return None if possible else True


def _given(need: Need, parsed: Parsed) -> bool | None:
    found: list[bool | None] = []
    for one in parsed.options:
        names = need.named(one.option.names)
        if names and (not need.first or _of_program(one, parsed, names)):
            if need.value is None:
                found.append(True if one.index >= 0 else None)
            else:
                text = one.value.text if one.value is not None else None
                unknown = text is None and (one.value is not None or one.index < 0)
                found.append(None if unknown else text is not None and need.takes(text))
    if need.value is None:
        if found:
            return _any(found)
        bundle = _bundle(need, parsed)
        return _all(_given(n, parsed) for n in bundle) if bundle else False
    if not any(outcome is not False for outcome in found):
        return False
    return True if all(found) else None


def _of_program(one: Given, parsed: Parsed, names: tuple[str, ...]) -> bool:
    """True when an option is the program's own and not another one of a sub-command."""
    own = [parsed.root.options[n] for n in names if n in parsed.root.options]
    return one.level == 1 or not own or any(one.option is o for o in own)


def _bundle(need: Need, parsed: Parsed) -> tuple[Need, ...]:
    """The options that a word such as `-rf` names together, by the command's profile."""
    if len(need.names) != 1 or need.glob:
        return ()
    for profile in (parsed.profile, parsed.root):
        found = bundled(profile, need.names[0], need.first)
        if found:
            return found
    return ()


def bundled(profile: Profile, name: str, first: bool = False) -> tuple[Need, ...]:
    """What a profile reads in a word of short options; nothing when it is no such word."""
    letters = letters_of(name)
    if not letters or long_option(profile, name) is not None:
        return ()
    out: list[Need] = []
    for at, letter in enumerate(letters):
        option = profile.options.get(letter)
        if option is None:
            return ()
        rest = name[at + 2 :]
        if option.role and rest:
            return (*out, Need(option.names, quoted(rest), first))
        out.append(Need(option.names, None, first))
    return tuple(out)


# without one


def present(group: Iterable[Need], words: tuple[str, ...]) -> bool | None:
    """Whether a command that no profile reads has one of the options."""
    return _any(_present(need, words) for need in group)


def spelled_by(group: Group, profiles: Iterable[Profile]) -> Group:
    """The options with the other spellings that some profiles know."""
    known = ((n, o) for p in profiles for n in group for x in n.names if (o := p.options.get(x)) is not None)
    return (*group, *dict.fromkeys(Need(o.names, n.value) for n, o in known if n.named(o.names) != o.names))


def _present(need: Need, words: tuple[str, ...]) -> bool | None:
    found = list(_spelled(need, words))
    if need.value is not None:
        if not any(outcome is not False for outcome in found):
            return False
        return True if all(found) else None
    outcome = _any(found)
    if outcome is False and len(need.names) == 1:
        letters = letters_of(need.names[0])
        if letters and _all(_present(Need((x,)), words) for x in letters) is not False:
            return None
    return outcome


def _spelled(need: Need, words: tuple[str, ...]) -> Iterator[bool | None]:
    """For each word that may spell the option, whether it surely does, with the value that is meant."""
    ended = False
    before = ""
    for at, word in enumerate(words[1:], 1):
        if word.startswith("-") and len(word) > 1:
            if word == "--":
                if not before.startswith("-"):
                    return
                ended = True  # perhaps the value of the option before it
            following = words[at + 1] if at + 1 < len(words) else None
            sure = not ended and not before.startswith("-")
            if need.glob and matches(segment_label(need.glob), word.partition("=")[0]):
                yield (sure or None) if need.value is None else None
            for name in need.names:
                yield from _word(need, name, word, following, sure)
        before = word


def _word(need: Need, name: str, word: str, following: str | None, sure: bool) -> Iterator[bool | None]:
    exact = word == name or (name.startswith("--") and word.startswith(name + "="))
    if not exact and not _could_be(name, word):
        return
    if need.value is None:
        yield True if exact and sure else None
        return
    _, equals, attached = word.partition("=")
    if exact and equals:
        takes = need.takes(attached)
        yield takes if sure or not takes else None
        return
    values = [attached] if equals else []
    if len(name) == 2:
        rest = word.partition(name[1])[2]
        values += [rest, rest.removeprefix("=")] if rest else []
    if following is not None and not equals:
        values.append(following)
    yield None if any(map(need.takes, values)) else False


def _could_be(option: str, word: str) -> bool:
    name = word.partition("=")[0]
    if len(option) == 2:
        return option[1] in word[1:] if not word.startswith("--") else False
    bare, spelled = option.lstrip("-"), name.lstrip("-")
    if spelled == bare:
        return True
    if option.startswith("--"):
        return name.startswith("--") and bool(spelled) and bare.startswith(spelled)
    return not word.startswith("--") and bare.startswith(spelled) and len(spelled) > 1


# how a word may be read


class Way:
    """One way to read a word that begins with `-`: the options in it, and how many words behind it they take.

    Each option is a group, of those that its glob may name. The last has the last of those words as its value.
    """

    __slots__ = ("groups", "takes")

    def __init__(self, groups: tuple[Group, ...], takes: int = 0) -> None:
        self.groups = groups
        self.takes = takes


def ways(profiles: tuple[Profile, ...], text: str, glob: bool = False) -> tuple[Way, ...]:
    """The ways to read a word by the profiles of a command, the sub-command's first; with none, all that may be.

    With `glob` the text is one: its wildcards stand for characters of the word.
    """
    head, equals, rest = text.partition("=")
    value = (rest if glob else quoted(rest)) if equals else None
    if glob and any(c in head for c in "*?["):
        return _globbed(profiles, head, value)
    for profile in profiles:
        if is_long(profile, text):
            option = long_option(profile, head)
            if option is not None:
                return (_way((Need(option.names, value),), option if value is None else None),)
        if not text.startswith("--"):
            found = _short(profile, text, glob)
            if found is not None:
                return (found,)
    return _open(head, value, text, glob)


def _way(needs: tuple[Need, ...], last: Option | None = None) -> Way:
    """Options in one word, of which the last one is this option and may take words."""
    if last is None or not last.role or last.attached_only:
        return Way(tuple((n,) for n in needs))
    return Way(tuple((n,) for n in needs), 2 if last.role.startswith("pair") else 1)


def _short(profile: Profile, text: str, glob: bool) -> Way | None:
    """A word of short options, by a profile that knows all of them."""
    if profile.digits and text[1:].isdigit():
        return _way((Need(("-0",)),))
    out: list[Need] = []
    option: Option | None = None
    for at, letter in enumerate(text[1:], 2):
        option = profile.options.get(f"-{letter}")
        if option is None:
            return None
        if option.role and text[at:]:
            return _way((*out, Need(option.names, text[at:] if glob else quoted(text[at:]))))
        out.append(Need(option.names))
        if option.role and not option.attached_only:
            break
    return _way(tuple(out), option)


def _open(head: str, value: str | None, text: str, glob: bool) -> tuple[Way, ...]:
    """What a word may be that no profile knows."""
    need = Need((head,), value)
    out = [_way((need,))] if value is not None else [_way((need,)), Way(((need,),), 1)]
    if letters_of(head):
        out.append(_way((Need((head[:2],), text[2:] if glob else quoted(text[2:])),)))
    return tuple(out)


def _globbed(profiles: tuple[Profile, ...], head: str, value: str | None) -> tuple[Way, ...]:
    """A word whose option is not known by name: any that the glob names."""
    if not profiles:
        return (_way((Need((), value, False, head),)),)
    glob = segment_label(head)
    known = {o.names: o for p in profiles for o in p.options.values() if any(matches(glob, n) for n in o.names)}
    if not known:
        option = next((p.options[head[:2]] for p in profiles if head[:2] in p.options), None)
        return (_way((Need(option.names, head[2:]),)),) if option is not None and option.role else ()
    group = tuple(Need(names, value) for names in known)
    takes = {1 if o.role and not o.attached_only and value is None else 0 for o in known.values()}
    return tuple(Way((group,), n) for n in sorted(takes))
