"""Names that `.gitignore` leaves out, as far as that is plain (gitignore(5)); what is not plain leaves nothing out."""

from __future__ import annotations

import os

from ..domain.limits import limit
from ..domain.record import record

MOST_BYTES = limit("ignore_bytes")
Form = tuple[str, str | None]
"""A name's beginning and end, or a whole name and None."""


@record(frozen=True, slots=True)
class Ignored:
    """Names left out in one folder: `here` alone, and `below` in it and everywhere below; `kept` ones never are."""

    here: frozenset[Form] = frozenset()
    below: frozenset[Form] = frozenset()
    kept: frozenset[Form] = frozenset()

    def has(self, name: str) -> bool:
        """True when a name is left out."""
        if not self.here and not self.below:
            return False
        return (_fits(self.here, name) or _fits(self.below, name)) and not _fits(self.kept, name)


NONE = Ignored()


def ignored_in(folder: str, around: Ignored = NONE) -> Ignored:
    """What is left out in a folder, where `around` holds in the one above it.

    A line counts that is a name, or a name with one `*`. What some line brings back is kept; when that cannot be
    told, nothing is left out.
    """
    if any(os.path.exists(os.path.join(folder, name)) for name in (".ignore", ".rgignore")):
        return NONE
    try:
        with open(os.path.join(folder, ".gitignore"), encoding="utf-8") as file:
            lines = file.read(MOST_BYTES).splitlines()
    except (OSError, UnicodeDecodeError):
        return Ignored(frozenset(), around.below, around.kept) if around.here else around
    here: set[Form] = set()
    below, kept = set(around.below), set(around.kept)
    for line in map(str.strip, lines):
        if line.startswith("!"):
            form = _form(line[1:].rstrip("/").rpartition("/")[2])
            if form is None:
                return NONE
            kept.add(form)
            continue
        form = _form(line.strip("/"))
        if form is not None:
            (here if line.startswith("/") else below).add(form)
    return Ignored(frozenset(here), frozenset(below), frozenset(kept))


def _form(name: str) -> Form | None:
    """A name as its beginning and end; None for one that is not plain."""
    if not name or any(c in name for c in "?[/\\#!") or name.count("*") > 1:
        return None
    start, star, end = name.partition("*")
    return (start, end if star else None)


def _fits(forms: frozenset[Form], name: str) -> bool:
    if (name, None) in forms:
        return True
    return any(
        end is not None and len(name) >= len(start) + len(end) and name.startswith(start) and name.endswith(end)
        for start, end in forms
    )
