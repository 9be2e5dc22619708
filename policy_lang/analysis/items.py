"""A policy set as questions see it: for each action and layer, what grants, what denies, what asks.

A rule about commands also restricts them however they are spelled: by their words without options, while the options
it names are given anywhere. Those are items of their own, over bare words. Whether an option is given, and whether a
command meets an exception in another spelling, is left open as a subject of the conditions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache

from ..automata.pattern import ANY, CLIMBING, CONTROL, MANY, Pattern, Sequence, Word, collapse
from ..domain.actions import ALLOW, ASK, COMMAND, DENY, HOST, PATH, SORT_OF
from ..domain.conditions import TRUE, Atom, Formula, Join, join
from ..domain.errors import RequestError
from ..domain.limits import limit
from ..domain.policy import included
from ..engine.command_words import BARE, command_options, named_sequences, program_names
from ..engine.options import Group, Need, bundled
from ..engine.pdp import Engine
from ..engine.protected_files import computed_rules
from ..engine.readings import Reading, profile_of, readings
from ..facts.commands import OPAQUE, argv_word, climbs
from ..facts.paths import ROOT
from ..ir.conditions import canonical
from ..ir.model import Default, PolicySet, Rule
from ..ir.patterns import compile_pattern
from ..shell.analyse import argv_acts
from ..shell.profile import Profile, Profiles, own_name
from .cases import UNKNOWN, spread
from .search import Item
from .spaces import Layout

Items = list[Item]
OPTION = f"{UNKNOWN}option "
"""Begins the subjects that say whether an option is given."""


@dataclass(slots=True)
class Part:
    """The items of one layer about one action. `overrides` are the grants that reach into the protected floor.

    `defaults` are about everything: for each tier, when it is asked for what none of the `grants` is about.
    """

    name: str
    guardrail: bool
    denies: Items = field(default_factory=list)
    grants: Items = field(default_factory=list)
    defaults: dict[str, Items] = field(default_factory=dict)
    overrides: Items = field(default_factory=list)
    logs: Items = field(default_factory=list)
    asks: dict[str, Items] = field(default_factory=dict)
    bare_denies: Items = field(default_factory=list)
    bare_asks: dict[str, Items] = field(default_factory=dict)
    bare_grants: Items = field(default_factory=list)
    """At least the bare words of what is granted."""

    def everything(self) -> Iterator[Item]:
        """Every item."""
        yield from (*self.denies, *self.grants, *self.bare_denies)
        for items in (*self.asks.values(), *self.bare_asks.values()):
            yield from items

    def granting(self) -> Items:
        """What lets something be permitted, if only because a person is asked."""
        return [*self.grants, *(item for items in self.defaults.values() for item in items)]


class Side:
    """One policy set of a question, in a layout. `sources` are the policy files that the floor protects."""

    def __init__(
        self,
        policy: PolicySet,
        profiles: Profiles,
        layout: Layout,
        sources: tuple[str, ...],
        over_everything: bool = False,
        spread_names: frozenset[str] = frozenset(),
    ) -> None:
        self.policy = policy
        self.layout = layout
        self.over_everything = over_everything
        self._defaults = {n: policy.attributes[n].default for n in spread_names}
        self._profiles = profiles
        self._parts: dict[str, list[Part]] = {}
        self._floors: dict[str, Items] = {}
        self._floor_rules = (*policy.floor, *computed_rules(sources))
        self._by_action: list[dict[str, list[Rule]]] = []
        for layer in policy.layers:
            found: dict[str, list[Rule]] = {}
            for rule in layer.rules:
                for action in rule.actions:
                    found.setdefault(action, []).append(rule)
            self._by_action.append(found)

    def actions(self) -> set[str]:
        """The actions that some rule speaks of."""
        defaults = {action for layer in self.policy.layers for d in layer.defaults for action in d.actions}
        return {action for found in self._by_action for action in found} | defaults

    def covering(self, tier: str) -> set[str]:
        """The tiers whose approval is one of `tier` as well."""
        return {tier} | {name for name, one in self.policy.tiers.items() if tier in included(one, self.policy.tiers)}

    def floor(self, action: str) -> Items:
        """The protected floor."""
        if action not in self._floors:
            self._floors[action] = [self._item(r, False, r.condition) for r in self._floor_rules if action in r.actions]
        return self._floors[action]

    def parts(self, action: str) -> list[Part]:
        """The layers, the policy's own first."""
        if action not in self._parts:
            self._parts[action] = [
                self.part(layer.name, layer.guardrail, found.get(action, []))
                for layer, found in zip(self.policy.layers, self._by_action, strict=True)
            ]
            for part, layer in zip(self._parts[action], self.policy.layers, strict=True):
                for default in (d for d in layer.defaults if action in d.actions):
                    self._default(part, default_rule(default, action))
        return self._parts[action]

    def part(self, name: str, guardrail: bool, rules: list[Rule]) -> Part:
        """The items of some rules."""
        part = Part(name, guardrail)
        for rule in rules:
            if rule.sort == COMMAND:
                self._command(part, rule)
                continue
            if rule.effect == DENY:
                part.denies.append(self._item(rule, False, rule.condition))
            elif rule.effect == ASK:
                part.asks.setdefault(rule.tier, []).append(self._item(rule, False, rule.condition))
            if rule.grants:
                self._grant(part, self._item(rule, True, rule.condition))
        return part

    def _default(self, part: Part, rule: Rule) -> None:
        sequences = tuple(s for p in rule.include for s in p.sequences)
        item = Item(rule, sequences, (), self._spread(rule.condition), True)
        part.defaults.setdefault(rule.tier, []).append(item)
        if rule.sort == COMMAND:
            part.bare_grants.append(replace(item, include=((BARE, ANY, MANY),)))

    def _grant(self, part: Part, item: Item) -> None:
        part.grants.append(item)
        assert item.rule is not None
        if item.rule.override:
            part.overrides.append(item)
        if item.rule.log:
            part.logs.append(item)

    def _item(self, rule: Rule, grants: bool, formula: Formula) -> Item:
        include, exclude = self._placed(rule, rule.include), self._placed(rule, rule.exclude)
        return Item(rule, include, exclude, self._spread(formula), grants)

    def _spread(self, formula: Formula) -> Formula:
        return spread(formula, self._defaults) if self._defaults else formula

    def _placed(self, rule: Rule, patterns: Iterable[object]) -> tuple[Sequence, ...]:
        sequences = (s for p in patterns for s in p.sequences)  # type: ignore[attr-defined]
        if rule.sort == PATH:
            return tuple(self.layout.sequence(s) for s in sequences)
        return tuple(sequences)

    # commands

    def _command(self, part: Part, rule: Rule) -> None:
        words = tuple(s for p in rule.include for s in p.sequences if s != (OPAQUE,))
        without = tuple(s for p in rule.exclude for s in p.sequences if s != (OPAQUE,))
        formula = self._formula(rule)
        elsewhere = self._elsewhere(without) if rule.grants else TRUE
        if rule.effect != DENY and rule.grants:
            named = tuple(_marked(n) for s in words for n in (s, *self._named(s)))
            self._grant(part, Item(rule, named, without, join("and", (formula, elsewhere)), True))
            if rule.effect == ASK:
                for reading in (r for s in words for r in readings(s, self._profiles)):
                    spelled = self._spelled(rule, reading, without, formula, elsewhere)
                    if spelled is not None:
                        self._grant(part, spelled)
            part.bare_grants += [Item(rule, self._bare_of(s), (), formula, True) for s in words]
        if rule.effect == ALLOW:
            self._opaque_grant(part, rule)
            return
        items, bares = part.denies, part.bare_denies
        if rule.effect == ASK:
            items = part.asks.setdefault(rule.tier, [])
            bares = part.bare_asks.setdefault(rule.tier, [])
        items.append(Item(rule, words, without, join("and", (formula, elsewhere)), False, raw=True))
        for reading in (r for s in words for r in readings(s, self._profiles)):
            bares.append(self._bare(rule, reading, without, formula))
            items += self._anywhere(rule, reading, without, formula, elsewhere)
        if (OPAQUE,) not in {s for p in rule.exclude for s in p.sequences}:
            items.append(Item(rule, ((OPAQUE,),), (), self._spread(rule.condition), False, raw=True))
        if rule.grants:
            self._opaque_grant(part, rule)

    def _opaque_grant(self, part: Part, rule: Rule) -> None:
        narrowed = rule.exclude or rule.with_options or rule.without_options
        if not narrowed and (OPAQUE,) in {s for p in rule.include for s in p.sequences}:
            self._grant(part, Item(rule, ((OPAQUE,),), (), self._spread(rule.condition), True))

    def _formula(self, rule: Rule) -> Formula:
        words = [s for p in rule.include for s in p.sequences]
        parts: list[Formula] = [self._spread(rule.condition)]
        if rule.with_options:
            parts.append(self._one_of(rule.with_options, words))
        if rule.without_options:
            parts.append(Join("not", (self._one_of(rule.without_options, words),)))
        return join("and", parts)

    def _one_of(self, options: tuple[str, ...], words: list[Sequence]) -> Formula:
        """That one of some options is given, each under the name that its program's profile puts first."""
        parts: list[Formula] = []
        for text in options:
            known = {self._named_option(s, text) for s in words if s != (OPAQUE,)}
            parts.append(known.pop() if len(known) == 1 else given(Need.parse(text)))
        return join("or", parts)

    def _named_option(self, sequence: Sequence, text: str) -> Formula:
        profile = profile_of(sequence[0], self._profiles)
        for label in sequence[1:]:
            if profile is None or not isinstance(label, str) or label not in profile.commands:
                break
            profile = profile.commands[label]
        need = Need.parse(text)
        if profile is None or profile.style == "none":
            return given(need)
        name = need.names[0]
        found = profile.options.get(name)
        if found is not None:
            return given(Need(found.names, need.value))
        together = bundled(profile, name) if need.value is None else ()
        return join("and", [given(n) for n in together]) if together else given(need)

    def options_of(self, words: Word, names: Iterable[str]) -> dict[str, bool | None]:
        """Whether each option is given by the command of these words; nothing for what cannot be read."""
        try:
            acts = argv_acts(words, self._profiles)
            act = next((a for a in acts if a.action == "run" and tuple(v.text for v in a.argv) == words), None)
            word = argv_word(words)
        except RequestError:
            return {}
        if act is None or act.opaque:
            return {}
        asked = list(names)
        groups: list[Group] = [(Need.parse(n),) for n in asked]
        return dict(zip(asked, command_options(groups, act.parsed, word), strict=True))

    def _elsewhere(self, without: tuple[Sequence, ...]) -> Formula:
        """That the command meets no exception of a grant in another spelling."""
        bare = sorted({repr(r) for s in without for r in readings(s, self._profiles)})
        return Join("not", (Atom(f"{UNKNOWN}except {bare}", "==", (True,)),)) if bare else TRUE

    def _bare(self, rule: Rule, reading: Reading, without: tuple[Sequence, ...], formula: Formula) -> Item:
        parts: list[Formula] = [formula, *map(one_given, reading.needs)]
        if without:
            parts.append(Join("not", (Atom(f"{UNKNOWN}plain {sorted(map(repr, without))}", "==", (True,)),)))
        return Item(rule, (reading.bare,), (), join("and", parts), False)

    def _anywhere(
        self, rule: Rule, reading: Reading, without: tuple[Sequence, ...], formula: Formula, elsewhere: Formula
    ) -> Items:
        """What a restriction surely matches by its bare words: all that begins with its words, the options anywhere."""
        if not reading.needs or reading.bare[-1] is not MANY:
            return []
        begin = reading.bare[1:-1]
        if not all(isinstance(x, str) and x[:1] not in {"-", "+", CONTROL, ""} for x in begin):
            return []
        plain = tuple(str(x) for x in begin)
        if plain != self._canonical(plain):
            return []
        needs = map(one_given, reading.needs)
        return [Item(rule, ((*plain, MANY),), without, join("and", (formula, elsewhere, *needs)), False, raw=True)]

    def _spelled(
        self, rule: Rule, reading: Reading, without: tuple[Sequence, ...], formula: Formula, elsewhere: Formula
    ) -> Item | None:
        """What an `ask` grants by its bare words: at most these words in their order, with others between them."""
        if reading.bare[-1] is not MANY:
            return None
        first = reading.bare[1]
        profile = self.profile(first) if isinstance(first, str) else None
        kept = () if profile is not None and profile.commands else reading.bare[2:-1]  # sub-commands have other names
        words = collapse((first, MANY, *(label for k in kept for label in (k, MANY))))
        meets = Atom(f"{UNKNOWN}meets {reading.bare!r}", "==", (True,))
        needs = map(one_given, reading.needs)
        return Item(rule, (words,), without, join("and", (formula, elsewhere, *needs, meets)), True, raw=True)

    def _canonical(self, words: tuple[str, ...]) -> tuple[str, ...] | None:
        """The words that a profile gives a command that begins with these; None when it may read them otherwise."""
        profile = self.profile(words[0])
        if profile is None:
            return words
        out = [words[0]]
        for at, word in enumerate(words[1:], 1):
            if not profile.commands:
                return (*out, *words[at:])
            command = profile.commands.get(word)
            if command is None or not own_name(profile, command):
                return None
            profile = command
            out.append(profile.name)
        return tuple(out)

    def _named(self, sequence: Sequence) -> list[Sequence]:
        """The pattern with an option that must be named, if its program has a profile."""
        first = sequence[0]
        if isinstance(first, str) and self.profile(first) is None:
            return []
        return named_sequences(sequence)

    def profile(self, program: str) -> Profile | None:
        """The profile of a program."""
        return profile_of(program, self._profiles)

    def _bare_of(self, sequence: Sequence) -> tuple[Sequence, ...]:
        """Patterns that surely cover the bare words of what a grant matches."""
        first = sequence[0]
        if not isinstance(first, str):
            return ((BARE, ANY, MANY),)
        names = program_names(first)
        profile = self.profile(first)
        second = sequence[1] if len(sequence) > 1 else None
        command = profile.commands.get(second) if profile is not None and isinstance(second, str) else None
        begin = () if command is None or profile is None else own_name(profile, command)
        return tuple((BARE, name, *begin, MANY) for name in names)


def _marked(sequence: Sequence) -> Sequence:
    """A grant with the words marked that no wildcard inside a word of another grant stands for."""
    return tuple(CLIMBING + x if i and isinstance(x, str) and climbs(x) else x for i, x in enumerate(sequence))


def default_rule(default: Default, action: str) -> Rule:
    """An `otherwise` as a rule about everything that an action may be about."""
    sort = SORT_OF[action]
    sequences: tuple[Sequence, ...] = ((MANY,),)
    if sort == COMMAND:
        sequences = ((MANY,), (OPAQUE,))
    elif sort == PATH:
        sequences = ((ROOT, MANY),)
    elif sort == HOST:
        sequences = tuple(compile_pattern(HOST, "**:*"))
    return Rule(
        default.id, default.key, ASK, default.tier, default.actions, sort, (Pattern(sort, "otherwise", sequences),),
        (), (), (), default.condition, True, False, False, "", default.file, default.line, default.module, "",
        default.span,
    )  # fmt: skip


def rules_about(policy: PolicySet, action: str) -> Iterator[Rule]:
    """Every rule about an action, and what is asked for otherwise."""
    for layer in policy.layers:
        yield from (r for r in layer.rules if action in r.actions)
        yield from (default_rule(d, action) for d in layer.defaults if action in d.actions)


def side_of(engine: Engine, layout: Layout) -> Side:
    """A policy as one side of a question."""
    return Side(engine.policy, engine.profiles, layout, engine.policy.sources, engine.over_everything)


def option(name: str) -> Atom:
    """That an option is given."""
    return Atom(f"{OPTION}{name}", "==", (True,))


def given(need: Need) -> Formula:
    """That an option that a pattern names is given: at all, with its value, where it stands."""
    wider = (Need(need.names, None, False, need.glob), Need(need.names, need.value, False, need.glob), need)
    return join("and", [option(text) for text in dict.fromkeys(n.text for n in wider)])


def one_given(group: Group) -> Formula:
    """That one of some options is given."""
    return join("or", map(given, group))


Key = tuple[tuple[Sequence, ...], str, bool, bool]


@lru_cache(maxsize=limit("formula_texts"))
def _text(formula: Formula) -> str:
    return canonical(formula)


def _key(item: Item) -> Key:
    return (item.exclude, _text(item.formula), item.grants, item.raw)


def minus(items: Items, others: Iterable[Item]) -> Items:
    """The items without the sequences that one of the others has under the same terms or none."""
    known: dict[Sequence, set[Key]] = {}
    for other in others:
        key = _key(other)
        for sequence in other.include:
            known.setdefault(sequence, set()).add(key)
    out: Items = []
    for item in items:
        key = _key(item)
        free: Key = ((), "and()", item.grants, item.raw)
        left = tuple(s for s in item.include if key not in (k := known.get(s, ())) and free not in k)
        if len(left) == len(item.include):
            out.append(item)
        elif left:
            out.append(replace(item, include=left))
    return out


def same(first: Items, second: Items) -> bool:
    """True when both are the same items, in whatever order."""
    return _bag(first) == _bag(second)


def _bag(items: Items) -> set[tuple[Sequence, Key]]:
    return {(s, _key(i)) for i in items for s in i.include}
