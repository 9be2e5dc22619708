"""From the marks that a resource meets to a verdict: three-valued rules, layers, the strictest wins.

A rule's truth is true, false, or None when it depends on something unknown (an absent attribute, an option
that may be there, a name the path may have). A rule that grants needs true; one that restricts needs only
"not false". So what is unknown is always read against the agent.
"""

from __future__ import annotations

from ..domain.actions import ALLOW, ASK, DENY
from ..domain.conditions import ARGUMENT
from ..domain.decision import RuleRef, Verdict, strictest
from ..domain.policy import Tier, included
from ..domain.record import record
from .table import FLOOR, Entry, LayerDefault, Table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

Outcomes = tuple[bool | None, ...]


@record(frozen=True, slots=True, eq=False)
class Environment:
    """What the conditions come to for one principal and context; interned, so it is a dictionary key.

    In a `granted` one nothing needs a rule that grants it: only what restricts counts. Rules that are `muted` do not
    count at all. In an `unknown` one the resource may be anything.
    """

    outcomes: Outcomes
    missing: tuple[tuple[str, ...], ...]
    """For each condition, the absent attributes that leave it open; empty when none does."""
    granted: bool = False
    muted: frozenset[RuleRef] = frozenset()
    unknown: bool = False
    versioned: Environment | None = None
    """The one for what git writes of its history, where some condition speaks of that."""


def both(first: bool | None, second: bool | None) -> bool | None:
    """Kleene's and."""
    if first is False or second is False:
        return False
    return None if first is None or second is None else True


def negation(value: bool | None) -> bool | None:
    """Kleene's not."""
    return None if value is None else not value


def truth(entry: Entry, include: bool | None, exclude: bool | None, env: Environment, options: Outcomes) -> bool | None:
    """Does the rule hold? From its patterns, options and condition."""
    if env.muted and entry.ref in env.muted:
        return False
    result = both(include, negation(exclude))
    if entry.required_options >= 0:
        result = both(result, options[entry.required_options])
    if entry.forbidden_options >= 0:
        result = both(result, negation(options[entry.forbidden_options]))
    if entry.condition >= 0:
        result = both(result, env.outcomes[entry.condition])
    return result


@record(frozen=True, slots=True)
class Marks:
    """What a resource meets in a table: the marks that it has, and those that it may have (`definite` among them).

    A command also has the marks `as_given`, and those of its words without options, `option_free`; both only restrict.
    They are possible rather than definite when not `certain`, and so are those `by_reading`: of words without options
    in one reading of several.
    """

    definite: tuple[int, ...]
    possible: tuple[int, ...]
    as_given: tuple[int, ...] = ()
    option_free: tuple[int, ...] = ()
    certain: bool = True
    by_reading: tuple[int, ...] = ()


Met = tuple[Entry, bool | None, bool | None]
"""A rule, whether a pattern of it matches, and whether one that it excepts does."""


def met_rules(table: Table, marks: Marks, options: Outcomes) -> list[Met]:
    """The rules whose patterns a resource meets, or may meet; no other rule is true of it."""
    definite = frozenset(marks.definite)
    patterns: dict[int, list[bool | None]] = {}
    entries: dict[int, Entry] = {}

    def note(entry: Entry, include: bool, value: bool | None) -> None:
        entries[id(entry)] = entry
        pair = patterns.setdefault(id(entry), [False, False])
        place = 0 if include else 1
        if pair[place] is not True:
            pair[place] = value

    for mark in marks.possible:
        note(*table.owners[mark], True if mark in definite else None)
    for mark in marks.as_given:
        entry, include = table.owners[mark]
        if include and entry.ref.effect != DENY:
            note(entry, True, None)  # it restricts as it was given, but grants only what it names
        elif marks.certain or include or entry.grants:
            note(entry, include, True if marks.certain else None)
    for mark, certain in [*((m, marks.certain) for m in marks.option_free), *((m, False) for m in marks.by_reading)]:
        entry, include, needs, follows = table.bare_owners[mark]
        given: bool | None = True
        for need in needs:
            given = both(given, options[need])
        if given is False:
            continue
        exact = given is True and certain and (follows or entry.ref.effect == DENY or not include)
        note(entry, include, True if exact else None)
    return [(entries[key], include, exclude) for key, (include, exclude) in patterns.items()]


def rule_truths(table: Table, marks: Marks, env: Environment, options: Outcomes) -> list[tuple[Entry, bool | None]]:
    """Every rule that is not false, with its truth."""
    out: list[tuple[Entry, bool | None]] = []
    for entry, include, exclude in met_rules(table, marks, options):
        result = truth(entry, include, exclude, env, options)
        if result is not False:
            out.append((entry, result))
    return out


class Combiner:
    """The combining algorithm: from the truths of rules to a verdict. `layers` holds (name, is a guardrail)."""

    def __init__(
        self,
        layers: tuple[tuple[str, bool], ...],
        tiers: dict[str, Tier],
        over_everything: bool = False,
        defaults: tuple[LayerDefault, ...] = (),
    ) -> None:
        self.layers = layers
        self._defaults: dict[tuple[int, str], list[LayerDefault]] = {}
        for default in defaults:
            for action in default.actions:
                self._defaults.setdefault((default.layer, action), []).append(default)
        self._by_default = frozenset(default.ref for default in defaults)
        self.over_everything = over_everything
        self._includes = {name: included(tier, tiers) for name, tier in tiers.items()}

    def reduce(self, tiers: Iterable[str]) -> tuple[str, ...]:
        """The tiers without those that another one of them includes, sorted."""
        every = set(tiers)
        covered = {t for name in every for t in self._includes.get(name, ())}
        return tuple(sorted(every - covered))

    def verdict(
        self, action: str, truths: list[tuple[Entry, bool | None]], env: Environment, granted: bool = False
    ) -> Verdict:
        """The strictest of all layers. What is `granted` needs no rule that grants it, but may be restricted."""
        floor = [e for e, _ in truths if e.layer == FLOOR]
        by_layer: dict[int, list[tuple[Entry, bool | None]]] = {}
        for entry, value in truths:
            by_layer.setdefault(entry.layer, []).append((entry, value))
        verdicts = [self._layer(i, action, by_layer.get(i, []), floor, env, granted) for i in range(len(self.layers))]
        held = tuple(v for v in verdicts if v is not None)
        if granted and not held:
            held = (Verdict(ALLOW),)
        if self.over_everything:
            held = (*held, Verdict(ALLOW, reasons=("no guardrail takes it away",)))
        elif not granted and all(guardrail for _, guardrail in self.layers):
            name = self.layers[0][0]
            alone = Verdict(DENY, reasons=(f"`{name}` is a guardrail: it grants nothing by itself",))
            held = (*(v for v in held if v.effect == DENY), alone)
        return strictest(held, self.reduce)

    def defaults(self, layer: int, action: str, env: Environment) -> tuple[RuleRef, ...]:
        """What a layer asks for when nothing in it grants."""
        found = self._defaults.get((layer, action))
        if found is None:
            return ()
        return _sorted(d.ref for d in found if d.condition < 0 or env.outcomes[d.condition] is True)

    def by_default(self, verdict: Verdict) -> bool:
        """Whether some layer asks only because nothing in it grants."""
        return verdict.effect == ASK and not self._by_default.isdisjoint(verdict.support)

    def floor_holds(self, truths: list[tuple[Entry, bool | None]]) -> bool:
        """Whether the protected floor restricts: some layer that may grant does not grant with `override protected`."""
        overriding = {e.layer for e, value in truths if value is True and e.grants and e.override}
        return any(not guardrail and i not in overriding for i, (_, guardrail) in enumerate(self.layers))

    def protected(self, truths: list[tuple[Entry, bool | None]], env: Environment) -> Verdict | None:
        """The denial of the protected floor alone, None where it does not hold."""
        floor = [(e, value) for e, value in truths if e.layer == FLOOR]
        if not floor or not self.floor_holds(truths):
            return None
        return Verdict(DENY, (), _refs([e for e, _ in floor]), tuple(_reason(e, v is None, env) for e, v in floor))

    def _layer(
        self,
        number: int,
        action: str,
        truths: list[tuple[Entry, bool | None]],
        floor: list[Entry],
        env: Environment,
        granted: bool,
    ) -> Verdict | None:
        name, guardrail = self.layers[number]
        denies = [e for e, _ in truths if e.ref.effect == DENY]
        asks = [e for e, _ in truths if e.ref.effect == ASK]
        grants = [e for e, value in truths if e.grants and value is True]
        undecided = {id(e) for e, value in truths if value is None}
        if floor and not guardrail and not any(e.override for e in grants):
            denies = denies + floor
        if denies:
            return Verdict(DENY, (), _refs(denies), tuple(_reason(e, id(e) in undecided, env) for e in denies))
        if not grants and not guardrail and not granted:
            nothing = _nothing(name, action, truths, env)
            defaults = self.defaults(number, action, env)
            if not defaults:
                return Verdict(DENY, reasons=(nothing,))
            tiers = self.reduce([*(e.ref.tier for e in asks), *(ref.tier for ref in defaults)])
            reasons = [_reason(e, id(e) in undecided, env) for e in asks]
            reasons += [f"`{ref.id}` asks `{ref.tier}`: {nothing}" for ref in defaults]
            return Verdict(ASK, tiers, _sorted([*(e.ref for e in asks), *defaults]), tuple(reasons), (), defaults)
        logged = ("log",) if any(e.log for e in grants) else ()
        if env.granted:
            grants = []  # none of them was needed
        if asks:
            tiers = self.reduce(e.ref.tier for e in asks)
            return Verdict(
                ASK, tiers, _refs(asks), tuple(_reason(e, id(e) in undecided, env) for e in asks), logged, _refs(grants)
            )
        if guardrail:
            return None
        return Verdict(ALLOW, (), _refs(grants), tuple(_reason(e, False, env) for e in grants), logged, _refs(grants))


def _refs(entries: list[Entry]) -> tuple[RuleRef, ...]:
    return _sorted(e.ref for e in entries)


def _sorted(refs: Iterable[RuleRef]) -> tuple[RuleRef, ...]:
    return tuple(sorted(refs, key=lambda r: (r.file, r.line, r.id)))


def _reason(entry: Entry, undecided: bool, env: Environment) -> str:
    rule = entry.ref
    verb = {ALLOW: "allows it", ASK: f"asks `{rule.tier}`", DENY: "denies it"}[rule.effect]
    text = f"`{rule.id}` {verb}"
    if entry.layer == FLOOR:
        text = f"`{rule.id}` protects it, and no rule that grants it says `override protected`"
    if rule.because:
        text += f": {rule.because}"
    return text + (f" (it may apply: {open_because(entry, env)})" if undecided else "")


def _nothing(name: str, action: str, truths: list[tuple[Entry, bool | None]], env: Environment) -> str:
    text = f"no rule of `{name}` grants `{action}` on this"
    open_ = [e for e, value in truths if e.grants and value is None]
    if open_:
        text += f"; `{open_[0].ref.id}` might, but {open_because(open_[0], env)}"
    return text


def open_because(entry: Entry, env: Environment) -> str:
    """Why a rule is neither true nor false, as a clause."""
    missing = env.missing[entry.condition] if entry.condition >= 0 else ()
    if missing:
        return not_given(missing)
    if entry.sort == "path":
        return "the path is not known" if env.unknown else "`workspace` or `home` is not given"
    if entry.sort == "command":
        return "the command is not fully known"
    return "the resource is not fully known"


def not_given(names: tuple[str, ...]) -> str:
    """What is said of attributes that a decision hangs on."""
    if any(name.startswith(ARGUMENT) for name in names):
        return f"{' and '.join(f'`{name}`' for name in names)} {'is' if len(names) == 1 else 'are'} not given clearly"
    return f"{' and '.join(f'`{name}`' for name in names)} {'is' if len(names) == 1 else 'are'} not given"
