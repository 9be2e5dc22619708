"""A command line taken apart as clients do that match text: simple commands, their assignments, where output goes."""

from __future__ import annotations

import shlex

from ..domain.record import record, replace
from ..shell import tree
from ..shell.reader import parse_script
from ..shell.reading import Opaque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

WRITING = frozenset({">", ">>", ">|", "&>", "&>>", "<>"})
"""Redirections that open a file for writing (bash(1), REDIRECTION)."""


@record(frozen=True, slots=True)
class SimpleText:
    """One simple command: the texts of its words and the words without quotes, the variables that it sets for itself.

    `inputs` and `outputs` are the files that it reads from and writes to by redirection; `redirected` says that there
    is any, such as `2>&1` and here-documents.
    """

    texts: tuple[str, ...]
    words: tuple[str, ...]
    assigned: tuple[str, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    redirected: bool = False

    @property
    def text(self) -> str:
        """The command as it stands, from the first word to the last."""
        return " ".join(self.texts)

    def behind(self, count: int) -> SimpleText:
        """The command without its first words."""
        return replace(self, texts=self.texts[count:], words=self.words[count:])


def simple_commands(script: str) -> tuple[SimpleText, ...] | None:
    """All simple commands of a script, those inside substitutions too; None where it cannot be read."""
    try:
        return tuple(_walk(parse_script(script), script))
    except (Opaque, RecursionError):
        return None


def _walk(node: object, script: str) -> Iterator[SimpleText]:
    if isinstance(node, tree.SimpleCommand):
        yield _simple(node, script)
    if isinstance(node, tuple):
        for one in node:
            yield from _walk(one, script)
    elif type(node).__module__ == tree.__name__:
        for name in getattr(type(node), "__slots__", ()):
            yield from _walk(getattr(node, name), script)


def _simple(node: tree.SimpleCommand, script: str) -> SimpleText:
    texts = tuple(script[word.start : word.end] for word in node.words)
    outputs = tuple(_plain(script[r.target.start : r.target.end]) for r in node.redirects if r.op in WRITING)
    inputs = tuple(_plain(script[r.target.start : r.target.end]) for r in node.redirects if r.op == "<")
    words, assigned = tuple(map(_plain, texts)), tuple(a.name for a in node.assigns)
    return SimpleText(texts, words, assigned, inputs, outputs, bool(node.redirects))


def _plain(text: str) -> str:
    """A word without its quotes, where that can be said; else as it stands."""
    try:
        found = shlex.split(text)
    except ValueError:
        return text
    return found[0] if len(found) == 1 else text
