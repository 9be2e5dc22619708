"""Paths as clients have them, in the workspace and with the home of every question that a model is asked."""

from __future__ import annotations

import posixpath

from .permissions import HOME, WORKSPACE


def absolute(text: str) -> str:
    """A path from the root, its dots taken out."""
    if text == "~" or text.startswith("~/"):
        text = HOME + text[1:]
    return posixpath.normpath(text if text.startswith("/") else f"{WORKSPACE}/{text}")


def inside(path: str, folder: str = WORKSPACE) -> bool:
    """Whether a path from the root is a folder, or lies in it."""
    return path == folder or path.startswith(f"{folder}/")
