"""The names that a search takes and leaves out by its globs and types (rg(1), measured: ripgrep 13, Claude Code).

A glob without `!` that a name matches overrides what is hidden and ignored; of several globs the last one counts that
matches. A folder is entered unless a glob, or what is hidden or ignored, leaves it out.
"""

from __future__ import annotations

from ..automata.glob import Glob
from ..domain.limits import limit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..domain.search import SearchOptions

MOST_GLOBS = limit("search_globs")
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-+@=~%*")
_TYPES = {
    "py": "*.py *.pyi", "python": "*.py *.pyi", "js": "*.js *.jsx *.vue *.cjs *.mjs", "ts": "*.ts *.tsx *.cts *.mts",
    "typescript": "*.ts *.tsx *.cts *.mts", "rust": "*.rs", "go": "*.go", "java": "*.java *.jsp *.jspx *.properties",
    "kotlin": "*.kt *.kts", "swift": "*.swift", "css": "*.css *.scss", "html": "*.htm *.html *.ejs",
    "md": "*.markdown *.md *.mdown *.mdwn *.mkd *.mkdn *.mdx",
    "yaml": "*.yaml *.yml", "sql": "*.sql *.psql", "svelte": "*.svelte *.svelte.ts", "vue": "*.vue", "dart": "*.dart",
    "scala": "*.scala *.sbt",
}  # fmt: skip
"""Types of `rg --type-list`, in no version of which a name begins with a dot. What is not here may be any file."""


def is_plain(name: str) -> bool:
    """True for a name that stands for itself in a glob."""
    return bool(name) and "*" not in name and _PLAIN.issuperset(name)


class Chosen:
    """The names that a search takes."""

    __slots__ = ("_globs", "_only", "_typed", "_types")

    def __init__(self, search: SearchOptions) -> None:
        read = [_read(text) for text in reversed(search.globs)] if len(search.globs) <= MOST_GLOBS else [_ALL]
        if sum(len(names) for _, _, names in filter(None, read)) > MOST_GLOBS:
            read = [_ALL]
        self._globs = [found for found in read if found is not None]
        self._only = any(not out for out, _, _ in self._globs)
        self._typed = bool(search.types)
        known = all(t in _TYPES for t in search.types)
        self._types = tuple(Glob(g) for t in search.types for g in _TYPES[t].split()) if known else None

    def says(self, name: str, folder: bool) -> bool | None:
        """True for a name that is taken, whatever else; False for one that is not; None where the rest decides."""
        for out, folders, names in self._globs:
            if (folder or not folders) and any(g.matches(name) for g in names):
                return not out
        return False if self._only and not folder else None

    def has_type(self, name: str) -> bool | None:
        """Whether a file is of a type that is looked for, hidden or not; None where types are not asked for."""
        if not self._typed:
            return None
        return self._types is None or any(g.matches(name) for g in self._types)


_ALL = (False, False, (Glob("*"),))


def _read(text: str) -> tuple[bool, bool, tuple[Glob, ...]] | None:
    """Whether a glob leaves out, whether folders alone, and what names; None for one that may leave out nothing.

    What is not plain takes any name, or leaves out none.
    """
    out = text.startswith("!")
    rest = text[1:] if out else text.replace("?", "*")  # ripgrep's `?` is one byte, not one character
    folders = out and rest.endswith("/")
    rest = rest.removesuffix("/")
    while rest.startswith("**/"):
        rest = rest[3:]
    if not out:
        rest = rest.rpartition("/")[2]  # it takes what lies in that folder alone; elsewhere it counts as well
    names = _alternatives(rest)
    if not names or not all(name and _PLAIN.issuperset(name) and "**" not in name for name in names):
        return None if out else _ALL
    return out, folders, tuple(Glob(name) for name in names)


def _alternatives(text: str) -> list[str]:
    """The names of a glob with at most one pair of braces; none for any other one."""
    if "{" not in text and "}" not in text:
        return [text]
    head, opened, rest = text.partition("{")
    inner, closed, tail = rest.partition("}")
    if not opened or not closed or any(c in inner + tail for c in "{}"):
        return []
    return [head + one + tail for one in inner.split(",")]
