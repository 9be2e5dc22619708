"""Code of the project that a command runs, followed on the disk: it restricts, and never grants."""

from __future__ import annotations

import os
from functools import partial

from ..domain.limits import limit
from ..facts.paths import roots_of
from ..shell.acts import Act
from ..shell.analyse import file_acts
from ..shell.reading import Opaque
from ..shell.recipes import recipe_of, scripts_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..domain.request import Request
    from ..shell.acts import GitContext
    from ..shell.profile import Profiles
    from ..shell.recipes import Recipe, Script

_MOST_FILES = limit("followed_files")
_MOST_BYTES = limit("followed_bytes")
_MOST_SCRIPTS = limit("followed_scripts")
_MOST_WORDS = limit("followed_words")
_MOST_DEPTH = limit("followed_depth")
_MOST_FOLDERS = limit("followed_folders")


class Project:
    """The project's code that one command runs, as far as it can be read.

    `files` are those that were read, with the SHA-256 digest of each; `looked` says that the disk was asked at all.
    `readings` gives what words of an act may mean that no profile explains. Only regular files inside the workspace
    are read. A file that the command itself may have written before is opaque.
    """

    __slots__ = (
        "_begun",
        "_context",
        "_profiles",
        "_readings",
        "_request",
        "_scripts",
        "_words",
        "_written",
        "files",
        "looked",
    )

    def __init__(
        self, request: Request, profiles: Profiles, context: GitContext, readings: Callable[[Act], list[Act]]
    ) -> None:
        self.files: dict[str, str] = {}
        self.looked = False
        self._request = request
        self._profiles = profiles
        self._context = context
        self._readings = readings
        self._begun: set[tuple[str, Recipe]] = set()
        self._written: list[Act] = []
        self._scripts = 0
        self._words = 0

    def followed(self, act: Act, depth: int = _MOST_DEPTH) -> Iterator[Act]:
        """What the code does that an act runs; nothing for an act that runs none. Acts are given in their order."""
        if act.action == "write":
            self._written.append(act)
        if act.action != "run" or act.opaque or depth == 0 or act.folders is None:
            return
        recipe = recipe_of(act)
        if recipe is not None:
            for start in act.folders:
                yield from self._from(act, recipe, start, depth)

    def _from(self, act: Act, recipe: Recipe, start: str, depth: int) -> Iterator[Act]:
        """The same, run in one of the folders that are possible."""
        if len(self.files) >= _MOST_FILES:
            return
        self.looked = True
        folder = os.path.join(start, recipe.folder) if recipe.folder else start
        if (folder, recipe) in self._begun:
            return
        self._begun.add((folder, recipe))
        for _ in range(_MOST_FOLDERS if recipe.above else 1):
            for name in recipe.files:
                place = self._place(folder, name)
                if place is None:
                    return
                try:
                    text = self._read(place, name, act)
                    scripts = [] if text is None else scripts_of(recipe, text, partial(self._included, folder, act))
                except Opaque as fault:
                    opaque = fault.why
                    yield Act("run", act.value, act.start, act.end, act.argv, act.folders, opaque=opaque, supposed=True)
                    return
                if text is not None:
                    where = start if recipe.kind in {"shell", "program"} else folder
                    yield from self._inside(act, scripts, place, where, depth)
                    return
            folder = self._above(folder)

    def _above(self, folder: str) -> str:
        """The folder that lies above one on the disk."""
        base = self._request.cwd or self._request.workspace or "/"
        disk = roots_of(self._request).disk
        return os.path.relpath(os.path.dirname(disk.real(os.path.join(base, folder))), disk.real(base))

    def _inside(self, act: Act, scripts: list[Script], place: str, folder: str, depth: int) -> Iterator[Act]:
        shown = os.path.relpath(place, os.path.realpath(self._request.workspace or "/"))
        for script in scripts:
            self._scripts += 1
            if self._scripts > _MOST_SCRIPTS:
                return
            for inner in file_acts(script, folder, self._profiles, self._context):
                for each in (inner, *self._tried(inner)):
                    each.start, each.end, each.supposed, each.file = act.start, act.end, True, shown
                    if each.opaque:  # what cannot be read of it is what the rule about the command grants
                        each.note, each.opaque = f"it cannot be read: {each.opaque}", ""
                    if _is_known(each) and not each.free:
                        yield each
                yield from self.followed(inner, depth - 1)

    def _tried(self, act: Act) -> list[Act]:
        """What words of an act may mean that no profile explains, as long as there were not too many of them."""
        if act.unread is None:
            return []
        self._words += len(act.unread.argv)
        return self._readings(act) if self._words <= _MOST_WORDS else []

    def _place(self, folder: str, name: str) -> str | None:
        """Where a file lies, all links followed; None outside the workspace, or when that is not known."""
        request = self._request
        path = os.path.join(folder, name)
        if path.startswith(("~", "$")) or request.workspace is None:
            return None
        disk = roots_of(request).disk
        inside = disk.real(request.workspace)
        place = disk.real(os.path.join(request.cwd or request.workspace, path))
        return place if place.startswith(inside.rstrip("/") + "/") else None

    def _read(self, place: str, name: str, act: Act) -> str | None:
        """The text of a file. Raises Opaque when what came before the act may have written it."""
        if self._may_be_written(place, act):
            raise Opaque(f"it runs the code of `{name}`, which the same command may have written")
        return self._text(place)

    def _included(self, folder: str, act: Act, name: str) -> str | None:
        """The text of a file that another one includes."""
        place = self._place(folder, name) if len(self.files) < _MOST_FILES else None
        return None if place is None else self._read(place, name, act)

    def _text(self, place: str) -> str | None:
        from hashlib import sha256

        data = roots_of(self._request).disk.content(place, _MOST_BYTES)
        if data is None:
            return None
        try:
            text = data.decode()
        except UnicodeDecodeError:
            return None
        shown = os.path.relpath(place, os.path.realpath(self._request.workspace or "/"))
        self.files[shown] = sha256(data).hexdigest()
        return text

    def _may_be_written(self, place: str, act: Act) -> bool:
        """Whether a write that came before may have changed the file; of one word's meanings only one is meant."""
        base = self._request.cwd or self._request.workspace or "/"
        disk = roots_of(self._request).disk
        for write in self._written:
            known = write.value.text
            start = write.value.starts() if known is None else known
            if start.startswith(("~", "$")) or (write.supposed and (write.start, write.end) == (act.start, act.end)):
                continue
            for folder in write.folders if write.folders is not None else ("",):
                path = disk.real(os.path.join(base, folder, start if known is not None else os.path.dirname(start)))
                below = known is None or bool(write.tree)
                if place == path or (below and place.startswith(path.rstrip("/") + "/")):
                    return True
        return False


def _is_known(act: Act) -> bool:
    """Whether all words of an act are known; what is not known restricts nothing."""
    if act.action == "run":
        return bool(act.argv) and all(v.text is not None for v in act.argv)
    return act.value.text is not None and (act.folders is not None or act.value.text.startswith("/"))
