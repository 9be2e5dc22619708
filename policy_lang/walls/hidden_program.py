"""A program that is installed outside of what is there inside, and the folders that would show it."""

from __future__ import annotations

import os
import shutil

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .plan import Plan

_PACKAGES = "/node_modules/"
"""npm's folder for packages, whose programs load from the other packages in it."""


def hidden_program(name: str, search_path: str | None, plan: Plan) -> tuple[str, ...]:
    """Folders to show so that a program is found inside; none for one that is there, or nowhere.

    They are the folder of its name, and of what that is a link to: the program, or the packages that it is one of.
    """
    found = shutil.which(name, path=search_path)
    if found is None:
        return ()
    named = os.path.join(os.path.realpath(os.path.dirname(found)), os.path.basename(found))
    hidden = [path for path in (named, os.path.realpath(found)) if not plan.shows(path)]
    return tuple(dict.fromkeys(_folder_of(path) for path in hidden))


def _folder_of(path: str) -> str:
    head, packages, _ = path.partition(_PACKAGES)
    return head + packages.rstrip("/") if packages else os.path.dirname(path)
