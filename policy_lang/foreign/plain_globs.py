"""Globs over paths as shells have them: `*` and `?` inside a name, `**` for any folders; a whole path is meant."""

from __future__ import annotations

from ..automata.pattern import quoted
from .text_globs import matches

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def parts_of(path: str) -> list[str]:
    """A path's names."""
    return [part for part in path.split("/") if part not in {"", "."}]


def fits(glob: str, parts: Sequence[str]) -> bool:
    """Whether a glob means a path's names, all of them. `**` in a name is any characters of it."""
    labels = parts_of(glob)
    reached = [True, *([False] * len(parts))]  # which beginnings of the path the labels so far mean
    for i, label in enumerate(labels):
        if label == "**":
            before = [any(reached[:n]) for n in range(len(parts) + 1)]  # with one name at least
            reached = before if i == len(labels) - 1 else [a or b for a, b in zip(before, reached, strict=True)]
        else:
            reached = [False, *(reached[n] and matches(label, part) for n, part in enumerate(parts))]
    return reached[len(parts)] and bool(parts)


def pattern_of(glob: str, base: str = "") -> str:
    """The pattern of a glob below a base: `base` ends with `/`, or is empty for the workspace."""
    labels = parts_of(glob)
    if not labels or set(labels) == {"**"}:
        return base or "./"
    return base + "/".join(label if label == "**" else name_pattern(label) for label in labels)


def name_pattern(name: str, wild: str = "*?") -> str:
    """One name of a glob as a pattern: nothing but the characters `wild` is special in it."""
    if "*" in wild:
        while "**" in name:
            name = name.replace("**", "*")
    if not set(name) & set(wild):
        return quoted(name)
    found = next(char for char in wild if char in name)
    return found.join(name_pattern(piece, wild.replace(found, "")) for piece in name.split(found))
