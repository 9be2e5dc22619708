"""Capabilities of programs, files and hosts: rows of data, measured, or with the document that says so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.resources import files
from typing import Any

import tomli


@dataclass(frozen=True, slots=True)
class Place:
    """A pattern of paths or hosts that means more than it says. `note` is what happens there.

    `names` stands for the last part of the pattern where the note is true of some files only.
    """

    group: str
    pattern: str
    example: str
    note: str
    source: str
    names: str = ""

    @property
    def id(self) -> str:
        """How findings name the row."""
        return f"{self.group}:{self.example}"

    @property
    def meant(self) -> str:
        """The pattern of all of which the note is true."""
        return f"{self.pattern.rpartition('/')[0]}/{self.names}" if self.names else self.pattern


@dataclass(frozen=True, slots=True)
class Capability:
    """What one way to call a program does.

    `argv` are its words, with placeholders: `{code}` a program to be run, `{text}` code in the program's own language,
    `{secret}` a file to be read, `{out}` one to be written, `{dir}` a folder, `{url}` an address. `file` is what it
    reads as code or configuration, with the `content` that shows it; `env` are variables. `kind` groups rows for the
    linter: `interpreter`, `option`, `wrapper`, `dry`, `env`, and for what a project's configuration adds, those of
    loaders. `measured` names the version that was seen to do so, `source` the document that says so. `gives` is `run`
    (any code), `read`, `write`, `delete`, `connect`, `upload`, `download` or `load`.
    """

    id: str
    program: str
    gives: str
    kind: str
    argv: tuple[str, ...]
    file: str = ""
    content: str = ""
    env: tuple[tuple[str, str], ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    measured: str = ""
    source: str = ""
    note: str = ""
    stdin: str = ""
    setup: tuple[tuple[str, ...], ...] = ()
    chdir: str = ""
    big: bool = False


@dataclass(frozen=True)
class Capabilities:
    """All rows."""

    places: dict[str, tuple[Place, ...]] = field(default_factory=dict)
    harmless: tuple[str, ...] = ()
    programs: tuple[Capability, ...] = ()
    suffixes: frozenset[str] = frozenset()

    @cached_property
    def named(self) -> frozenset[str]:
        """The programs that there are rows of."""
        return frozenset(row.argv[0].rpartition("/")[2] for row in self.programs)

    def group(self, name: str) -> tuple[Place, ...]:
        """The rows of a group of places."""
        return self.places[name]

    def kinds(self, *names: str) -> Iterator[Capability]:
        """The capabilities of some kinds."""
        return (c for c in self.programs if c.kind in names)


@cache
def builtin() -> Capabilities:
    """The rows that come with the package."""
    folder = files(__package__) / "data"
    places: dict[str, tuple[Place, ...]] = {}
    read = {name: tomli.loads((folder / f"{name}.toml").read_text("utf-8")) for name in ("paths", "hosts")}
    for table in read.values():
        for group, content in table.items():
            places[group] = tuple(_place(group, content, *row) for row in content.get("rows", ()))
    programs: list[Capability] = []
    for file in sorted((folder / "programs").iterdir(), key=lambda f: f.name):
        if file.name.endswith(".toml"):
            programs += rows_of_table(tomli.loads(file.read_text("utf-8")))
    return Capabilities(
        places,
        tuple(read["paths"]["special"]["harmless"]),
        tuple(programs),
        frozenset(read["hosts"]["suffixes"]["names"]),
    )


def _place(group: str, content: dict[str, Any], pattern: str, example: str, note: str, more: object = "") -> Place:
    """A row; `more` is its source, or a table with the `names` that it is true of."""
    common = str(content.get("source", ""))
    if isinstance(more, dict):
        return Place(group, pattern, example, note, common, str(more["names"]))
    return Place(group, pattern, example, note, str(more) or common)


def rows_of_table(table: dict[str, Any]) -> Iterator[Capability]:
    """The rows of a file: tables of programs, each with its evidence and `rows`."""
    for program, content in table.items():
        tested = str(content.get("measured", ""))
        common = str(content.get("source", ""))
        for name, row in content["rows"].items():
            given = str(row.get("source", ""))
            yield Capability(
                f"{program}.{name}",
                program,
                row.get("gives", "run"),
                row.get("kind", "option"),
                tuple(row["argv"]),
                row.get("file", ""),
                row.get("content", ""),
                tuple(row.get("env", {}).items()),
                tuple(row.get("files", {}).items()),
                "" if given else tested,
                given or common,
                row.get("note", ""),
                row.get("stdin", ""),
                tuple(tuple(words) for words in row.get("setup", ())),
                row.get("chdir", ""),
                bool(row.get("big")),
            )
