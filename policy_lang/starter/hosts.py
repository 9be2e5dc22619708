"""Package registries that a repository's own lock files and package managers' configuration name."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

import tomli

from ..domain.errors import RequestError
from ..facts.hosts import host_facts


def hosts_in(file: str, text: str) -> Iterator[str]:
    """The hosts, with their port when it is unusual, that a file of this name says packages come from."""
    read = READERS.get(file)
    for url in read(text) if read is not None and text else ():
        host = _host(url)
        if host:
            yield host


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


READERS: dict[str, Callable[[str], Iterator[str]]] = {
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
