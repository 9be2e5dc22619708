"""Instances of patterns: resources that rules are about, made from the rules themselves."""

from __future__ import annotations

from ..domain.actions import ALLOW, COMMAND, SORT_OF
from ..domain.limits import limit
from ..ir.sorts.host import connection_instance
from ..ir.sorts.sort import sort_named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..automata.pattern import Word
    from ..automata.trie import Node
    from ..domain.request import Resource
    from .evaluator import Evaluator
    from .table import Table

_MOST_TRIED = limit("names_tried")


def restricted(evaluator: Evaluator, action: str) -> Iterator[Resource]:
    """Resources that patterns of denying or asking rules match, as far as a bounded search finds them.

    Whether a rule holds for one is for the engine to say: it has exceptions and conditions, or needs options.
    """
    sort = SORT_OF[action]
    resource = sort_named(sort).resource
    for word in _words(evaluator.table(action), granted=False):
        yield tuple(word) if sort == COMMAND else resource(word)


def connections(evaluator: Evaluator) -> Iterator[tuple[str, str | None]]:
    """URLs, and methods where rules name one, that patterns of rules about connections match."""
    for word in _words(evaluator.table("connect"), granted=True):
        instance = connection_instance(word)
        if instance is not None:
            yield instance


def _words(table: Table, granted: bool) -> Iterator[Word]:
    todo: list[tuple[Node, Word]] = [(table.trie.root, ())]
    tried = 0
    while todo and tried < _MOST_TRIED:
        node, word = todo.pop()
        tried += 1
        if word and any(
            include and (granted or entry.ref.effect != ALLOW)
            for entry, include in (table.owners[m] for m in node.marks)
        ):
            yield word
        for name, child in (node.literals or {}).items():
            todo.append((child, (*word, name)))
        for glob, child in (node.globs or {}).items():
            filled = glob.filled("a")
            if filled:
                todo.append((child, (*word, filled)))
        if node.any is not None:
            todo.append((node.any, (*word, "a")))
        if node.many is not None:
            todo.append((node.many, word))
