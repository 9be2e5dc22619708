"""Program profiles from TOML: the built-in ones, and those that a policy brings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Literal

import tomli
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from .._resources import resource_dir
from ..domain.faults import AuthorError
from ..domain.limits import limit
from ..shell.changes import OptionChange, read_act, read_change
from ..shell.profile import Option, Profile, Profiles
from ..shell.readers.table import READERS
from ..shell.roles import is_role
from ..shell.slots import slots_of

SUFFIX = ".profile.toml"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}", re.ASCII)
_GLOB = re.compile(r"!?[A-Za-z0-9_.*?-]+", re.ASCII)
_MOST_BYTES = limit("profile_bytes")


class ProfileError(AuthorError, ValueError):
    """A profile is malformed: which, and how."""


class ProfileModel(BaseModel):
    """A profile as it is written. Option lists are words: `-f|--file` and, with a value, `-o|--output=role`.

    A sub-command that is the `same` as another takes its words; one that is its `alias` is that sub-command by another
    name, which rules about either mean.
    """

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    about: str = ""
    manual: str = ""
    same: str = ""
    alias: str = ""
    like: str = ""
    style: Literal["", "gnu", "exact", "stop", "single", "single-stop", "open", "open-single", "none"] = ""
    operands: str = ""
    flags: str = ""
    values: str = ""
    changes: dict[str, str] = Field(default_factory=dict)
    acts: list[str] = Field(default_factory=list)
    dash: str | None = None
    commands: dict[str, ProfileModel] = Field(default_factory=dict)
    default: str = ""
    reader: str = ""
    transparent: bool = False
    plain: str = ""
    note: str = ""
    digits: bool = False
    ends: str = ""
    missing: str = ""
    input: str = ""
    names: str = ""
    booleans: bool = False
    everywhere: bool = Field(default=False, alias="global")

    @field_validator("operands")
    @classmethod
    def _operands(cls, text: str) -> str:
        for slot in slots_of(text):
            _role(slot.role)
        return text

    @field_validator("flags", "values")
    @classmethod
    def _options(cls, text: str) -> str:
        for spec in text.split():
            names, _, role = spec.partition("=")
            if not all(re.fullmatch(r"[-+][^\s|=]*!?", n) for n in names.split("|")):
                raise ValueError(f"`{names}` is not a list of options")
            if role:
                _role(role.removeprefix("?"))
        return text

    @field_validator("changes")
    @classmethod
    def _known_changes(cls, changes: dict[str, str]) -> dict[str, str]:
        for change in changes.values():
            read_change(change)
        return changes

    @field_validator("input")
    @classmethod
    def _known_input(cls, name: str) -> str:
        if name:
            _role(name)
        return name

    @field_validator("names")
    @classmethod
    def _globs(cls, text: str) -> str:
        if text and not all(_GLOB.fullmatch(g) for g in text.split("|")):
            raise ValueError(f"`{text}` is not a list of names with `*` and `?`, parted by `|`, of folders behind `!`")
        return text

    @field_validator("reader")
    @classmethod
    def _known_reader(cls, name: str) -> str:
        if name and name not in READERS:
            raise ValueError(f"`{name}` is not a valid reader")
        return name


def _role(name: str) -> None:
    bare = name.rstrip("!")
    if bare != "command" and not is_role(bare):
        raise ValueError(f"`{bare}` is not a valid role")


def build(name: str, model: ProfileModel, parent: Profile | None = None, shared: ProfileModel | None = None) -> Profile:
    """A profile from its model; options of a parent that hold everywhere are added. Raises ProfileError."""
    options: dict[str, Option] = dict(parent.options) if parent is not None and shared is not None else {}
    changes: dict[str, tuple[OptionChange, ...]] = {}
    for spec in model.flags.split():
        _add(options, spec, "", False)
    for spec in model.values.split():
        names, _, role = spec.partition("=")
        _add(options, names, role.removeprefix("?"), role.startswith("?"))
    booleans = model.booleans or (parent is not None and parent.booleans)
    if booleans:  # such a program tells about each of its commands
        helps = Option(("--help", "-h") if "-h" not in options else ("--help",))
        for spelling in helps.names if "--help" not in options else ():
            options[spelling] = helps
    for option, change in model.changes.items():
        found = options.get(option)
        changes[found.names[0] if found else option] = (read_change(change),)
    style = model.style or ("gnu" if parent is None or parent.style in {"stop", "single-stop"} else parent.style)
    commands: dict[str, Profile] = {}
    made = Profile(
        name,
        style,
        slots_of(model.operands),
        options,
        changes,
        commands=commands,
        acts=tuple(map(read_act, model.acts)),
        dash=None if model.dash is None else tuple(model.dash.split()),
        default=model.default,
        reader=model.reader,
        transparent=model.transparent,
        plain=frozenset(model.plain.split()),
        note=model.note or (parent.note if parent else ""),
        digits=model.digits,
        ends=frozenset(model.ends.split()),
        missing=model.missing,
        input=model.input,
        names=model.names or (parent.names if parent else ""),
        booleans=booleans,
    )
    for word, inner in model.commands.items():
        seen = {word}
        canonical = word
        merged = inner
        if merged.same == ".":
            commands[word] = made
            continue
        named = True
        while other := merged.alias or merged.same:
            base = model.commands.get(other)
            if base is None or other in seen:
                raise ProfileError(f"`{word}` is the same as `{other}`, which is not there")
            seen.add(other)
            named = named and bool(merged.alias)
            canonical = other if named else canonical
            merged = _merged(base, merged)
        commands[word] = build(canonical, merged, made, model if model.everywhere else None)
    return made


def _merged(base: ProfileModel, more: ProfileModel) -> ProfileModel:
    own = more.model_fields_set - {"same", "alias", "like", "flags", "values", "changes"}
    update = {k: getattr(more, k) for k in own}
    update |= {
        "flags": f"{base.flags} {more.flags}", "values": f"{base.values} {more.values}",
        "changes": {**base.changes, **more.changes}, "same": base.same, "alias": base.alias,
        "like": base.like,
    }  # fmt: skip
    return base.model_copy(update=update)


def _add(options: dict[str, Option], names: str, role: str, attached: bool) -> None:
    marked = names.endswith("!")
    spellings = tuple(n.rstrip("!") for n in names.split("|"))
    option = Option(spellings, role, attached, marked)
    for spelling in spellings:
        options[spelling] = option


def parse_profile(name: str, data: bytes) -> Profile | str:
    """A profile from a file's bytes, or the name of the one that it is the same as. Raises ProfileError."""
    model = _model(name, data)
    if model.same and model.model_fields_set <= {"same"}:
        return model.same
    return build(name, _completed(name, model))


def _model(name: str, data: bytes) -> ProfileModel:
    """What a profile's file says."""
    if len(data) > _MOST_BYTES:
        raise ProfileError(f"the profile of `{name}` is longer than {_MOST_BYTES} bytes")
    try:
        return ProfileModel.model_validate(tomli.loads(data.decode("utf-8")))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        where = f"byte {error.start}, line {line}"
        raise ProfileError(f"the profile of `{name}` is not valid UTF-8 ({where})") from None
    except (tomli.TOMLDecodeError, RecursionError) as error:
        raise ProfileError(f"the profile of `{name}` is not valid TOML: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(p) for p in first["loc"])
        raise ProfileError(
            f"the profile of `{name}` is wrong at `{where}`: {first['msg'].removeprefix('Value error, ')}"
        ) from None


def _completed(name: str, model: ProfileModel) -> ProfileModel:
    """A model with what it has of the built-in profile that it is like: read as that one, under its own name."""
    seen = {name}
    while model.like:
        base = None if model.like in seen or not NAME.fullmatch(model.like) else _file(model.like)
        if base is None:
            raise ProfileError(f"`{name}` is like `{model.like[:40]}`, which has no profile of its own")
        seen.add(model.like)
        below = _model(model.like, base)
        if below.same:
            raise ProfileError(f"`{name}` is like `{model.like}`, which is the same as `{below.same}`: name that one")
        model = _merged(below, model)
    return model


def _file(name: str) -> bytes | None:
    """The file of a built-in profile."""
    file = resource_dir("shell/profiles") / f"{name}{SUFFIX}"
    return file.read_bytes() if file.is_file() else None


@cache
def builtin(name: str) -> Profile | None:
    """The built-in profile of a program, read when it is first needed."""
    if not NAME.fullmatch(name):
        return None
    data = _file(name)
    if data is None:
        return None
    made = parse_profile(name, data)
    return builtin(made) if isinstance(made, str) else made


def with_own(own: Mapping[str, Profile]) -> Profiles:
    """The built-in profiles with a policy's own before them."""
    return (lambda name: own.get(name) or builtin(name)) if own else builtin


def builtin_names() -> list[str]:
    """Every program with a built-in profile."""
    return sorted(
        f.name.removesuffix(SUFFIX) for f in resource_dir("shell/profiles").iterdir() if f.name.endswith(SUFFIX)
    )
