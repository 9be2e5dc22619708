"""Files that a script may itself have made before a command looks for them."""

from __future__ import annotations

import re

from ..facts.ignored import FILES
from .acts import Act
from .values import NAMES, Value


def made_before(acts: list[Act], span: tuple[int, int] | None, value: Value) -> bool:
    """True when acts made files that a partly known path may name; those of the command at `span` do not count."""
    first = next((i for i, p in enumerate(value.parts) if p in NAMES), len(value.parts))
    head = "".join(p for p in value.parts[:first] if isinstance(p, str))
    folder = re.sub(r"^(?:\./+)+", "", head.rpartition("/")[0])
    for act in acts:
        if act.action == "write" and (act.start, act.end) != span:
            start = re.sub(r"^(?:\./+)+", "", act.value.starts())
            if not start or start.startswith(folder) or folder.startswith(start):
                return True
    return False


_IGNORE_FILES = tuple(file.rpartition("/")[2] for file in FILES)
_BROUGHT = frozenset({"new", "copied", "copied-linked", "into", "into-tree", "received", "tracked"})
"""Trees of files that come from elsewhere, with any name."""


def may_bring_back(act: Act) -> bool:
    """True for an act that may write or delete a file which says what git and searches leave out."""
    if act.action not in {"write", "delete"} or act.supposed:
        return False
    if act.tree in _BROUGHT:
        return True
    last = act.value.parts[-1] if act.value.parts else ""
    if not isinstance(last, str):
        return True
    _, slash, name = last.rpartition("/")
    if slash or len(act.value.parts) == 1:
        return name in _IGNORE_FILES
    return any(file.endswith(name) for file in _IGNORE_FILES)
