"""The nouns of a policy set that both compiler and engine speak of."""

from __future__ import annotations

from .record import record


@record(frozen=True, slots=True)
class Tier:
    """An approval tier. `expires` is the waiting time of a ticket in seconds; `escalate` a tier or empty (deny).

    `opens` are the tiers that it stands in for in an emergency; a tier that opens others is asked for by no rule.
    """

    name: str
    approvers: tuple[str, ...]
    quorum: int
    expires: int
    includes: tuple[str, ...]
    scope: str
    reason_required: bool
    escalate: str
    opens: tuple[str, ...] = ()


@record(frozen=True, slots=True)
class AttributeType:
    """A declared context attribute: `enum`, `string`, `int` or `bool`; `default` is used when it is absent."""

    name: str
    type: str
    members: tuple[str, ...] = ()
    default: str | int | bool | None = None


@record(frozen=True, slots=True)
class FreezeRule:
    """After so many denials within so many seconds a principal is denied everything, until a person lifts it."""

    denials: int
    seconds: int
    file: str
    line: int


def included(tiers: dict[str, Tier], name: str) -> frozenset[str]:
    """Every tier that `name` includes, directly or through others."""
    found: set[str] = set()
    todo = list(tiers[name].includes) if name in tiers else []
    while todo:
        one = todo.pop()
        if one not in found:
            found.add(one)
            todo.extend(tiers[one].includes if one in tiers else ())
    return frozenset(found)
