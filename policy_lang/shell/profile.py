"""Programs as data: which options they have, what their words mean, what they do besides.

A profile says how a command line is read; it never says what is allowed. What it does not know is opaque.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..domain.record import field, record
from .changes import UNCHANGED, AddAct, AddNote, CommandChanges, Free, Linked, OptionChange, Tree, summed
from .reading import Opaque
from .slots import PATH_ROLES, Slot
from .values import UNKNOWN, Hole, Value, joined


@record(frozen=True, slots=True)
class Option:
    """An option: its spellings, what its value is (empty for none), whether the value must be attached.

    One that is `marked` is granted only by a pattern that names it.
    """

    names: tuple[str, ...]
    role: str = ""
    attached_only: bool = False
    marked: bool = False


@record(frozen=True, slots=True)
class Profile:
    """One program, or one of its sub-commands.

    A sub-command that is the profile itself only stands before others (`docker container run` is `docker run`).

    `style` is `gnu` (options anywhere, long ones may be abbreviated), `exact` (anywhere, not abbreviated), `stop`
    (options end at the first operand), `single` (long options with one dash), `single-stop`, or `none`. With `open` and
    `open-single` a profile knows the options that matter, and others are words without a meaning. `changes` says what
    an option does to the rest; `acts` what the command does whatever its words. With `dash` a word that is
    not known, and that may be an option, is taken for every one of them, and surely for those that it names; with None
    it makes the command opaque. Behind one of `ends` there are no further options, and what follows is the command of
    one that runs commands. `plain` options of a program change nothing of what the command is. `missing` is the operand
    that is meant where the last slot stays empty, `input` the role of standard input where nothing says what to run,
    and `names` are the globs, parted by `|`, of the files that it looks for below a folder;
    folders behind `!` it passes by. With `booleans` its flags
    take `=true` and `=false`, as those of programs in Go do.
    """

    name: str
    style: str = "gnu"
    operands: tuple[Slot, ...] = ()
    options: dict[str, Option] = field(default_factory=dict)
    changes: dict[str, tuple[OptionChange, ...]] = field(default_factory=dict)
    acts: tuple[AddAct, ...] = ()
    dash: tuple[str, ...] | None = None
    commands: Mapping[str, Profile] = field(default_factory=dict, repr=False, compare=False)
    default: str = ""
    reader: str = ""
    transparent: bool = False
    plain: frozenset[str] = frozenset()
    note: str = ""
    digits: bool = False
    ends: frozenset[str] = frozenset()
    missing: str = ""
    input: str = ""
    names: str = ""
    booleans: bool = False


LONG_WITH_ONE_DASH = frozenset({"single", "single-stop", "open-single"})
"""The styles of programs whose long options begin with one dash."""
OPEN = frozenset({"open", "open-single"})
"""Styles of profiles that know some of a program's options."""


def own_name(profile: Profile, command: Profile) -> tuple[str, ...]:
    """The word by which a sub-command is known; none where it goes without saying (`docker container run`)."""
    return () if command.name == profile.default or command is profile else (command.name,)


Profiles = Callable[[str], "Profile | None"]
"""Finds the profile of a program by its name."""


@record(frozen=True, slots=True)
class Given:
    """An option as it was given: its profile's entry and its value.

    `index` says where its word stands, -1 when it only may be given; `level` behind how many words of the path.
    """

    option: Option
    value: Value | None
    index: int
    level: int = 1


@record(slots=True)
class Parsed:
    """A command line by its profile. `path` are the canonical names of the program and its sub-commands.

    `named` are the words that a grant must name; `runs_file` says that it runs the code of a file. `repository` are the
    folders around which it looks for its repository, None when they may be any, empty for a command that obeys none.

    """

    profile: Profile
    path: tuple[str, ...]
    root: Profile
    options: list[Given] = field(default_factory=list)
    operands: list[Value] = field(default_factory=list)
    indexes: list[int] = field(default_factory=list)
    named: set[int] = field(default_factory=set)
    changes: CommandChanges = UNCHANGED
    runs_file: bool = False
    repository: tuple[str, ...] | None = ()

    def has(self, name: str) -> bool:
        """True when the option is given under any of its spellings."""
        return any(name in g.option.names for g in self.options)

    def value_of(self, name: str) -> Value | None:
        """The last value of an option."""
        return next((g.value for g in reversed(self.options) if name in g.option.names and g.value is not None), None)


def parse_argv(profile: Profile, argv: tuple[Value, ...], start: int = 1) -> Parsed:
    """Read a command line. Raises Opaque for what the profile does not know."""
    parsed = Parsed(profile, (profile.name,), profile)
    at = start
    changes: list[OptionChange] = []
    while True:
        before = len(parsed.options)
        at = _level(parsed, profile, argv, at)
        for given in parsed.options[before:]:
            changes += [c for n in given.option.names[:1] for c in profile.changes.get(n, ())]
        if not profile.commands:
            break
        if not parsed.operands:
            following = profile.commands.get(profile.default) if profile.default else None
        else:
            word = parsed.operands[0].text
            if word is None:
                raise Opaque(f"which sub-command of `{profile.name}` it is cannot be known")
            following = profile.commands.get(word)
            if following is not None:
                parsed.operands.pop(0)
                parsed.indexes.pop(0)
            elif profile.default:
                following = profile.commands.get(profile.default)
            else:
                raise Opaque(f"the profile of `{profile.name}` does not know the sub-command `{word[:40]}`")
        if following is None:
            break
        # what stood behind the sub-command is read again, by the sub-command's own profile
        parsed.profile = following
        if following is not profile:
            parsed.path = (*parsed.path, following.name)
        keep = [(o, i) for o, i in zip(parsed.operands, parsed.indexes, strict=True) if i < at]
        parsed.operands, parsed.indexes = [o for o, _ in keep], [i for _, i in keep]
        profile = following
    if changes:
        parsed.changes = summed(changes)
    return parsed


def _level(parsed: Parsed, profile: Profile, argv: tuple[Value, ...], at: int) -> int:
    """Read one level's options and operands; stops behind the sub-command's name when there are any."""
    ended = profile.style == "none"
    while at < len(argv):
        value = argv[at]
        start = value.starts()
        text = value.text
        if (
            ended
            or (text is not None and (len(text) < 2 or text[0] != "-"))
            or (text is None and not value.may_be_option)
        ):
            if text is not None and not ended and _other_option(profile, text):
                parsed.options.append(Given(Option((text[:2],)), None, at, len(parsed.path)))
                at += 1
                continue
            parsed.operands.append(value)
            parsed.indexes.append(at)
            at += 1
            if profile.commands:
                return at
            ended = ended or profile.style in {"stop", "single-stop"}
            continue
        if text == "--":
            ended = True
            at += 1
            continue
        if text is None and not start.startswith("-"):
            if profile.dash is None:
                raise Opaque(
                    "a word that may begin with `-` stands where options can stand", "put `--` before it, or `./`"
                )
            _any_option(parsed, profile)
            parsed.operands.append(value)
            parsed.indexes.append(at)
            at += 1
            continue
        if value.many and not _same_option(profile, value):
            raise Opaque("an option that is not known")
        at = _option(parsed, profile, argv, at)
        ended = bool(profile.ends) and any(profile.ends.intersection(g.option.names) for g in parsed.options[-1:])
    return at


_GLOBBED = frozenset({Hole.FILE, Hole.ENTRY})
_PLAIN_ROLES = frozenset({"text", "number"})
_ADDING = (Tree, Linked, AddAct, AddNote)


def _any_option(parsed: Parsed, profile: Profile) -> None:
    """A word may be every option: what each would add is added. Raises Opaque for one that does anything else."""
    for option in {id(o): o for o in profile.options.values()}.values():
        changes = [c for n in option.names for c in profile.changes.get(n, ()) if not isinstance(c, Free)]
        path = option.role in PATH_ROLES
        if (
            option.marked
            or not (path or not option.role or option.role in _PLAIN_ROLES)
            or not all(isinstance(c, _ADDING) for c in changes)
        ):
            raise Opaque(f"a word that may be `{option.names[0]}` stands where options can stand", "put `--` before it")
        if path:
            parsed.options.append(Given(option, UNKNOWN, -1, len(parsed.path)))
        elif changes or (not option.role and any(n in (profile.dash or ()) for n in option.names)):
            parsed.options.append(Given(option, None, -1, len(parsed.path)))


def _same_option(profile: Profile, value: Value) -> bool:
    """Whether a glob stands in the value of one option, which then only has a text: `--include=*.c`."""
    name, equals, _ = value.starts().partition("=")
    if not equals or not is_long(profile, name) or not all(isinstance(p, str) or p in _GLOBBED for p in value.parts):
        return False
    option = long_option(profile, name)
    return option is not None and option.role in _PLAIN_ROLES and not option.marked and not any(
        profile.changes.get(n) for n in option.names
    )  # fmt: skip


def _other_option(profile: Profile, text: str) -> bool:
    """`+x` options of the few programs that have them."""
    return text[:1] == "+" and "+" in profile.options


def _option(parsed: Parsed, profile: Profile, argv: tuple[Value, ...], at: int) -> int:
    value = argv[at]
    start = value.starts()
    if is_long(profile, start):
        name, equals, rest = start.partition("=")
        if value.text is None and not equals:
            raise Opaque("an option that is not known")
        option = long_option(profile, name)
        if option is None and profile.style in OPEN:
            rest_of = joined([rest, *value.parts[1:]], False, value.why) if equals else None
            parsed.options.append(Given(Option((name,), "text"), rest_of, at, len(parsed.path)))
            return at + 1
        if option is None and profile.style in LONG_WITH_ONE_DASH:
            return _short(parsed, profile, argv, at)
        if option is None:
            raise Opaque(f"the profile of `{' '.join(parsed.path)}` does not know the option `{name[:40]}`")
        if equals:
            if not option.role and profile.style in OPEN:
                option = Option(option.names, "text", marked=option.marked)
            if not option.role:
                return _boolean(parsed, profile, option, value, at)
            given = joined([rest, *value.parts[1:]], False, value.why)
            parsed.options.append(Given(option, given, at, len(parsed.path)))
            return at + 1
        return _valued(parsed, option, argv, at)
    return _short(parsed, profile, argv, at)


_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE = frozenset({"0", "f", "F", "false", "FALSE", "False"})
"""What Go's `strconv.ParseBool` takes."""


def _boolean(parsed: Parsed, profile: Profile, option: Option, value: Value, at: int) -> int:
    """A flag with `=true` or `=false`, of which the last holds: a false one is not given."""
    said = (value.text or "").partition("=")[2]
    if not profile.booleans or said not in _TRUE | _FALSE:
        raise Opaque(f"`{option.names[0]}` takes no value" + (" but true or false" if profile.booleans else ""))
    level = len(parsed.path)
    if said in _TRUE:
        parsed.options.append(Given(option, None, at, level))
    else:
        parsed.options = [g for g in parsed.options if g.option is not option or g.level != level]
    return at + 1


def _valued(parsed: Parsed, option: Option, argv: tuple[Value, ...], at: int) -> int:
    """An option whose value, if it takes one, is the next word."""
    if not option.role or option.attached_only:
        parsed.options.append(Given(option, None, at, len(parsed.path)))
        return at + 1
    if at + 1 >= len(argv) or argv[at + 1].many:
        raise Opaque(f"the value of `{option.names[0]}` is missing or not known")
    if option.role.startswith("pair"):  # a name and a value, as `jq --arg` takes them
        if at + 2 >= len(argv) or argv[at + 2].many:
            raise Opaque(f"the value of `{option.names[0]}` is missing or not known")
        parsed.options.append(Given(option, argv[at + 2], at, len(parsed.path)))
        return at + 3
    parsed.options.append(Given(option, argv[at + 1], at, len(parsed.path)))
    return at + 2


def is_long(profile: Profile, text: str) -> bool:
    """True for a word that may name one option, not several by their letters: also one that is listed (`-nv`)."""
    if text.startswith("--") or profile.style in LONG_WITH_ONE_DASH:
        return True
    name = text.partition("=")[0]
    return len(name) > 2 and name in profile.options


def long_option(profile: Profile, name: str) -> Option | None:
    """The option that a word names, perhaps abbreviated."""
    found = profile.options.get(name)
    if found is None and profile.style in LONG_WITH_ONE_DASH:
        found = profile.options.get(name[1:]) if name.startswith("--") else profile.options.get(f"-{name}")
    if found is None and profile.style in {"gnu", "stop", "open"} and len(name) > 2:
        matches = {id(o): o for n, o in profile.options.items() if n.startswith(name) and n[len(name)] != "."}
        if len(matches) == 1:
            return next(iter(matches.values()))
    return found


def _short(parsed: Parsed, profile: Profile, argv: tuple[Value, ...], at: int) -> int:
    """A word of short options, the last perhaps with its value."""
    value = argv[at]
    letters = value.starts()[1:]
    if profile.digits and letters.isdigit() and value.text is not None:
        parsed.options.append(Given(Option(("-0",)), None, at, len(parsed.path)))
        return at + 1
    for i, letter in enumerate(letters):
        option = profile.options.get(f"-{letter}")
        if option is None and profile.style in OPEN:
            option = Option((f"-{letter}",))
        if option is not None and not option.role and profile.booleans and letters[i + 1 : i + 2] == "=":
            return _boolean(parsed, profile, option, value, at)
        if option is None:
            raise Opaque(f"the profile of `{' '.join(parsed.path)}` does not know the option `-{letter}`")
        if option.role:
            rest = joined([letters[i + 1 :], *value.parts[1:]], False, value.why)
            if rest.parts:
                parsed.options.append(Given(option, rest, at, len(parsed.path)))
                return at + 1
            return _valued(parsed, option, argv, at)
        parsed.options.append(Given(option, None, at, len(parsed.path)))
    if value.text is None:
        raise Opaque("an option that is not known")
    return at + 1
