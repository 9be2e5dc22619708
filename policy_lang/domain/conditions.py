"""Typed conditions: finite formulas over comparisons of one attribute with constants."""

from __future__ import annotations

from .record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

BUILT_INS = {
    "agent": "string", "repo": "string", "branch": "string", "session": "string", "now": "time", "confined": "bool",
    "versioned": "bool",
}  # fmt: skip
"""What every request may carry; their types. `confined` is never unknown: false unless a launcher says it.
`versioned` neither: true for what git itself writes of its history."""
CONFINED = "confined"
DESTINATION = "for"
"""Where a credential goes, as `host:port`; no attribute has the name of a reserved word."""
NEVER_UNKNOWN = ("now", CONFINED, "versioned")

ARGUMENT = "arg."
"""Begins the subjects that are arguments of a call: `arg.issue.title`."""
MISSING = "\0missing"
"""The value of an argument that a call surely has not; no text of a request has NUL."""

OBJECT = "\0object"
"""The value of an argument that is an object."""
KIND = "kind"
"""The question what an argument is, `missing`, `object`, `value` or `unknown`: only the analysis asks it."""

SAME = "same"
"""The comparison of two attributes, or of an argument with one."""
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


Value = str | int | bool | float
"""What an attribute or an argument may be."""


@record(frozen=True, slots=True)
class Atom:
    """One comparison.

    `op` is `glob` (any of the globs in `values`), `==`, `<`, `<=`, `>`, `>=`, `in`, `truth`, `hours` (minutes of
    the day, first inclusive, last exclusive, may wrap) or `days` (weekday numbers, 0 is Monday, inclusive, may
    wrap). Times are seconds since the epoch, UTC. `!=` is the negation of `==`. `same` compares with the attribute that
    `values` name, and `given` asks whether a call has an argument.
    """

    subject: str
    op: str
    values: tuple[str | int | bool, ...]

    @property
    def subjects(self) -> tuple[str, ...]:
        """The attributes that it speaks of."""
        return (self.subject, str(self.values[0])) if self.op == SAME else (self.subject,)


@record(frozen=True, slots=True)
class Join:
    """`and`, `or` or `not` over formulas. An empty `and` is true."""

    op: str
    parts: tuple[Formula, ...]


Formula = Atom | Join
TRUE = Join("and", ())


def join(op: str, parts: Iterable[Formula]) -> Formula:
    """`and` or `or` over the parts, flattened, each part once."""
    flat: list[Formula] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, Join) and part.op == op else (part,))
    unique = tuple(dict.fromkeys(flat))
    return unique[0] if len(unique) == 1 else Join(op, unique)


def atoms(formula: Formula) -> list[Atom]:
    """Every comparison in the formula."""
    if isinstance(formula, Atom):
        return [formula]
    return [atom for part in formula.parts for atom in atoms(part)]


def subjects(formula: Formula) -> tuple[str, ...]:
    """Every attribute that the formula speaks of, each once."""
    return tuple(dict.fromkeys(s for atom in atoms(formula) for s in atom.subjects))
