"""Conditions in normal form: one text for equal ones, whether any request can meet one, values that tell them apart."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping

from ..automata.alphabet import CONTROLS, Alphabet
from ..automata.budget import Budget
from ..automata.meet import Meeting
from ..automata.pattern import ANY, MANY, Sequence, instance
from ..automata.trie import Trie
from ..domain.conditions import (
    ARGUMENT,
    BUILT_INS,
    DESTINATION,
    MISSING,
    OBJECT,
    SAME,
    Atom,
    Formula,
    Join,
    Value,
    atoms,
)
from ..domain.errors import SearchLimitError
from ..domain.limits import limit
from ..domain.policy import AttributeType
from .arguments import compare, is_clear, marked
from .evaluate import evaluate
from .scopes import scope_sequence
from .sorts.host import DESTINATIONS

TEXTS = Alphabet("text", (*CONTROLS, (47, 47)), frozenset())
"""What stands between slashes in an agent, a repository or an attribute, such as `user:alice`."""
_MOST_COMBINATIONS = limit("condition_combinations")


def canonical(formula: Formula) -> str:
    """A text that is equal for formulas that differ only in the order of their parts."""
    if isinstance(formula, Atom):
        values = sorted(formula.values, key=repr) if formula.op in {"in", "glob"} else formula.values
        return f"{formula.subject} {formula.op} {list(values)!r}"
    return f"{formula.op}({', '.join(sorted(canonical(p) for p in formula.parts))})"


def satisfiable(formula: Formula, attributes: Mapping[str, AttributeType]) -> bool:
    """False only when no request at all can meet the condition. Exact while the cases stay few."""
    if isinstance(formula, Join) and not formula.parts:
        return True
    by_subject: dict[str, list[Atom]] = {}
    for atom in atoms(formula):
        for subject in atom.subjects:
            by_subject.setdefault(subject, []).append(atom)
    try:
        linked = shared(by_subject, attributes)
        choices = {s: linked.get(s) or candidates(found, attributes.get(s)) for s, found in by_subject.items()}
    except SearchLimitError:
        return True
    size = 1
    for options in choices.values():
        size *= len(options)
    if size > _MOST_COMBINATIONS:
        return True
    names = list(choices)
    return any(
        evaluate(formula, dict(zip(names, combination, strict=True)))
        for combination in itertools.product(*choices.values())
    )


def candidates(found: list[Atom], type_: AttributeType | None) -> list[Value]:
    """Values of one subject that tell its comparisons apart in every way that is possible.

    Raises SearchLimitError when there are too many ways.
    """
    subject = found[0].subject
    constants = [v for atom in found for v in atom.values]
    if subject.startswith(ARGUMENT):
        return argument_values(found)
    if subject == "now":
        return _moments(found)
    if type_ is not None and type_.type == "enum":
        return list(type_.members)
    if (BUILT_INS.get(subject) if type_ is None else type_.type) == "bool":
        return [True, False]
    if type_ is not None and type_.type == "int":
        return sorted({int(c) + d for c in constants for d in (-1, 0, 1)})
    trie = Trie()
    globs = dict.fromkeys(str(text) for atom in found if atom.op == "glob" for text in atom.values)
    for number, text in enumerate(globs):
        for sequence in scope_sequence(text):
            trie.add(sequence, number)
    for number, constant in enumerate(c for a in found if a.op != "glob" for c in a.values):
        trie.add(tuple(str(constant).split("/")), len(globs) + number)
    anything: Sequence = (MANY,)
    meeting = Meeting(trie, Trie([(anything, 0)]), DESTINATIONS if subject == DESTINATION else TEXTS, Budget())
    found_words = ["/".join(word) for _, word in meeting.marks()]
    named = () if subject == DESTINATION else (str(v) for a in found if a.op != "glob" for v in a.values)
    return [*dict.fromkeys((*found_words, *named))]


def shared(by_subject: Mapping[str, Iterable[Atom]], attributes: Mapping[str, AttributeType]) -> dict[str, list[Value]]:
    """Values of the subjects that are compared with each other: all of such a group have the same, and enough of them.

    Of each class of values that other comparisons tell apart there are as many as the group has subjects, so that any
    of them may be equal or differ within it. Raises SearchLimitError when there are too many ways.
    """
    groups: dict[str, dict[str, None]] = {}
    for atom in (a for found in by_subject.values() for a in found if a.op == SAME):
        joined = {s: None for name in atom.subjects for s in groups.get(name, {name: None})}
        groups.update(dict.fromkeys(joined, joined))
    out: dict[str, list[Value]] = {}
    for group in {id(g): g for g in groups.values()}.values():
        found = [Atom("", a.op, a.values) for s in group for a in by_subject.get(s, ()) if a.op != SAME]
        defaults = (t.default for s in group if (t := attributes.get(s)) is not None)
        found += [Atom("", "==", (v,)) for v in ("somebody", *defaults) if v is not None]
        made = _argument_texts if any(s.startswith(ARGUMENT) for s in group) else _of_attributes
        found = [a for a in found if made is _of_attributes or _of_texts(a)]
        values = made(found)
        for _ in list(group)[1:]:
            values = made([*found, *(Atom("", "==", (v,)) for v in values if not isinstance(v, float))])
        named = [_named(v, found, values) for v in values]
        out |= dict.fromkeys(group, named)
    return out


def _of_attributes(found: list[Atom]) -> list[Value]:
    return candidates(found, None)


def argument_values(found: list[Atom]) -> list[Value]:
    """Values of an argument, of every type, that tell its comparisons apart in every way that is possible.

    Raises SearchLimitError when there are too many ways.
    """
    numbers = [int(v) for a in found if a.op not in {"truth", SAME} for v in a.values if not isinstance(v, str)]
    texts = _argument_texts([a for a in found if _of_texts(a)])
    near = sorted({n + d for n in numbers for d in (-1, -0.5, 0, 0.5, 1)}) or [7]
    every: list[Value] = [*texts, *near, True, False, MISSING]
    asking = [a for a in found if a.op != SAME]
    return [*list({tuple(compare(a, v) for a in asking): v for v in reversed(every)}.values())[::-1], OBJECT]


def _of_texts(atom: Atom) -> bool:
    return bool(atom.values) and atom.op != SAME and isinstance(atom.values[0], str)


_ARGUMENTS = Alphabet("argument", (*CONTROLS, (47, 47), (92, 92)), frozenset({".", ".."}))
"""What stands between the slashes of an argument that is clear."""


def _argument_texts(found: list[Atom]) -> list[Value]:
    """Clear texts that tell comparisons with texts apart, and what is like their constants."""
    trie = Trie()
    plain: list[str] = []
    begins: dict[tuple[str, ...], None] = {(): None, ("",): None, ("other:", ""): None}
    for number, atom in enumerate(found):
        for sequence, mark in marked(atom, 2 * number, 2 * number + 1):
            trie.add(sequence, mark)
            word = instance(sequence, "a")
            plain.append("/".join(word))
            if word[:1] and word[0][-1:] == ":":
                begins[word[0], ""] = None
    budget = Budget()
    clear: Sequence = (ANY, MANY)
    for begin in begins:
        meeting = Meeting(trie, Trie([(clear, 0)]), _ARGUMENTS, budget, (begin,))
        plain += ["/".join((*begin, *word)) for _, word in meeting.marks()]
    constants = [str(v) for a in found if a.op != "glob" for v in a.values]
    return [text for text in dict.fromkeys((*plain, *constants, "")) if is_clear(text)]


def _named(value: Value, found: list[Atom], values: list[Value]) -> Value:
    """A name for the value that has none."""
    fits = value == "" and all(evaluate(a, {"": "other"}) == evaluate(a, {"": value}) for a in found)
    return "other" if fits and "other" not in values else value


_A_MONDAY = 1_767_571_200
"""2026-01-05, the beginning of a week."""


def _moments(found: list[Atom]) -> list[Value]:
    fixed = {int(v) + d for a in found if a.op not in {"hours", "days"} for v in a.values for d in (-60, 0, 60)}
    bases = [_A_MONDAY, *sorted(fixed), 0]  # the first that fits is shown, so an ordinary week comes first
    minutes = sorted({int(v) for a in found if a.op == "hours" for v in a.values} | {0})
    if not any(a.op in {"hours", "days"} for a in found):
        return [*bases]
    days = range(8)
    return [*bases, *(b // 86400 * 86400 + d * 86400 + m * 60 for b in bases for d in days for m in minutes)]
