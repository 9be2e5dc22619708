"""Links that a script brings: what lies below a place that it fills may lead anywhere, for nobody has looked at it."""

from __future__ import annotations

import posixpath

from .acts import Act
from .state import folder_text, join_folder
from .values import Hole, Value

Place = tuple[str, bool]
"""A path text relative to where the script begins, and whether it may be a link itself."""

_BRINGING = frozenset({"new", "copied", "tracked"})
"""What of a tree is written where links may be among it: an archive's, a copied one, a repository's."""
_PATHS = frozenset({"read", "write", "delete"})


def brought(acts: list[Act], links: bool, clones: bool) -> list[Place]:
    """The places that a command's acts fill; it may make `links` at all of them, or `clones` from elsewhere."""
    places: list[Place] = []
    trees = {*_BRINGING, "own"} if clones else _BRINGING
    for act in acts:
        if act.action != "write" or act.supposed or not (links or act.tree in trees):
            continue
        text = folder_text(act.value)
        if text is not None:
            places += [(_normal(f, text), links) for f in act.folders or ()]
    return places


def leads_anywhere(places: list[Place], action: str, value: Value, folders: tuple[str, ...] | None) -> bool:
    """Whether a path passes a place that a command before has filled."""
    first = value.parts[0] if value.parts else ""
    text = folder_text(value) if value.text is not None or first in {Hole.HOME, Hole.CWD, Hole.TMP} else value.starts()
    if action not in _PATHS or text is None or not (text or value.text is not None):
        return False
    return any(_passes(place, link and action != "delete", f, text) for place, link in places for f in folders or ())


def _passes(place: str, link: bool, folder: str, text: str) -> bool:
    whole = text if text.startswith(("/", "~", "${tmp}")) else join_folder(folder, text)
    end = 0
    while end >= 0:  # each folder on the way, as `..` behind a link leads elsewhere
        end = whole.find("/", end + 1)
        passed = _normal("", whole[:end] if end >= 0 else whole)
        if passed == place and (link or end >= 0):
            return True
        if passed.startswith(f"{place}/") or (
            place == "." and end < 0 and not passed.startswith(("/", "~", "$", "../"))
        ):
            return passed not in {".", ".."}
    return False


def _normal(folder: str, text: str) -> str:
    whole = text if text.startswith(("/", "~", "${tmp}")) else join_folder(folder, text)
    return posixpath.normpath(whole or ".")
