"""The linter's configuration: `policy.toml`, or the table `tool.policy` of `pyproject.toml`."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Annotated, Literal

import tomli
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..domain.faults import AuthorError
from ..ir.scopes import PatternError
from .capabilities import Capabilities, Capability, Place, builtin
from .context import wanted
from .registry import checks

Code = Annotated[str, Field(pattern=r"^[A-Z]{3}[0-9]{0,3}$")]
_PLACES = {
    "read": ("credentials",),
    "write": ("persistence", "agent-config", "shell-startup", "path-folders", "redirects", "logs", "ci", "reviews"),
    "connect": ("uploads", "tunnels", "metadata", "private", "resolvers", "downloads"),
}  # fmt: skip


class LintConfigError(AuthorError):
    """The configuration cannot be used; the message says where and why."""


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    group: str
    pattern: str
    example: str
    note: str
    source: str = ""


class _Program(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field(pattern=r"^[a-z0-9-]+$")
    argv: list[str] = Field(min_length=1)
    gives: Literal["run", "read", "write", "delete", "connect", "upload", "download", "load"]
    kind: Literal[
        "interpreter", "option", "wrapper", "config", "source", "dependency", "redirect", "dry", "env", "effect",
        "privilege", "container", "install", "runner", "remote", "secret", "debugger",
    ]  # fmt: skip
    file: str = ""
    env: dict[str, str] = {}
    note: str = ""
    source: str = "the project's configuration"


class LintConfig(BaseModel):
    """What `[lint]` may say."""

    model_config = ConfigDict(extra="forbid", strict=True)

    select: list[Code] = []
    ignore: list[Code] = []
    per_file: dict[str, list[Code]] = Field(default={}, alias="per-file")
    persona: Literal["regular", "strict", "auditor"] = "regular"
    fail_on: Literal["info", "warning", "error"] = Field(default="warning", alias="fail-on")
    ceilings: list[str] = []
    baseline: str | None = None
    place: list[_Row] = []
    program: list[_Program] = []
    suffixes: list[str] = []

    def capabilities(self) -> Capabilities:
        """The capability data with the project's own rows. Raises LintConfigError."""
        known = builtin()
        places = dict(known.places)
        actions = {g: a for a, groups in _PLACES.items() for g in groups}
        for row in self.place:
            if row.group not in actions:
                raise LintConfigError(
                    f"`place`: there is no group `{row.group}`; there are {', '.join(sorted(actions))}"
                )
            try:
                wanted(actions[row.group], (row.pattern,))
            except PatternError as error:
                raise LintConfigError(f"`place`: the pattern `{row.pattern}`: {error.message}") from None
            mine = Place(row.group, row.pattern, row.example, row.note, row.source)
            places[row.group] = (*places[row.group], mine)
        programs = tuple(
            Capability(
                f"{row.argv[0]}.{row.name}", row.argv[0], row.gives, row.kind, tuple(row.argv), row.file,
                env=tuple(row.env.items()), source=row.source, note=row.note,
            )
            for row in self.program
        )  # fmt: skip
        suffixes = known.suffixes | set(self.suffixes)
        return replace(known, places=places, programs=(*known.programs, *programs), suffixes=suffixes)


def find_config(start: str) -> str | None:
    """The configuration file of a folder: the nearest above it, `policy.toml` before `pyproject.toml`."""
    folder = os.path.abspath(start)
    while True:
        for name in ("policy.toml", "pyproject.toml"):
            path = os.path.join(folder, name)
            if os.path.isfile(path) and (name == "policy.toml" or _has_table(path)):
                return path
        if os.path.exists(os.path.join(folder, ".git")) or os.path.dirname(folder) == folder:
            return None
        folder = os.path.dirname(folder)


def _has_table(path: str) -> bool:
    try:
        return "policy" in _read(path).get("tool", {})
    except LintConfigError:
        return False


def _read(path: str, data: bytes | None = None) -> dict[str, dict[str, object]]:
    try:
        if data is not None:
            return tomli.loads(data.decode())
        with open(path, "rb") as file:
            return tomli.load(file)
    except (OSError, tomli.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise LintConfigError(f"`{path}` cannot be read: {error}") from None


def read_config(path: str, data: bytes | None = None) -> LintConfig:
    """The configuration in a file, or in the bytes that it had elsewhere. Raises LintConfigError."""
    table = _read(path, data)
    if os.path.basename(path) == "pyproject.toml":
        found = table.get("tool", {}).get("policy", {})
        table = found if isinstance(found, dict) else {}
    strange = [k for k in table if k != "lint"]
    if strange:
        raise LintConfigError(f"`{path}`: unknown table `{strange[0]}`; there is `lint`")
    try:
        config = LintConfig.model_validate(table.get("lint", {}))
    except ValidationError as error:
        first = error.errors()[0]
        raise LintConfigError(f"`{path}`: `lint.{'.'.join(map(str, first['loc']))}`: {first['msg'].lower()}") from None
    for code in (*config.select, *config.ignore, *(c for codes in config.per_file.values() for c in codes)):
        if not any(known.startswith(code) for known in checks()):
            raise LintConfigError(f"`{path}`: there is no rule `{code}`")
    return config
