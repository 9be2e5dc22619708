"""The compiled form of one action: every rule's patterns in one automaton, and the rules behind its marks."""

from __future__ import annotations

from dataclasses import dataclass

from ..automata.pattern import Sequence
from ..automata.trie import Trie
from ..automata.walker import Walker
from ..domain.actions import COMMAND
from ..domain.decision import RuleRef
from ..domain.limits import limit
from ..ir.conditions import canonical
from ..ir.model import PolicySet, Rule
from .command_words import bare_sequence, named_sequences, open_ended

FLOOR = -1
"""The layer number of the protected floor's rules."""


@dataclass(slots=True, eq=False)
class Entry:
    """One rule of one layer. `condition` indexes the engine's conditions, -1 when there is none."""

    rule: Rule
    layer: int
    condition: int
    ref: RuleRef


class Table:
    """All rules about one action."""

    __slots__ = (
        "all_marks",
        "bare",
        "bare_owners",
        "bare_trie",
        "entries",
        "has_methods",
        "has_paths",
        "memo",
        "options",
        "owners",
        "trie",
        "walker",
    )

    def __init__(self) -> None:
        self.trie = Trie()
        self.entries: list[Entry] = []
        self.owners: list[tuple[Entry, bool]] = []
        """For each mark: the rule, and whether the mark includes (or excepts)."""
        self.bare_trie = Trie()
        self.bare_owners: list[tuple[Entry, bool, tuple[int, ...], bool]] = []
        """For each mark on bare words: the rule, whether it includes, the options it needs, whether more may follow."""
        self.options: list[tuple[str, ...]] = []
        self.has_methods = False
        self.has_paths = False
        self.memo: dict[object, object] = {}
        self.walker = Walker(self.trie)
        self.bare = Walker(self.bare_trie)
        self.all_marks: tuple[int, ...] = ()

    def add(self, entry: Entry) -> None:
        """Add one rule: one mark for what it includes, one for what it excepts."""
        self.entries.append(entry)
        rule = entry.rule
        for include, patterns in ((True, rule.include), (False, rule.exclude)):
            if not patterns:
                continue
            mark = len(self.owners)
            self.owners.append((entry, include))
            for pattern in patterns:
                for sequence in pattern.sequences:
                    self.trie.add(sequence, mark)
                    if rule.sort == COMMAND:
                        self._command(entry, include, sequence, mark)
        for group in (rule.with_options, rule.without_options):
            if group:
                self._group(group)

    def _command(self, entry: Entry, include: bool, sequence: Sequence, mark: int) -> None:
        for named in named_sequences(sequence):
            self.trie.add(named, mark)
        restricts = entry.rule.effect != "allow" if include else entry.rule.grants
        made = bare_sequence(sequence) if restricts else None
        if made is None:
            return
        bare, options = made
        needs = tuple(self._group(group) for group in options)
        self.bare_trie.add(bare, len(self.bare_owners))
        self.bare_owners.append((entry, include, needs, open_ended(bare)))

    def _group(self, options: tuple[str, ...]) -> int:
        if options not in self.options:
            self.options.append(options)
        return self.options.index(options)

    def seal(self) -> None:
        """Make it ready for walking; nothing is added afterwards."""
        self.walker = Walker(self.trie)
        self.bare = Walker(self.bare_trie)
        self.all_marks = tuple(range(len(self.owners)))

    @property
    def open_options(self) -> tuple[bool | None, ...]:
        """The outcomes of all groups of options when the command is not known."""
        return (None,) * len(self.options)

    def remember(self, key: object, value: object) -> None:
        """Keep a derived value; when the memo is full it starts anew."""
        if len(self.memo) >= limit("memo_entries"):
            self.memo = {}
        self.memo[key] = value


def reference(rule: Rule) -> RuleRef:
    """How decisions name a rule."""
    return RuleRef(rule.id, rule.effect, rule.file, rule.line, rule.because, rule.tier, rule.module)


def build_tables(policy: PolicySet, floor: tuple[Rule, ...], conditions: dict[str, int]) -> dict[str, Table]:
    """One table for each action that some rule speaks of. Fills `conditions` (canonical text to number)."""
    tables: dict[str, Table] = {}
    for number, rules in [(FLOOR, floor), *((i, layer.rules) for i, layer in enumerate(policy.layers))]:
        for rule in rules:
            text = canonical(rule.condition)
            index = -1 if text == "and()" else conditions.setdefault(text, len(conditions))
            entry = Entry(rule, number, index, reference(rule))
            for action in rule.actions:
                tables.setdefault(action, Table()).add(entry)
    for table in tables.values():
        sequences = [s for e in table.entries for p in (*e.rule.include, *e.rule.exclude) for s in p.sequences]
        if sequences and table.entries[0].rule.sort == "host":
            table.has_methods = any(isinstance(s[0], str) for s in sequences)
            table.has_paths = any(s[-1].__class__ is str or s[-2] != "\0/" for s in sequences)
        table.seal()
    return tables
