"""The commands that a repository gives names to: package scripts, targets, recipes, tasks, and programs of its own."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import tomli

from ..domain.limits import limit
from .files import Files

_MOST_NAMES = limit("starter_names")
_MOST_FILES = limit("starter_manifests")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9:_./@-]*", re.ASCII)
OUTWARD = frozenset({
    "apply", "bump", "deploy", "destroy", "drop", "eject", "install", "login", "logout", "nuke", "postinstall",
    "preinstall", "prepare",
    "prod", "production", "promote", "prune", "publish", "purge", "push", "release", "reset", "rollback", "ship",
    "staging", "sync", "tag", "teardown",
    "uninstall", "upload", "version", "wipe",
})  # fmt: skip
"""Words in a task's name that say it reaches others, or takes away what nothing makes again: a person is asked."""


@dataclass(frozen=True, slots=True)
class Tasks:
    """Names that a file gives to commands, and `runners`, the words in front of a name that run it."""

    file: str
    runners: tuple[str, ...]
    names: tuple[str, ...]
    alone: tuple[str, ...] = ()
    """Commands that run none of the names, or the first one."""

    def harmless(self) -> list[str]:
        """The names that say nothing of others."""
        return [n for n in self.names if not outward(n)]

    def asked(self) -> list[str]:
        """The names that say the opposite."""
        return [n for n in self.names if outward(n)]


def outward(name: str) -> bool:
    """Whether a name says that what it stands for reaches others, or takes something away for good."""
    return not OUTWARD.isdisjoint(re.split(r"[^a-z]+", posixpath.basename(name).lower()))


_FIRST = frozenset({"make", "just"})
"""Runners that run the first name when none is given."""
_LISTING = {
    "just": ("just {--list,--summary,-l}",),
    "task": ("task {--list,--list-all,-l,-a}",),
    "deno task": ("deno task",),
}
"""Commands that only show the names."""


def tasks_in(files: Files, managers: Iterable[str]) -> Iterator[Tasks]:
    """What manifests and task files name, a file at a time; the package scripts of all packages together."""
    scripts = dict.fromkeys(
        n for f in files.named("package.json")[:_MOST_FILES] for n in _table(files.text(f), "scripts")
    )
    if scripts:
        used = [m for m in ("npm", "pnpm", "yarn", "bun") if m in managers] or ["npm"]
        yield _tasks("package.json", [f"{m} run" for m in used] + [m for m in used if m != "npm"], scripts)
    for file, runner, names in _READERS:
        for found in [f for f in files.named(*file) if "/" not in f][:1]:
            given = _valid(names(files.text(found)))
            if given:
                alone = [*_LISTING.get(runner, ()), *([runner] if runner in _FIRST and not outward(given[0]) else [])]
                yield _tasks(found, [runner], given, alone)


def _tasks(file: str, runners: list[str], names: Iterable[str], alone: Iterable[str] = ()) -> Tasks:
    return Tasks(file, tuple(runners), tuple(_valid(names)[:_MOST_NAMES]), tuple(alone))


def _valid(names: Iterable[str]) -> list[str]:
    return [n for n in dict.fromkeys(names) if len(n) <= 60 and _NAME.fullmatch(n) and ".." not in n]


def _table(text: str, *keys: str) -> list[str]:
    """The names in a table of a JSON text; none when there is no such table."""
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return []
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return [str(name) for name in value] if isinstance(value, dict) else []


def _toml(text: str, *keys: str) -> list[str]:
    try:
        value: object = tomli.loads(text)
    except (tomli.TOMLDecodeError, RecursionError):
        return []
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return [str(name) for name in value] if isinstance(value, dict) else []


def _lines(pattern: str) -> Callable[[str], list[str]]:
    return re.compile(pattern, re.MULTILINE | re.ASCII).findall


_READERS: tuple[tuple[tuple[str, ...], str, Callable[[str], list[str]]], ...] = (
    (("Makefile", "makefile", "GNUmakefile"), "make", _lines(r"^([A-Za-z0-9][\w./-]*)[ \t]*::?(?![=:])")),
    (("justfile", "Justfile", ".justfile"), "just", _lines(r"^@?([A-Za-z_][\w-]*)(?:[ \t][^:\n]*)?:(?!=)")),
    (("Taskfile.yml", "Taskfile.yaml", "Taskfile.dist.yml"), "task", _lines(r"^  ([\w][\w:.-]*):[ \t]*$")),
    (("pyproject.toml",), "uv run", lambda text: _toml(text, "project", "scripts")),
    (("composer.json",), "composer {run,run-script}", lambda text: _table(text, "scripts")),
    (("deno.json", "deno.jsonc"), "deno task", lambda text: _table(text, "tasks")),
    (("config.toml",), "cargo", lambda text: _toml(text, "alias")),
)
"""File names, what runs a task of theirs, and how their names are found: make(1), just's and Task's manuals."""

TASK_FILES = tuple(name for names, _, _ in _READERS for name in names if name != "config.toml")
_INTERPRETERS = {
    ".py": ("python", "python3", "uv run python", "uv run"), ".sh": ("bash", "sh"), ".js": ("node",),
    ".mjs": ("node",), ".cjs": ("node",),
    ".ts": ("node", "tsx", "bun", "bun run"), ".rb": ("ruby", "bundle exec ruby"), ".php": ("php",), ".bats": ("bats",),
}  # fmt: skip
_OWN = ("scripts", "script", "bin", "hack", "tools", "ci", "dev")
_WIDE = frozenset({
    "activate", "artisan", "bundle", "console", "dev", "gradlew", "kamal", "manage.py", "mvnw", "pip", "python",
    "rails", "rake", "spring", "yarn",
})  # fmt: skip
"""Programs with commands of their own, some of which reach others: the library's modules name the harmless ones."""


def programs_in(files: Files) -> Iterator[Tasks]:
    """Programs of the repository's own: scripts in the usual folders, and shell scripts at its top."""
    for name in files.names:
        folder, _, base = name.rpartition("/")
        ending = posixpath.splitext(base)[1]
        top = folder.split("/")[0]
        own = bool(folder) and top in _OWN and (ending in _INTERPRETERS or not ending)
        if not _valid([name]) or base in _WIDE or not (own or (not folder and ending == ".sh")):
            continue
        runners = tuple(f"{runner} " for runner in _INTERPRETERS.get(ending, ()))
        yield Tasks(name, ("./", *runners), (name,))
