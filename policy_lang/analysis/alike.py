"""Commands that are alike to a table: whatever follows them, its rules make the same of both.

A rule that can no longer match, or that an option which is given rules out for good, says nothing of a command any
more: where its patterns stand and which options it speaks of do not tell commands apart.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..automata.glob import Glob
from ..automata.trie import Node
from ..automata.walker import State
from ..domain.actions import DENY
from ..engine.options import Group
from ..engine.table import Entry, Table
from .commands import Command

Key = tuple[object, ...]
Entries = frozenset[int]


class Met:
    """What a table's rules may still make of a command: its `key` tells it and what begins with it apart from others.

    `denied` says that all of them are. `labels` are those that patterns may go on with, `groups` the options that
    matter.
    """

    __slots__ = ("denied", "groups", "key", "labels")

    def __init__(self, key: Key, denied: bool, labels: frozenset[str | Glob], groups: tuple[Group, ...]) -> None:
        self.key = key
        self.denied = denied
        self.labels = labels
        self.groups = groups


class Alike:
    """What one table makes of commands."""

    def __init__(self, table: Table) -> None:
        self.table = table
        entries = list(table.entries)
        numbers = {id(e): i for i, e in enumerate(entries)}
        self._entries = entries
        # for each mark its rule, and whether it includes
        self._owners = [(numbers[id(e)], include) for e, include in table.owners]
        self._bare_owners = [(numbers[id(e)], include) for e, include, _, _ in table.bare_owners]
        self._below: dict[int, frozenset[int]] = {}
        self._bare_below: dict[int, frozenset[int]] = {}
        self._names = list(map(repr, table.options))
        self._lasting = [all(need.value is None for need in group) for group in table.options]
        self._reached: dict[tuple[bool, State], tuple[frozenset[int], Entries]] = {}
        self._kept: dict[tuple[bool, State, Entries], tuple[tuple[int, ...], frozenset[str | Glob]]] = {}

    def of(self, known: Command) -> Met | None:
        """What the rules make of a command; None when none of them may match it or one that begins with it."""
        table = self.table
        if known.bare is None:
            every: frozenset[str | Glob] = frozenset((*table.trie.literals, *table.trie.globs))
            return Met((known.words,), False, every, tuple(table.options))
        plain = table.walker.walk(known.words)
        states = [(False, plain), *((True, table.bare.walk(w)) for w in known.bare)]  # type: ignore[arg-type]
        if known.shorter is not known.words:
            states.append((False, table.walker.walk(known.shorter)))
        reached = [self._marks(*state) for state in states]
        live = frozenset(e for _, found in reached for e in found if not self._ruled_out(self._entries[e], known))
        if not live:
            return None
        kept = [self._places(bare, state, live) for bare, state in states]
        groups = self._groups(
            live, [m for (bare, _), (marks, _) in zip(states, reached, strict=True) if bare for m in marks]
        )
        key: Key = (
            frozenset((bare, places) for (bare, _), (places, _) in zip(states, kept, strict=True)),
            tuple((g, self._outcome(known, g)) for g in groups),
        )
        denied = any(self._denies(m, live, known) for n in plain.nodes if n.loops for m in n.marks)
        labels = frozenset(label for _, found in kept for label in found)
        return Met(key, denied, labels, tuple(table.options[g] for g in groups))

    def _outcome(self, known: Command, group: int) -> bool | None:
        return known.option(self._names[group], self.table.options[group])

    def _marks(self, bare: bool, state: State) -> tuple[frozenset[int], Entries]:
        """The marks that may still be met from a state, and the rules that may match."""
        found = self._reached.get((bare, state))
        if found is None:
            below, owners = (self._bare_below, self._bare_owners) if bare else (self._below, self._owners)
            marks = frozenset(m for n in state.nodes for m in _marks_below(n, below))
            found = self._reached[bare, state] = (marks, frozenset(owners[m][0] for m in marks if owners[m][1]))
        return found

    def _ruled_out(self, entry: Entry, known: Command) -> bool:
        group = entry.forbidden_options
        return group >= 0 and self._lasting[group] and self._outcome(known, group) is True

    def _places(self, bare: bool, state: State, live: Entries) -> tuple[tuple[int, ...], frozenset[str | Glob]]:
        """Where the patterns of these rules stand, and the labels that they may go on with."""
        key = (bare, state, live)
        found = self._kept.get(key)
        if found is None:
            below, owners = (self._bare_below, self._bare_owners) if bare else (self._below, self._owners)
            kept = [n for n in state.nodes if any(owners[m][0] in live for m in _marks_below(n, below))]
            labels = frozenset(x for n in kept for x in (*(n.literals or ()), *(n.globs or ())))
            found = self._kept[key] = (tuple(n.order for n in kept), labels)
        return found

    def _groups(self, live: Entries, bare: Iterable[int]) -> list[int]:
        """The groups of options that still matter. `bare` are the marks of words without options."""
        groups = {g for e in live for g in (self._entries[e].required_options, self._entries[e].forbidden_options)}
        for mark in bare:
            if self._bare_owners[mark][0] in live:
                groups.update(self.table.bare_owners[mark][2])
        return sorted(g for g in groups if g >= 0)

    def _denies(self, mark: int, live: Entries, known: Command) -> bool:
        """Whether a rule that matches whatever follows denies, in every case."""
        number, include = self._owners[mark]
        entry = self._entries[number]
        if not include or number not in live or entry.ref.effect != DENY or entry.condition >= 0 or entry.excepts:
            return False
        group = entry.required_options
        return entry.forbidden_options < 0 and (
            group < 0 or (self._lasting[group] and self._outcome(known, group) is True)
        )


def _marks_below(node: Node, known: dict[int, frozenset[int]]) -> frozenset[int]:
    """The marks that lie at a node and below it; what is `known` is not looked for again."""
    todo = [(node, False)]
    while todo and node.order not in known:
        at, entered = todo.pop()
        children = [*(at.literals or {}).values(), *(at.globs or {}).values()]
        children += [c for c in (at.any, at.many) if c is not None]
        if entered:
            known[at.order] = frozenset(at.marks).union(*(known[c.order] for c in children))
        else:
            todo += [(at, True), *((c, False) for c in children if c.order not in known)]
    return known[node.order]
