"""A trie of label sequences: the non-deterministic automaton that everything else walks.

Literal edges are a dict, globs and `*` are edges of their own, and `**` is one child that loops on any
segment. Rules with common prefixes share nodes, so 100,000 path rules make about 134,000 nodes.
"""

from __future__ import annotations

from .glob import Glob
from .pattern import ANY, MANY, Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class Node:
    """A place in the trie. `marks` are the numbers of the sequences that end here."""

    __slots__ = ("any", "globs", "literals", "loops", "many", "marks", "order")

    def __init__(self, order: int, loops: bool = False) -> None:
        self.order = order
        self.literals: dict[str, Node] | None = None
        self.globs: dict[Glob, Node] | None = None
        self.any: Node | None = None
        self.many: Node | None = None
        self.loops = loops
        self.marks: tuple[int, ...] = ()


class Trie:
    """A set of marked sequences. Build it with `add`, then share it freely: walking never changes it."""

    __slots__ = ("globs", "literals", "root", "size")

    def __init__(self, entries: Iterable[tuple[Sequence, int]] = ()) -> None:
        self.root = Node(0)
        self.size = 1
        self.globs: dict[Glob, Glob] = {}
        self.literals: set[str] = set()
        for sequence, mark in entries:
            self.add(sequence, mark)

    def knows(self, text: str) -> bool:
        """True when some sequence has this text as a label, so that it is not like every other segment."""
        return text in self.literals

    def add(self, sequence: Sequence, mark: int) -> None:
        """Add one sequence under `mark`. A mark may be used for several sequences: their union."""
        node = self.root
        for label in sequence:
            if label is MANY:
                if not node.loops:
                    if node.many is None:
                        node.many = self._node(loops=True)
                    node = node.many
            elif label is ANY:
                if node.any is None:
                    node.any = self._node()
                node = node.any
            elif isinstance(label, str):
                if node.literals is None:
                    node.literals = {}
                child = node.literals.get(label)
                if child is None:
                    child = node.literals[label] = self._node()
                    self.literals.add(label)
                node = child
            elif isinstance(label, Glob):
                if node.globs is None:
                    node.globs = {}
                glob = self.globs.setdefault(label, label)
                child = node.globs.get(glob)
                if child is None:
                    child = node.globs[glob] = self._node()
                node = child
        if mark not in node.marks:
            node.marks += (mark,)

    def _node(self, loops: bool = False) -> Node:
        self.size += 1
        return Node(self.size - 1, loops)


def close(nodes: Iterable[Node]) -> tuple[Node, ...]:
    """The nodes with those that `**` reaches for nothing, in a fixed order, each once."""
    seen: dict[int, Node] = {}
    for node in nodes:
        seen[node.order] = node
        if node.many is not None:
            seen[node.many.order] = node.many
    return tuple(seen[order] for order in sorted(seen))


Ends = dict[tuple[int, ...], Node]
"""For each set of marks, the one node of a trie that stands for all behind which anything may follow with them."""


def with_one_end(nodes: tuple[Node, ...], ends: Ends) -> tuple[Node, ...]:
    """The nodes of one trie, with one node for all of those behind which anything may stand and the same marks hold.

    Each alternative of a pattern such as `** {a,b,c} **` ends in a node of its own; a search that told them apart would
    visit every set of alternatives that a word can meet.
    """
    out: dict[int, Node] = {}
    for node in nodes:
        if node.loops and node.literals is None and node.globs is None and node.any is None:
            node = ends.setdefault(node.marks, node)  # noqa: PLW2901
        out[node.order] = node
    if len(out) == len(nodes) and all(n.order in out for n in nodes):
        return nodes
    return tuple(out[order] for order in sorted(out))


def marks_of(nodes: Iterable[Node]) -> tuple[int, ...]:
    """The marks that hold in a set of nodes, sorted, each once."""
    found: set[int] = set()
    for node in nodes:
        found.update(node.marks)
    return tuple(sorted(found))
