"""Shapes as the policy language writes them."""

from __future__ import annotations

import posixpath
import re

from ...automata.pattern import quoted
from ...domain.actions import COMMAND, HOST, PATH, REF
from ...facts.commands import OPAQUE
from ...facts.paths import HOME, ROOT, TMP, WORKSPACE
from ...facts.refs import DEFAULT_REMOTE
from .generalise import Shape
from .observe import FREE, Word

_PLAIN = re.compile(r"[A-Za-z0-9@%+=:,./_^-]+\Z")
_ROOTS = {WORKSPACE: "", HOME: "~/", TMP: "${tmp}/", ROOT: "/"}
_SIMPLE = re.compile(r"[A-Za-z0-9_-]+\Z")


def pattern_text(sort: str, shape: Shape) -> str:
    """The pattern of a shape."""
    if sort == COMMAND:
        return _command(shape)
    if sort == PATH:
        return _path(shape)
    if sort == HOST:
        return _host(shape.place, shape.below)
    if sort == REF:
        return _ref(shape)
    return ".".join(quoted(p) for p in shape.place) if not shape.below else ".".join(shape.place)


def _tail(shape: Shape) -> str:
    ends = shape.extensions
    name = "" if not ends else f"*.{ends[0]}" if len(ends) == 1 else f"*.{{{','.join(ends)}}}"
    if shape.below == "*":
        return name or "*"
    return f"**/{name}" if name else "**"


def _path(shape: Shape) -> str:
    root, *segments = shape.place
    if shape.below:
        return _ROOTS[root] + "/".join([*segments, _tail(shape)])
    if not segments or segments == ["**"]:
        return {WORKSPACE: "./", HOME: "~/", TMP: "${tmp}/", ROOT: "/"}[root]
    if segments[-1] == "**":
        return _ROOTS[root] + "/".join(segments[:-1]) + "/"
    return _ROOTS[root] + "/".join(segments)


def _ref(shape: Shape) -> str:
    remote, *segments = shape.place
    name = [quoted(s) for s in segments]
    if name[:2] == ["refs", "heads"]:
        name = name[2:]
    if shape.below:
        name.append(shape.below)
    return ("" if remote == DEFAULT_REMOTE else f"{remote}:") + "/".join(name)


def _host(place: Word, below: str) -> str:
    host, port, *path = place
    if path or below:
        scheme = "http" if port == "80" else "https"
        shown = "" if port in {"80", "443"} else f":{port}"
        inside = "/".join(quoted(p) for p in path[1:])
        return f"{scheme}://{host}{shown}/{inside}" + (posixpath.join("/", below) if below and inside else below)
    return host if port == "443" else f"{host}:{port}"


def _command(shape: Shape) -> str:
    if shape.place == (OPAQUE,):
        return OPAQUE
    words = [word_text(w) for w in shape.place if w != "**"]
    if shape.below or "**" in shape.place:
        words.append("**")
    return " ".join(words)


def word_text(word: str) -> str:
    """One word of a command, literally."""
    if word == FREE:
        return "*"
    if _PLAIN.match(word):
        return word
    return "'" + word.replace("'", "'\"'\"'") + "'"


def joined(patterns: list[str]) -> list[str]:
    """Command patterns that differ in one plain word, as one: `git {diff,log,status} **`."""
    groups: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for pattern in patterns:
        words = pattern.split(" ")
        simple = len(words) > 1 and _SIMPLE.match(words[1]) is not None and "'" not in pattern and '"' not in pattern
        key = (words[0], tuple(words[2:])) if simple else (pattern, ("\0",))
        groups.setdefault(key, []).append(words[1] if simple else pattern)
    out: list[str] = []
    for (program, rest), found in groups.items():
        if rest == ("\0",):
            out += found
        else:
            middle = found[0] if len(found) == 1 else "{" + ",".join(sorted(found)) + "}"
            out.append(" ".join([program, middle, *rest]))
    return out
