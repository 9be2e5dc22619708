"""The nouns of a policy set that both compiler and engine speak of."""

from __future__ import annotations

from .record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


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


def included(tier: Tier, tiers: Mapping[str, Tier]) -> frozenset[str]:
    """The names of the tiers that one stands for, directly or through others; not itself, also where they go round."""
    return closure(tier.includes, tiers) - {tier.name}


def closure(names: Iterable[str], tiers: Mapping[str, Tier]) -> frozenset[str]:
    """These tiers, and every one that they include, directly or through others."""
    found: set[str] = set()
    todo = list(names)
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += tiers[name].includes if name in tiers else ()
    return frozenset(found)
