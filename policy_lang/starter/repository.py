"""Findings about a repository: languages, package managers, default branch, folders, registry hosts."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import tomli

from ..domain.errors import RequestError
from ..domain.files import open_for_reading
from ..domain.limits import limit
from ..facts.hosts import host_facts
from ..facts.refs import malformed_ref

_MOST_BYTES = limit("starter_bytes")

SOURCE_FOLDERS = (
    "src", "lib", "app", "apps", "packages", "crates", "cmd", "internal", "pkg", "components", "pages", "server",
    "client", "test", "tests", "spec", "e2e", "docs", "examples", "benches", "stories", "public", "styles",
)  # fmt: skip
LANGUAGES = {
    "node": ("package.json",),
    "python": ("pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", "Pipfile"),
    "rust": ("Cargo.toml",),
    "go": ("go.mod",),
}


@dataclass(slots=True)
class Repository:
    """The findings. `hosts` maps each registry host, with its port when it is unusual, to the file that names it."""

    name: str
    languages: list[str] = field(default_factory=list)
    managers: list[str] = field(default_factory=list)
    default_branch: str = "main"
    folders: list[str] = field(default_factory=list)
    hosts: dict[str, str] = field(default_factory=dict)


def look(folder: str) -> Repository:
    """Look at the files of a folder; only its own level and `.git` are read."""
    found = Repository(_name(folder))
    here = set(os.listdir(folder))
    for language, markers in LANGUAGES.items():
        if here & set(markers):
            found.languages.append(language)
    found.managers = [m for m, file in _MANAGERS if file in here]
    found.folders = [f for f in SOURCE_FOLDERS if f in here and os.path.isdir(os.path.join(folder, f))]
    packages, others = _package_folders(folder, here)
    found.folders += [p for p in packages if p not in found.folders]
    if not found.folders:
        found.folders = others
    found.default_branch = _default_branch(folder)
    for file, read in _HOST_READERS.items():
        if file not in here:
            continue
        text = _read(os.path.join(folder, file))
        for url in read(text) if text else ():
            host = _host(url)
            if host:
                found.hosts.setdefault(host, file)
    return found


_MANAGERS = (
    ("pnpm", "pnpm-lock.yaml"), ("yarn", "yarn.lock"), ("npm", "package-lock.json"), ("uv", "uv.lock"),
    ("poetry", "poetry.lock"), ("pipenv", "Pipfile.lock"), ("cargo", "Cargo.lock"), ("go", "go.sum"),
)  # fmt: skip


def _name(folder: str) -> str:
    name = os.path.basename(os.path.abspath(folder))
    return re.sub(r"[^A-Za-z0-9_.-]", "-", name) or "repository"


def _package_folders(folder: str, here: set[str]) -> tuple[list[str], list[str]]:
    """Folders that hold Python packages, and all visible folders with a plain name; a dozen of each at most."""
    made = {"node_modules", "venv", "target", "dist", "build", "vendor"}
    plain = sorted(
        f
        for f in here - made
        if re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", f) and os.path.isdir(os.path.join(folder, f))
    )
    packages = [f for f in plain if os.path.exists(os.path.join(folder, f, "__init__.py"))]
    return packages[:12], plain[:12]


def _read(path: str) -> str:
    """The text of a regular file of bounded size; empty when it is none."""
    try:
        handle = open_for_reading(path)
    except OSError:
        return ""
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode) or status.st_size > _MOST_BYTES:
            return ""
        with os.fdopen(handle, "rb", closefd=False) as stream:
            return stream.read(_MOST_BYTES).decode("utf-8", "replace")
    finally:
        os.close(handle)


def _default_branch(folder: str) -> str:
    for file in ("refs/remotes/origin/HEAD", "HEAD"):
        text = _read(os.path.join(folder, ".git", file)).strip()
        name = re.sub(r"^ref: refs/(remotes/origin|heads)/", "", text)
        if name and name != text and not malformed_ref(f"refs/heads/{name}") and not set(name) & set('"{}!'):
            return name
    return "main"


def _host(url: str) -> str:
    """`host` or `host:port` of a URL, or empty when it is not a plain HTTPS or HTTP host name."""
    if not url.startswith(("https://", "http://")):
        return ""
    try:
        facts = host_facts(url)
    except RequestError:
        return ""
    if not isinstance(facts.host, str):
        return ""
    return facts.host if facts.port == 443 else f"{facts.host}:{facts.port}"


# where each kind of file names hosts


def _package_lock(text: str) -> Iterator[str]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return
    packages = data.get("packages") if isinstance(data, dict) else None
    for entry in packages.values() if isinstance(packages, dict) else ():
        if isinstance(entry, dict) and isinstance(entry.get("resolved"), str):
            yield entry["resolved"]


def _lines(pattern: str) -> Callable[[str], Iterator[str]]:
    compiled = re.compile(pattern, re.MULTILINE)
    return lambda text: (match[1] for match in compiled.finditer(text))


def _toml(text: str) -> Iterator[str]:
    """Every string under a key that names a registry, index, source or file."""
    try:
        todo: list[tuple[str, object]] = [("", tomli.loads(text))]
    except (tomli.TOMLDecodeError, RecursionError):
        return
    while todo:
        key, value = todo.pop()
        if isinstance(value, dict):
            todo.extend(value.items())
        elif isinstance(value, list):
            todo.extend((key, inner) for inner in value)
        elif isinstance(value, str) and key in {"registry", "url", "index", "source", "index-url", "extra-index-url"}:
            yield value.removeprefix("registry+").removeprefix("sparse+")


def _project(text: str) -> Iterator[str]:
    """Package indexes of a `pyproject.toml`; its other addresses are the project's home pages."""
    try:
        tool = tomli.loads(text).get("tool", {})
    except (tomli.TOMLDecodeError, RecursionError):
        return
    if not isinstance(tool, dict):
        return
    for section, key in (("uv", "index"), ("poetry", "source"), ("pdm", "source")):
        part = tool.get(section)
        entries = part.get(key) if isinstance(part, dict) else None
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict) and isinstance(entry.get("url"), str):
                yield entry["url"]


_HOST_READERS: dict[str, Callable[[str], Iterator[str]]] = {
    "package-lock.json": _package_lock,
    "yarn.lock": _lines(r'^[ \t]+resolved "([^"\s]+)"'),
    "pnpm-lock.yaml": _lines(r"tarball: ['\"]?([^'\"\s,}]+)"),
    ".npmrc": _lines(r"^[ \t]*(?:@[^\s:=]+:)?registry[ \t]*=[ \t]*(\S+)"),
    ".yarnrc.yml": _lines(r"^[ \t]*npmRegistryServer:[ \t]*[\"']?([^\"'\s]+)"),
    "uv.lock": _toml,
    "poetry.lock": _toml,
    "Cargo.lock": _toml,
    "pyproject.toml": _project,
    "Pipfile": _toml,
    "requirements.txt": _lines(r"^[ \t]*(?:-i|--index-url|--extra-index-url)[ =](\S+)"),
    "pip.conf": _lines(r"^[ \t]*(?:extra-)?index-url[ \t]*=[ \t]*(\S+)"),
}
