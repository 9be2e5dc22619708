"""Program profiles as plain values, and back.

Options are written as in a profile's file: `-o|--output!=?role`, where `!` marks one that a grant must name and `?`
a value that must be attached. A sub-command that has all options of what is above it says so once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..shell.changes import MakeOpaque, OptionChange, read_act, read_change, written_change
from ..shell.profile import Option, Profile
from ..shell.slots import Slot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .codec import Plain


def packed(profile: Profile, above: Profile | None = None) -> Plain:
    """A profile as a value."""
    known = {} if above is None else above.options
    inherits = all(name in profile.options for name in known)
    own = {n: o for n, o in profile.options.items() if not (inherits and known.get(n) is o)}
    options = list({id(o): o for o in own.values()}.values())
    options.sort(key=lambda o: all(own.get(n) is o for n in o.names))  # one that another overrides stands before it
    made = dict(known) if inherits else {}
    made.update((name, option) for option in options for name in option.names)
    assert made == profile.options, f"the options of `{profile.name}` cannot be written"
    return (
        profile.name, profile.style, tuple((s.role, s.repeats, s.optional) for s in profile.operands), inherits,
        " ".join(map(_spec, options)), _written(profile.changes), tuple(a.text for a in profile.acts), profile.dash,
        tuple((w, None if p is profile else packed(p, profile)) for w, p in profile.commands.items()), profile.default,
        profile.reader, profile.transparent, tuple(sorted(profile.plain)), profile.note, profile.digits,
        tuple(sorted(profile.ends)), profile.missing, profile.input, profile.names, profile.booleans,
    )  # fmt: skip


def _written(changes: dict[str, tuple[OptionChange, ...]]) -> Plain:
    return tuple((option, tuple(map(written_change, several))) for option, several in changes.items())


def _read(text: str) -> OptionChange:
    try:
        return read_change(text)
    except ValueError:
        return MakeOpaque("its profile names an unknown change", text)


def _spec(option: Option) -> str:
    value = ("=?" if option.attached_only else "=" if option.role else "") + option.role
    return "|".join(option.names) + ("!" if option.marked else "") + value


def unpacked(value: Any, above: Profile | None = None) -> Profile:
    """The profile that `packed` made the value from."""
    name, style, operands, inherits, specs, changes, acts, dash, commands, *rest = value
    options = dict(above.options) if inherits and above is not None else {}
    for spec in specs.split():
        spelled, _, role = spec.partition("=")
        attached = role[:1] == "?"
        marked = spelled[-1:] == "!"
        spellings = tuple((spelled[:-1] if marked else spelled).split("|"))
        option = Option(spellings, role[1:] if attached else role, attached, marked)
        for one in spellings:
            options[one] = option
    default, reader, transparent, plain, note, digits, ends, missing, given, names, booleans = rest
    later = _Commands(commands)
    later.above = made = Profile(
        name, style, tuple(Slot(*s) for s in operands), options,
        {option: tuple(map(_read, texts)) for option, texts in changes}, tuple(map(read_act, acts)), dash, later,
        default, reader,
        transparent, frozenset(plain), note, digits, frozenset(ends), missing, given, names, booleans,
    )  # fmt: skip
    return made


class _Commands(Mapping[str, Profile]):
    """Sub-commands, each made when it is asked for: `git` has 73, and a command names one."""

    __slots__ = ("_made", "_packed", "above")

    def __init__(self, commands: Any) -> None:
        self._packed = dict(commands)
        self._made: dict[str, Profile] = {}
        self.above: Profile | None = None

    def __getitem__(self, word: str) -> Profile:
        """The sub-command's profile."""
        made = self._made.get(word)
        if made is None:
            value = self._packed[word]
            if value is None and self.above is not None:  # the profile itself
                return self.above
            made = self._made[word] = unpacked(value, self.above)
        return made

    def get(self, word: str, default: Any = None) -> Any:
        """The sub-command's profile, or the default."""
        return self[word] if word in self._packed else default

    def __contains__(self, word: object) -> bool:
        return word in self._packed

    def __len__(self) -> int:
        return len(self._packed)

    def __iter__(self) -> Iterator[str]:
        return iter(self._packed)
