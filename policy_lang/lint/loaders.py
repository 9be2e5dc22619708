"""Files that programs load without a word that names them, and the starters of the programs.

A table says of each program which files it reads, and which words switch that off. What starts programs, `npx` and `uv
run`, the scripts of a project and the hooks of git, is said once for all of a family. Pairs of a file and a command
follow from both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import tomli

from ..automata.pattern import expand_braces
from ..domain.limits import limit

KINDS = ("config", "source", "redirect", "dependency")
"""What a loaded file is: settings or code that nobody should change unseen, what an agent is there to write, settings
that lead elsewhere, and what was installed."""
_NOTHING_DONE = ("--version", "--help")
_ALIKE = ("but", "off", "by", "measured", "source")
_FIELDS = {"config": "config", "source": "source_files", "redirect": "redirect", "dependency": "dependency"}
FOLDER_OPTIONS = ("-C", "--directory", "--prefix", "--cwd", "--dir", "--working-dir")
"""Options that say where a program starts."""
_FOLDER = f"{{{','.join(FOLDER_OPTIONS)}}}"
_MOST_ALTERNATIVES = limit("pattern_alternatives")


@dataclass(frozen=True, slots=True)
class FileLoader:
    """A program, or several that load the same.

    `run` are the beginnings of commands that load the files, `files` their patterns by kind, relative to where the
    program starts. `but` are commands that load none of them all the same, and `off` words that switch it off.
    `measured` names the version that was seen to do so, `source` the document that says so.
    """

    name: str
    run: tuple[str, ...]
    files: Mapping[str, tuple[str, ...]]
    but: tuple[str, ...] = ()
    off: tuple[str, ...] = ()
    family: str = ""
    measured: str = ""
    source: str = ""
    commands: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """All commands that load the files: the program, and a pattern of what follows. `run`, and through starters."""

    @property
    def id(self) -> str:
        """How findings name the row."""
        return f"loads:{self.name}"

    def switched_off(self) -> Iterator[tuple[str, str]]:
        """Commands among those of the loader that load nothing."""
        yield from ((program, f"{rest} {word} **") for program, rest in self.commands for word in self.off)
        yield from (split for text in self.but for split in _split(text))

    def in_folder(self, folder: str) -> Iterator[tuple[str, str]]:
        """The commands that start in another folder, as one of their words says."""
        programs = dict.fromkeys(program for program, _ in self.commands)
        yield from ((program, f"** {_FOLDER} {folder} **") for program in programs)


def _split(text: str) -> Iterator[tuple[str, str]]:
    """A pattern of commands as a program and the rest, once for each program that it names."""
    depth = 0
    for at, sign in enumerate(text):
        depth += (sign == "{") - (sign == "}")
        if sign == " " and not depth:
            head, rest = text[:at], text[at + 1 :]
            break
    else:
        head, rest = text, ""
    for program in expand_braces(head, _MOST_ALTERNATIVES):
        first, _, more = program.partition(" ")
        yield first, f"{more} {rest}".strip()


def _commands(run: tuple[str, ...], starters: list[str]) -> Iterator[tuple[str, str]]:
    yield from (split for text in run for split in _split(f"{text} **"))
    tools = run[0] if len(run) == 1 else f"{{{','.join(run)}}}"
    for starter in starters:
        head = starter.removesuffix(" **")
        # between the two stand options of the starter, and no other program
        for options in ("", " -*", " -* *") if starter.endswith(" **") else ("",):
            yield from _split(f"{head}{options} {tools} **")


@cache
def builtin() -> tuple[FileLoader, ...]:
    """The table that comes with the package; last the scripts of a project, which start programs of every family."""
    table = tomli.loads((files(__package__) / "data/loaders.toml").read_text("utf-8"))
    starters, scripts = table.pop("starters"), table.pop("scripts")
    found = tuple(loader for name, row in table.items() for loader in _loaders(name, row, starters))
    started = dict.fromkeys(
        f for r in found if r.family for f in r.files["config"] if not {"/", "*"} & set(f) and f != "package.json"
    )
    return (*found, _loader("scripts", {**scripts, "config": list(started)}, starters))


def _loaders(name: str, row: dict[str, Any], starters: dict[str, list[str]]) -> Iterator[FileLoader]:
    """What programs load alike, and what one of them loads alone."""
    if any(row.get(key) for key in _FIELDS.values()):
        yield _loader(name, row, starters)
    for program, config in row.get("of", {}).items():
        only = {"run": [program], "config": config, **{k: row[k] for k in _ALIKE if k in row}}
        yield _loader(f"{name}.{program.partition(' ')[0]}", only, starters)


def _loader(name: str, row: dict[str, Any], starters: dict[str, list[str]]) -> FileLoader:
    measured = str(row.get("measured", ""))
    run = tuple(row["run"])
    return FileLoader(
        name,
        run,
        MappingProxyType({kind: tuple(row.get(key, ())) for kind, key in _FIELDS.items()}),
        tuple(row.get("but", ())),
        tuple(row.get("off", () if measured else _NOTHING_DONE)),
        row.get("by", ""),
        measured,
        str(row.get("source", "")),
        tuple(_commands(run, starters.get(row.get("by", ""), []))),
    )


def alternatives(pattern: str) -> list[str]:
    """The patterns without braces that a pattern of files stands for."""
    return expand_braces(pattern, _MOST_ALTERNATIVES)


def example(pattern: str) -> str:
    """A file that a pattern of files means: its first alternative, with nothing for what is free."""
    first = alternatives(pattern)[0]
    last = "x" if first.endswith("**") else ""
    return (
        first.replace("**/", "")
        .replace("**", last)
        .replace("/*/", "/x/")
        .replace("/*.", "/x.")
        .replace("*", "x" if first.startswith("*") else "")
    )


@cache
def read_by() -> dict[str, tuple[str, ...]]:
    """The files that each program reads as code or configuration although no word of it names them."""
    found: dict[str, dict[str, None]] = {}
    for loader in builtin()[:-1]:
        texts = (*loader.files["config"], *loader.files["source"])
        names = [n for t in texts for n in alternatives(t) if "**" not in n]
        for command in loader.run:
            for start in expand_braces(command, _MOST_ALTERNATIVES):
                found.setdefault(start.partition(" ")[0].rpartition("/")[2], {}).update(dict.fromkeys(names))
    return {program: tuple(names) for program, names in found.items() if names}
