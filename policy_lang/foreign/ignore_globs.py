"""Patterns of gitignore(5), as clients use them for paths, and as patterns of this language."""

from __future__ import annotations

import re

from ..automata.glob import Glob, GlobError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


_FILE = re.compile(r".+\.[A-Za-z0-9]{1,5}|\.\w+rc|\.?\w*profile", re.ASCII)
"""Names that are a file's: with an ending, or a shell's start-up file."""


def is_file(glob: str) -> bool:
    """Whether a glob's last part names files, and no folder with all that lies in it."""
    return not glob.endswith("/") and _FILE.fullmatch(glob.rpartition("/")[2]) is not None


def path_patterns(glob: str, *, base: str = "", anywhere: bool = False, below: bool = False) -> tuple[str, ...]:
    """The patterns for a glob below a base, which ends with `/`, or is empty for the workspace.

    With `anywhere` it means any depth there. A folder's glob means all that lies in it; with `below` a file's does,
    too: nothing says that a folder has no such name.
    """
    text = glob.strip("/")
    parts = [part for part in text.split("/") if part not in {"", "."}]
    if not parts:
        return (base or "./",)
    written = [part if part == "**" else _segment(part) for part in parts]
    if anywhere and written[0] != "**":
        written.insert(0, "**")
    while written[-2:] == ["**", "**"]:
        written.pop()
    inside = "/".join(written)
    if written == ["**"]:
        return (base or "./",)
    return (base + inside if written[-1] == "**" or (is_file(glob) and not below) else f"{base}{inside}/",)


def _segment(text: str) -> str:
    """One part of a glob: gitignore knows no braces, and `**` inside a part is `*`."""
    out = text.replace("{", "[{]").replace("}", "[}]")
    while "**" in out:
        out = out.replace("**", "*")
    return out


def matches(glob: str, parts: Sequence[str], *, anywhere: bool = False) -> bool:
    """Whether a glob means a path below its base, or a folder above it."""
    labels = [label for label in glob.strip("/").split("/") if label not in {"", "."}]
    if not labels:
        return True
    if anywhere and labels[0] != "**":
        labels.insert(0, "**")
    return any(_fits(labels, parts[:n]) for n in range(1, len(parts) + 1))


def _fits(labels: Sequence[str], parts: Sequence[str]) -> bool:
    if not labels or not parts:
        return not labels and not parts
    if labels[0] == "**":
        return len(labels) == 1 or any(_fits(labels[1:], parts[i:]) for i in range(len(parts)))
    return _same(labels[0], parts[0]) and _fits(labels[1:], parts[1:])


def _same(label: str, part: str) -> bool:
    try:
        return Glob(_segment(label)).matches(part)
    except GlobError:
        return label == part
