"""The policy set in normal form: what the engine, the analysis and the exporters read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..automata.pattern import Pattern
from ..domain.conditions import Formula
from ..domain.errors import Span
from ..domain.policy import AttributeType, FreezeRule, Tier


@dataclass(slots=True)
class Rule:
    """One rule in normal form. `sort` names the kind of resource; `key` is its position-independent content."""

    id: str
    key: str
    effect: str
    tier: str
    actions: tuple[str, ...]
    sort: str
    include: tuple[Pattern, ...]
    exclude: tuple[Pattern, ...]
    with_options: tuple[str, ...]
    without_options: tuple[str, ...]
    condition: Formula
    grants: bool
    log: bool
    override: bool
    because: str
    file: str
    line: int
    module: str
    label: str
    span: Span


@dataclass(slots=True)
class Default:
    """An `otherwise`: while the condition holds, what nothing in its layer grants is asked for. Of some actions."""

    id: str
    key: str
    tier: str
    actions: tuple[str, ...]
    condition: Formula
    file: str
    line: int
    module: str
    span: Span


@dataclass(slots=True)
class Layer:
    """Rules that decide together. A guardrail has no default; a policy's is to deny, or what its `defaults` ask."""

    name: str
    guardrail: bool
    rules: tuple[Rule, ...]
    defaults: tuple[Default, ...] = ()


@dataclass(slots=True)
class Case:
    """One expectation: `resource` is a string, or None for an opaque command; `destination` where a credential goes."""

    effect: str
    tier: str
    action: str
    method: str | None
    resource: str | None
    span: Span
    destination: str | None = None


@dataclass(slots=True)
class TestBlock:
    """A `test`: who asks, under which context, and what is expected."""

    __test__ = False
    name: str
    agent: str | None
    given: dict[str, str | int | bool]
    cases: tuple[Case, ...]
    span: Span


@dataclass(slots=True)
class Property:
    """One line of a `prove` block."""

    kind: str
    tier: str
    agents: tuple[str, ...]
    actions: tuple[str, ...]
    patterns: tuple[Pattern, ...]
    span: Span


@dataclass(slots=True)
class ProveBlock:
    """A `prove`: properties that must hold for all requests."""

    name: str
    agent: str | None
    condition: Formula
    properties: tuple[Property, ...]
    span: Span


@dataclass(slots=True)
class PolicySet:
    """Everything that decides, and what checks it. `floor` are the protected floor's rules."""

    name: str
    layers: tuple[Layer, ...]
    floor: tuple[Rule, ...]
    tiers: dict[str, Tier]
    attributes: dict[str, AttributeType]
    digest: str
    sources: tuple[str, ...]
    profiles: dict[str, Any] = field(default_factory=dict)
    """The policy's own profiles of programs, by name."""
    tests: tuple[TestBlock, ...] = field(default=())
    proofs: tuple[ProveBlock, ...] = field(default=())
    freezes: tuple[FreezeRule, ...] = ()
    trusts: tuple[str, ...] = ()
    """Folders whose programs every layer that grants takes for what they are called."""
