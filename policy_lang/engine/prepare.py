"""From a policy set to tables: every rule's patterns in one automaton for each action."""

from __future__ import annotations

from ..automata.pattern import MANY, Sequence
from ..automata.trie import Trie
from ..domain.actions import ALLOW, ASK, COMMAND, HOST
from ..domain.conditions import Formula
from ..domain.decision import RuleRef
from ..ir.conditions import canonical
from ..ir.model import Default, PolicySet, Rule
from ..shell.analyse import no_profiles
from ..shell.profile import Profiles
from .command_words import named_sequences
from .options import Group, Need
from .pdp import Engine
from .protected_files import computed_rules
from .readings import readings
from .table import FLOOR, Entry, LayerDefault, Prepared, Table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def engine_of(policy: PolicySet, over_everything: bool = False, profiles: Profiles = no_profiles) -> Engine:
    """An engine for a policy set. `over_everything` is for testing guardrails alone: what they leave is allowed."""
    return Engine(prepare(policy, profiles), over_everything, profiles, policy)


def reference(rule: Rule) -> RuleRef:
    """How decisions name a rule."""
    return RuleRef(rule.id, rule.effect, rule.file, rule.line, rule.because, rule.tier, rule.module)


def default_reference(default: Default) -> RuleRef:
    """How decisions name an `otherwise`."""
    return RuleRef(default.id, ASK, default.file, default.line, "", default.tier, default.module)


def prepare(policy: PolicySet, profiles: Profiles = no_profiles, kept: tuple[str, ...] = ()) -> Prepared:
    """The policy set with one table for each action that some rule speaks of. `profiles` read its commands.

    What a service has `kept` elsewhere is protected as its policy's files are.
    """
    numbers: dict[str, int] = {}
    conditions: list[Formula] = []
    made: dict[str, _Building] = {}

    def numbered(condition: Formula) -> int:
        text = canonical(condition)
        number = -1 if text == "and()" else numbers.setdefault(text, len(numbers))
        if number == len(conditions):
            conditions.append(condition)
        return number

    floor = (*policy.floor, *computed_rules(policy.sources, kept))
    for layer, rules in [(FLOOR, floor), *((i, layer.rules) for i, layer in enumerate(policy.layers))]:
        for rule in rules:
            number = numbered(rule.condition)
            ref = reference(rule)
            for action in rule.actions:
                made.setdefault(action, _Building(profiles)).add(rule, ref, layer, number)
    defaults = tuple(
        LayerDefault(default_reference(default), i, default.actions, numbered(default.condition))
        for i, layer in enumerate(policy.layers)
        for default in layer.defaults
    )
    return Prepared(
        policy.digest,
        tuple((layer.name, layer.guardrail) for layer in policy.layers),
        policy.tiers,
        policy.attributes,
        tuple(conditions),
        {action: building.done() for action, building in made.items()},
        policy.freezes,
        policy.trusts,
        defaults,
    )


def rules_table(rules: Iterable[Rule], profiles: Profiles = no_profiles) -> Table:
    """A table of some rules, whose conditions are left aside."""
    building = _Building(profiles)
    for rule in rules:
        building.add(rule, reference(rule), 0, -1)
    return building.done()


class _Building:
    """The table of one action, while rules are added."""

    def __init__(self, profiles: Profiles) -> None:
        self.profiles = profiles
        self.trie, self.bare_trie = Trie(), Trie()
        self.entries: list[Entry] = []
        self.owners: list[tuple[Entry, bool]] = []
        self.bare_owners: list[tuple[Entry, bool, tuple[int, ...], bool]] = []
        self.options: dict[Group, int] = {}
        self.has_methods = self.has_paths = False

    def add(self, rule: Rule, ref: RuleRef, layer: int, condition: int) -> None:
        """Add one rule: one mark for what it includes, one for what it excepts."""
        entry = Entry(
            ref,
            layer,
            rule.sort,
            condition,
            grants=rule.grants,
            log=rule.log,
            override=rule.override,
            excepts=bool(rule.exclude),
        )
        self.entries.append(entry)
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
                    elif rule.sort == HOST:
                        self.has_methods = self.has_methods or isinstance(sequence[0], str)
                        self.has_paths = self.has_paths or isinstance(sequence[-1], str) or sequence[-2] != "\0/"
        entry.required_options = self._group(tuple(map(Need.parse, rule.with_options)))
        entry.forbidden_options = self._group(tuple(map(Need.parse, rule.without_options)))

    def _command(self, entry: Entry, include: bool, sequence: Sequence, mark: int) -> None:
        for named in named_sequences(sequence):
            self.trie.add(named, mark)
        if entry.ref.effect == ALLOW if include else not entry.grants:
            return
        for reading in readings(sequence, self.profiles):
            needs = tuple(map(self._group, reading.needs))
            self.bare_trie.add(reading.bare, len(self.bare_owners))
            self.bare_owners.append((entry, include, needs, reading.bare[-1] is MANY))

    def _group(self, options: Group) -> int:
        return self.options.setdefault(options, len(self.options)) if options else -1

    def done(self) -> Table:
        """The table; nothing is added afterwards."""
        return Table(
            self.trie,
            self.entries,
            self.owners,
            self.bare_trie,
            self.bare_owners,
            list(self.options),
            self.has_methods,
            self.has_paths,
        )
