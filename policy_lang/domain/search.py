"""A search of contents below a folder, as a program's options describe it (rg(1))."""

from __future__ import annotations

from .record import record


@record(frozen=True, slots=True)
class SearchOptions:
    """Options of a search: `hidden` and `ignored` files are read as well; `globs` and `types` narrow it, in order."""

    hidden: bool = False
    ignored: bool = False
    globs: tuple[str, ...] = ()
    types: tuple[str, ...] = ()


ORDINARY_SEARCH = SearchOptions()
