"""Evaluating conditions: true, false, or None when an attribute that matters is absent."""

from __future__ import annotations

from ..automata.trie import Trie
from ..automata.walker import Walker
from ..domain.conditions import ARGUMENT, KIND, SAME, Atom, Formula
from ..domain.limits import limit
from .scopes import scope_sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..domain.conditions import Value

    Values = Mapping[str, "Value | None"]

_walkers: dict[Atom, Walker] = {}
_MOST_WALKERS = limit("condition_walkers")


def evaluate(formula: Formula, values: Values) -> bool | None:
    """Kleene's three values: None means that the answer depends on something absent."""
    if isinstance(formula, Atom):
        value = values.get(formula.subject)
        if formula.op == SAME:
            other = values.get(str(formula.values[0]))
            if value is None or other is None:
                return None
            return _same(value, other) if any(map(_is_argument, formula.subjects)) else value == other
        if value is None:
            return formula.values == ("unknown",) if formula.op == KIND else None
        return _argument(formula, value) if _is_argument(formula.subject) else _compare(formula, value)
    if formula.op == "not":
        inner = evaluate(formula.parts[0], values)
        return None if inner is None else not inner
    stop = formula.op == "or"
    unknown = False
    for part in formula.parts:
        result = evaluate(part, values)
        if result is stop:
            return stop
        unknown = unknown or result is None
    return None if unknown else not stop


def _is_argument(subject: str) -> bool:
    return subject.startswith(ARGUMENT)


def _argument(atom: Atom, value: Value) -> bool | None:
    from .arguments import compare  # few policies speak of arguments

    return compare(atom, value)


def _same(one: Value, other: Value) -> bool | None:
    from .arguments import same

    return same(one, other)


def _compare(atom: Atom, value: Value) -> bool:
    op, first = atom.op, atom.values[0]
    if op == "glob":
        return bool(_walker(atom).walk(str(value).split("/")).marks)
    if op == "==":
        return value == first
    if op == "in":
        return value in atom.values
    assert not isinstance(value, str)
    if op in {"hours", "days"}:
        last = atom.values[1]
        assert isinstance(last, int) and isinstance(first, int)
        if op == "days":
            day = (int(value) // 86400 + 3) % 7  # the epoch was a Thursday
            return first <= day <= last if first <= last else day >= first or day <= last
        minute = int(value) // 60 % 1440
        return first <= minute < last if first < last else minute >= first or minute < last
    assert not isinstance(first, str)
    if op == "<":
        return value < first
    if op == "<=":
        return value <= first
    return value > first if op == ">" else value >= first


def _walker(atom: Atom) -> Walker:
    found = _walkers.get(atom)
    if found is None:
        if len(_walkers) >= _MOST_WALKERS:
            _walkers.clear()
        found = _walkers[atom] = Walker(Trie((s, 0) for text in atom.values for s in scope_sequence(str(text))))
    return found
