"""Paths of a machine, as clients' models compare them and as patterns of this language."""

from __future__ import annotations

import posixpath

from ..automata.pattern import quoted
from ..domain.actions import ALLOW, DENY
from ..syntax.emit import UnsayableError
from .permissions import HOME, UNSAID, WORKSPACE, Permission

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..domain.errors import Span


def absolute(text: str) -> str:
    """A path as clients have it: absolute, in the places of every question to a model, its dots taken out."""
    if text == "~" or text.startswith("~/"):
        text = HOME + text[1:]
    path = posixpath.normpath(text if text.startswith("/") else f"{WORKSPACE}/{text}")
    return f"/{path.lstrip('/')}"


def inside(path: str, folder: str = WORKSPACE) -> bool:
    """Whether a path from the root is a folder, or lies in it."""
    return path == folder or path.startswith(f"{folder}/")


def folder_pattern(path: str) -> str:
    """The pattern for an absolute path and all that lies below it, as seen from the workspace or the home."""
    if path == "/":
        return "/**"
    base, rest = begin_of(path)
    inside = "/".join(quoted(part) for part in rest.split("/") if part)
    return f"{base}{inside}/" if inside else (base or "./")


def begin_of(path: str) -> tuple[str, str]:
    """Where an absolute path begins, as a pattern's beginning, and the rest of it."""
    for folder, base in ((WORKSPACE, ""), (HOME, "~/")):
        if path == folder or path.startswith(f"{folder}/"):
            return base, path[len(folder) + 1 :]
    return "/", path[1:]


def or_unsaid(text: str, restricts: bool, span: Span | None, make: Callable[[], Permission]) -> Permission:
    """An entry as it is made; one that cannot be said where its text cannot stand in a policy, such as NUL."""
    try:
        return make()
    except UnsayableError as error:
        return Permission(text, DENY if restricts else ALLOW, fit=UNSAID, why=str(error), span=span)
