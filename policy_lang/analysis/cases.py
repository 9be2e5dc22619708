"""Principals and contexts: the finitely many cases that conditions tell apart.

Each subject (the agent, an attribute, the time) has a few classes of values, found exactly from the comparisons
that speak of it; absent is one of them. What the language leaves open about commands, whether an option is given,
is a subject like the others: true, false, or not known. A glob of options is as many subjects as its program has
options; those that nothing else speaks of count as one, which tells the same cases apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import reduce

from ..automata.budget import Budget
from ..domain.conditions import (
    ARGUMENT,
    CONFINED,
    MISSING,
    NEVER_UNKNOWN,
    OBJECT,
    SAME,
    Atom,
    Formula,
    Join,
    Value,
    atoms,
    subjects,
)
from ..domain.errors import SearchLimitError
from ..domain.policy import AttributeType
from ..ir.arguments import joined
from ..ir.conditions import candidates, canonical, shared
from ..ir.evaluate import evaluate

TRUE, FALSE, OPEN = 1, 2, 4
"""The outcomes of a condition, as bits."""
Demand = tuple[Formula, int]
"""A condition, and the outcomes that it may have."""
UNKNOWN = "\0"
"""Begins the subjects that stand for what is not known of a command."""


GIVEN = f"{UNKNOWN}given "
"""Begins the subjects that say whether an attribute is given, where its default differs between two sides."""
NEVER = f"{UNKNOWN}never"
"""A subject that is always absent."""


def spread(formula: Formula, defaults: Mapping[str, Value | None]) -> Formula:
    """The condition with its attributes' defaults written out: each comparison for when it is given and when not."""
    if isinstance(formula, Join):
        return Join(formula.op, tuple(spread(p, defaults) for p in formula.parts))
    subject = next((s for s in formula.subjects if s in defaults), None)
    if subject is None:
        return formula
    given = Atom(f"{GIVEN}{subject}", "==", (True,))
    default = defaults[subject]
    otherwise: Formula = Atom(NEVER, "==", (True,))
    if formula.op == SAME:
        (other,) = (s for s in formula.subjects if s != subject)
        left = {s: d for s, d in defaults.items() if s != subject}
        formula = spread(formula, left)
        if default is not None:
            otherwise = spread(Atom(other, "==", (str(default),)), left)
    elif default is not None:
        otherwise = Join("and" if evaluate(formula, {formula.subject: default}) else "or", ())
    return Join("or", (Join("and", (given, formula)), Join("and", (Join("not", (given,)), otherwise))))


def _open(subject: str) -> bool:
    """True for what is true, false or not known of a command, whatever else is so."""
    return subject.startswith(UNKNOWN) and not subject.startswith(GIVEN) and subject != NEVER


def _joined(formula: Formula) -> Iterator[Join]:
    if isinstance(formula, Join):
        if formula.op == "or":
            yield formula
        for part in formula.parts:
            yield from _joined(part)


Alike = tuple[tuple[Formula, ...], ...]
"""Subjects that are like each other: for each of them its parts of disjunctions, in the same order."""


def alternatives(formulas: Iterable[Formula]) -> list[Alike]:
    """Open subjects of which all occur in the same disjunctions in the same way, and nowhere else.

    A disjunction comes to the most that a part of it comes to: as many of them as each has parts can do what all can.
    """
    every = list(dict.fromkeys(formulas))
    uses: dict[Formula, list[int]] = {}
    for number, one in enumerate(dict.fromkeys(j for f in every for j in _joined(f))):
        for part in dict.fromkeys(one.parts):
            uses.setdefault(part, []).append(number)
    alone = {s for f in every for a in _outside(f) for s in a.subjects}
    alone |= {s for part in uses if not _plain_part(part) for s in subjects(part)}
    groups: dict[str, list[Formula]] = {}  # for each subject, the parts that it and those beside it stand in
    for part in uses:
        merged = [part]
        for known in {id(g): g for s in subjects(part) if (g := groups.get(s)) is not None}.values():
            merged += known
        for subject in {s for p in merged for s in subjects(p)}:
            groups[subject] = merged
    found: dict[object, list[tuple[Formula, ...]]] = {}
    for group in {id(g): g for g in groups.values()}.values():
        if any(s in alone for p in group for s in subjects(p)):
            continue
        parts = sorted(group, key=lambda p: (uses[p], len(atoms(p)), canonical(p)))
        numbers: dict[str, int] = {}
        shape = tuple(
            (*uses[p], *((numbers.setdefault(a.subject, len(numbers)), a.op, a.values) for a in atoms(p)))
            for p in parts
        )
        found.setdefault(shape, []).append(tuple(parts))
    return [tuple(members) for members in found.values() if len(members) > len(members[0])]


def _plain_part(part: Formula) -> bool:
    """True for comparisons of open subjects that all must hold."""
    if isinstance(part, Join) and (part.op != "and" or not all(isinstance(p, Atom) for p in part.parts)):
        return False
    return all(_open(a.subject) for a in atoms(part))


def _outside(formula: Formula) -> Iterator[Atom]:
    """The comparisons that stand in no disjunction."""
    if isinstance(formula, Atom):
        yield formula
    elif formula.op != "or":
        for part in formula.parts:
            yield from _outside(part)


class Cases:
    """All cases of a set of conditions. Work is counted for all questions together. Raises SearchLimitError."""

    def __init__(self, formulas: Iterable[Formula], attributes: Mapping[str, AttributeType]) -> None:
        self.attributes = attributes
        every = list(dict.fromkeys(formulas))
        self.together = alternatives(every)
        """Subjects that are alike, of which the first few stand for all."""
        self._left_out = {p for members in self.together for parts in members[len(members[0]) :] for p in parts}
        self._small = {f: self._smaller(f) for f in every}
        found: dict[str, dict[Atom, None]] = {"agent": {}}
        for formula in self._small.values():
            for atom in atoms(formula):
                for subject in atom.subjects:
                    found.setdefault(subject, {})[atom] = None
        self._joined = [(f, frozenset(subjects(f))) for f in joined(found)]
        self._budget = Budget("condition_cases")
        self._shared = shared(found, attributes)
        self.values: dict[str, list[Value | None]] = {s: self._values(s, list(a)) for s, a in found.items()}
        self._full = {s: (1 << len(v)) - 1 for s, v in self.values.items()}
        self._masks: dict[Formula, tuple[str, int, int, int] | None] = {}
        self._agents: dict[frozenset[Demand], int] = {}

    def _values(self, subject: str, found: list[Atom]) -> list[Value | None]:
        if subject.startswith(UNKNOWN):
            return [True, False] if subject.startswith(GIVEN) else [None] if subject == NEVER else [True, False, None]
        type_ = self.attributes.get(subject)
        values: list[Value | None] = [*self._shared.get(subject, ())]
        if values and subject.startswith(ARGUMENT):
            values += [v for v in candidates(found, None) if not isinstance(v, str) or v in {MISSING, OBJECT}]
        if found and not values:
            values = [_plain(v, found) for v in candidates(found, type_)]
        if subject in NEVER_UNKNOWN:
            return values
        if type_ is not None and type_.default is not None:
            return values if type_.default in values else [*values, type_.default]
        return [*values, None]

    def small(self, formula: Formula) -> Formula:
        """A condition of the set without the alternatives that another one stands for. Demands are about such."""
        return self._small[formula]

    def _smaller(self, formula: Formula) -> Formula:
        if not self._left_out or isinstance(formula, Atom):
            return formula
        return Join(formula.op, tuple(self._smaller(p) for p in formula.parts if p not in self._left_out))

    # masks

    def everyone(self) -> int:
        """Every class of agents, as bits; the last one is an agent without a name."""
        return self._full["agent"]

    def names(self, mask: int) -> list[str | None]:
        """An agent of each class in the mask."""
        return [None if v is None else str(v) for i, v in enumerate(self.values["agent"]) if mask >> i & 1]

    def _simple(self, formula: Formula) -> tuple[str, int, int, int] | None:
        """The subject and the masks of true, false and open, for a formula about one subject."""
        if formula not in self._masks:
            about = subjects(formula)
            made: tuple[str, int, int, int] | None = None
            if len(about) == 1:
                (subject,) = about
                masks = [0, 0, 0]
                for i, value in enumerate(self.values[subject]):
                    known = evaluate(formula, {subject: value})
                    masks[2 if known is None else 0 if known else 1] |= 1 << i
                made = (subject, masks[0], masks[1], masks[2])
            self._masks[formula] = made
        return self._masks[formula]

    def _split(self, demand: Demand, out: list[Demand]) -> None:
        """Take a demand apart into smaller ones that all must hold, where that is possible."""
        formula, allowed = demand
        if isinstance(formula, Join):
            if formula.op == "not":
                self._split((formula.parts[0], negated(allowed)), out)
                return
            strong = {"and": (TRUE, TRUE | OPEN), "or": (FALSE, FALSE | OPEN)}[formula.op]
            if allowed in strong:
                for part in formula.parts:
                    self._split((part, allowed), out)
                return
        out.append(demand)

    def _narrowed(self, demands: frozenset[Demand]) -> tuple[dict[str, int], list[Demand]] | None:
        """The classes left for each subject, and the demands about several subjects; None when nothing is left."""
        parts: list[Demand] = []
        for demand in demands:
            self._split(demand, parts)
        left: dict[str, int] = {}
        rest: list[Demand] = []
        for formula, allowed in parts:
            if isinstance(formula, Join) and not formula.parts:
                if not allowed & (TRUE if formula.op == "and" else FALSE):
                    return None
                continue
            simple = self._simple(formula)
            if simple is None:
                rest.append((formula, allowed))
                continue
            subject, true, false, open_ = simple
            mask = (
                (true if allowed & TRUE else 0) | (false if allowed & FALSE else 0) | (open_ if allowed & OPEN else 0)
            )
            left[subject] = left.get(subject, self._full[subject]) & mask
            if not left[subject]:
                return None
        if self._joined:
            about = {*left, *(s for f, _ in rest for s in subjects(f))}
            rest += [(f, TRUE) for f, both_of in self._joined if both_of <= about]
        return left, rest

    # questions

    def agents(self, demands: frozenset[Demand]) -> int:
        """The classes of agents for which some case meets all demands, as bits. Raises SearchLimitError."""
        known = self._agents.get(demands)
        if known is None:
            known = self._agents[demands] = self._which(demands)
        return known

    def _which(self, demands: frozenset[Demand]) -> int:
        narrowed = self._narrowed(demands)
        if narrowed is None:
            return 0
        left, rest = narrowed
        mine = left.get("agent", self._full["agent"])
        if not rest:
            return mine
        if not any("agent" in subjects(f) for f, _ in rest):
            return mine if self._search(left, rest) is not None else 0
        found = 0
        for i in range(len(self.values["agent"])):
            if mine >> i & 1 and self._search({**left, "agent": 1 << i}, rest) is not None:
                found |= 1 << i
        return found

    def case(self, demands: frozenset[Demand], agent: int) -> dict[str, Value | None]:
        """Values of the subjects that the demands speak of, for one class of agents. The case must exist."""
        narrowed = self._narrowed(demands)
        assert narrowed is not None
        left, rest = narrowed
        left = {**left, "agent": 1 << agent}
        chosen = self._search(left, rest)
        assert chosen is not None
        out = {s: self._pick(s, mask) for s, mask in left.items()}
        return out | {s: self.values[s][i] for s, i in chosen.items()}

    def _spend(self, comparisons: int) -> None:
        try:
            self._budget.spend(comparisons)
        except SearchLimitError:
            raise SearchLimitError("the conditions have too many cases") from None

    def _pick(self, subject: str, mask: int) -> Value | None:
        return next(v for i, v in enumerate(self.values[subject]) if mask >> i & 1)

    def _search(self, left: Mapping[str, int], rest: list[Demand]) -> dict[str, int] | None:
        """Classes of the subjects in `rest` that meet it: subject by subject, while all of it may still be met."""
        about: dict[str, list[Demand]] = {}
        for demand in rest:
            for subject in subjects(demand[0]):
                about.setdefault(subject, []).append(demand)
        masks = {s: left.get(s, self._full[s]) for s in about}
        if not all(self._possible(f, masks) & allowed for f, allowed in rest):
            return None
        order = list(about)
        before = dict(masks)
        chosen: list[int] = []
        at = 0
        while len(chosen) < len(order):
            subject = order[len(chosen)]
            placed = False
            while at < len(self.values[subject]):
                if before[subject] >> at & 1:
                    masks[subject] = 1 << at
                    if all(self._possible(f, masks) & allowed for f, allowed in about[subject]):
                        placed = True
                        break
                at += 1
            if placed:
                chosen.append(at)
                at = 0
                continue
            masks[subject] = before[subject]
            if not chosen:
                return None
            at = chosen.pop() + 1
        return dict(zip(order, chosen, strict=True))

    def _possible(self, formula: Formula, masks: Mapping[str, int]) -> int:
        """The outcomes that a condition may have in these classes, where each of its comparisons goes its own way."""
        if isinstance(formula, Join):
            found = (self._possible(p, masks) for p in formula.parts)
            if formula.op == "not":
                return negated(next(found))
            return reduce(both, found, TRUE) if formula.op == "and" else reduce(either, found, FALSE)
        self._spend(1)
        if formula.op == SAME:
            return self._alike(formula, masks)
        simple = self._simple(formula)
        assert simple is not None
        subject, true, false, open_ = simple
        mask = masks[subject]
        return (TRUE if mask & true else 0) | (FALSE if mask & false else 0) | (OPEN if mask & open_ else 0)

    def _alike(self, atom: Atom, masks: Mapping[str, int]) -> int:
        """The outcomes that the comparison of two subjects may have in these classes."""
        one, other = ([v for i, v in enumerate(self.values[s]) if masks[s] >> i & 1] for s in atom.subjects)
        if any(s.startswith(ARGUMENT) for s in atom.subjects):
            first, second = atom.subjects
            return reduce(int.__or__, (outcome(atom, {first: a, second: b}) for a in one for b in other), 0)
        known, others = {v for v in one if v is not None}, {v for v in other if v is not None}
        differ = len(known | others) > 1 and known and others
        open_ = None in one or None in other
        return (TRUE if known & others else 0) | (FALSE if differ else 0) | (OPEN if open_ else 0)


def _plain(value: Value, found: list[Atom]) -> Value:
    """A name that reads better than the shortest of its class, where one is at hand."""
    if isinstance(value, str) and value[-1:] in {"-", "_", ".", ""}:
        better = f"{value}1" if value else "other"
        if all(evaluate(a, {a.subject: better}) == evaluate(a, {a.subject: value}) for a in found):
            return better
    return value


def outcome(formula: Formula, values: Mapping[str, Value | None]) -> int:
    """What a condition comes to, as a bit."""
    found = evaluate(formula, values)
    return OPEN if found is None else TRUE if found else FALSE


def negated(outcomes: int) -> int:
    """The outcomes that a `not` of a condition may have."""
    return (TRUE if outcomes & FALSE else 0) | (FALSE if outcomes & TRUE else 0) | outcomes & OPEN


def both(first: int, second: int) -> int:
    """The outcomes that an `and` of two conditions may have."""
    open_ = (first & OPEN and second & (TRUE | OPEN)) or (second & OPEN and first & (TRUE | OPEN))
    return first & second & TRUE | (first | second) & FALSE | (OPEN if open_ else 0)


def either(first: int, second: int) -> int:
    """The outcomes that an `or` of two conditions may have."""
    return negated(both(negated(first), negated(second)))


def always(formula: Formula) -> bool:
    """True for the condition that holds whatever is asked."""
    return canonical(formula) == "and()"


def one_side(formula: Formula, attributes: Mapping[str, AttributeType]) -> str:
    """`confined` or `not confined`, where a condition can hold on that side of the walls alone; else empty."""
    if not any(a.subject == CONFINED for a in atoms(formula)):
        return ""
    walls = Atom(CONFINED, "==", (True,))
    cases = Cases([formula, walls], attributes)
    inside, outside = (cases.agents(frozenset({(formula, TRUE), (walls, way)})) for way in (TRUE, FALSE))
    return "" if bool(inside) == bool(outside) else CONFINED if inside else f"not {CONFINED}"
