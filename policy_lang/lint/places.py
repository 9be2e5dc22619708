"""Looking for grants that reach places which mean more than they say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

from ..analysis.members import first_of
from ..analysis.witness import Witness
from ..syntax.tree import TierDef
from .capabilities import Place
from .check import Check, Look
from .finding import Finding, Fix, Step
from .ground import Ground, Reach, noted, wanted, who

UNNAMED = "https://unnamed-host.example/"
"""A host that no rule names (RFC 2606 reserves the ending): what grants it grants any."""

VERBS = {
    "write": "write", "read": "read", "delete": "delete", "connect": "reach", "push": "push to", "run": "run",
    "force-push": "force-push", "delete-ref": "delete", "call": "call", "use": "use", "setenv": "set", "do": "do",
    "merge": "merge into",
}  # fmt: skip


def request_text(step: Step) -> str:
    """What a step asks for, for a message."""
    resource = step.witness.resource
    text = " ".join(resource) if isinstance(resource, tuple) else resource
    method = f"{step.witness.method} " if step.witness.method not in {None, "GET"} else ""
    return f"`{method}{text}`"


def sentence(reach: Reach, note: str = "") -> str:
    """Who may do what, and what that means."""
    text = f"{who(reach)} may {VERBS[reach.step.witness.action]} {request_text(reach.step)}"
    return f"{text}: {note}" if note else text


def row_of(rows: Sequence[Place], reach: Reach) -> Place:
    """The row that a request falls in."""
    place = _finder(reach.step.witness.action, tuple(r.pattern for r in rows))(reach.step.witness)
    return rows[place or 0]


@lru_cache(maxsize=64)
def _finder(action: str, patterns: tuple[str, ...]) -> Callable[[Witness], int | None]:
    return first_of(wanted(action, patterns))


def into(group: str, actions: tuple[str, ...] = ("write",), *, named: bool = False) -> Look:
    """A rule that finds each grant that reaches a group of places; the mending denies the whole group.

    With `named` a rule that grants any host is left out: that is said once, elsewhere.
    """

    def look(ground: Ground, check: Check) -> Iterator[Finding]:
        rows = ground.capabilities.group(group)
        anywhere = {r.rule.id for r in ground.probe("connect", UNNAMED)} if named else set[str]()
        for action in actions:
            found = ground.reach(action, [r.pattern for r in rows], [r.example for r in rows])
            for reach in (r for r in found if r.rule.id not in anywhere):
                row = row_of(rows, reach)
                fixes = denial(ground, actions, rows, reach, row)
                yield ground.finding(
                    check, sentence(reach, row.note), reach.rule, content=(action, row.id),
                    steps=(noted(reach.step, row.note),), rows=(row.id,), fixes=fixes,
                )  # fmt: skip

    return look


def denial(
    ground: Ground, actions: tuple[str, ...], rows: Sequence[Place], reach: Reach, row: Place
) -> tuple[Fix, ...]:
    """A denial of all the places that the policy has rules about."""
    if reach.rule.override:
        return ground.remove(reach.rule, "delete the rule that overrides the protected floor")
    verbs = ", ".join(dict.fromkeys((*actions, *(("delete",) if "write" in actions else ()))))
    return (ground.deny(verbs, (strip(r.pattern) for r in rows), row.note), *ground.remove(reach.rule, safe=False))


def strip(pattern: str) -> str:
    """The pattern without the methods in front."""
    return pattern.rpartition(" ")[2]


def protected_fix(ground: Ground, action: str, patterns: Sequence[str], because: str) -> tuple[Fix, ...]:
    """An approval for some refs where the policy has a tier of its own, else a denial."""
    defined = [i.name.text for m in ground.modules for i in m.file.items if isinstance(i, TierDef) and i.defined]
    if not defined:
        return (ground.deny(action, patterns, because),)
    shown = ", ".join(f'"{p}"' for p in patterns)
    return (
        ground.append(f"ask `{defined[0]}` for it", f'ask {defined[0]} {action} {shown}\n        because "{because}"'),
    )
