"""Statistics of a log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..domain.limits import limit
from ..domain.strict_json import Json
from .row import Row, number, table

_MOST = limit("stats_names")
"""Names of one kind that are counted; a log may hold any number of them."""
_NO_RULE = "(no rule grants it)"


@dataclass(slots=True)
class Stats:
    """Counts over decisions. `micros` are how long they took, by half powers of two, so that any log fits."""

    decisions: int = 0
    first: str = ""
    last: str = ""
    effects: Counter[str] = field(default_factory=Counter)
    agents: dict[str, Counter[str]] = field(default_factory=dict)
    actions: dict[str, Counter[str]] = field(default_factory=dict)
    rules: dict[str, Counter[str]] = field(default_factory=dict)
    tiers: Counter[str] = field(default_factory=Counter)
    policies: Counter[str] = field(default_factory=Counter)
    sessions: set[str] = field(default_factory=set)
    denied: Counter[tuple[str, str]] = field(default_factory=Counter)
    redacted: Counter[str] = field(default_factory=Counter)
    would: Counter[str] = field(default_factory=Counter)
    """What the policy said to what was let pass, because it was only observed."""
    opaque: int = 0
    _micros: Counter[int] = field(default_factory=Counter)

    def add(self, row: Row) -> None:
        """Count one decision, or as many as a record of distinct questions stands for."""
        times = max(1, number(row.record.get("times")))
        self.decisions += times
        self.first = self.first or row.time
        self.last = max(self.last, row.time)
        self.effects[row.effect] += times
        if row.would:
            self.would[row.would] += times
        for group, name in ((self.agents, row.agent), (self.actions, row.action)):
            self._count(group, name, row.effect, times)
        for rule in row.rules or ((_NO_RULE,) if row.effect == "deny" else ()):
            self._count(self.rules, rule, row.effect, times)
        for tier in row.tiers:
            self.tiers[tier] += times
        self.policies[row.policy] += times
        if len(self.sessions) < _MOST:
            self.sessions.add(row.session)
        if row.effect == "deny" and len(self.denied) < _MOST:
            resource = row.resource if isinstance(row.resource, str) else " ".join(row.resource)
            self.denied[row.action, resource[:200]] += times
        for kind, count in table(row.record.get("redacted")).items():
            self.redacted[kind] += number(count) * times
        self.opaque += times * bool(row.record.get("opaque"))
        self._micros[_step(max(row.micros, 1))] += times

    def _count(self, group: dict[str, Counter[str]], name: str, effect: str, times: int) -> None:
        if name not in group and len(group) >= _MOST:
            name = "(others)"
        group.setdefault(name, Counter())[effect] += times

    def micros(self, share: float) -> int:
        """About how long the slowest of that share of the decisions took, in microseconds."""
        left = share * self.decisions
        for step in sorted(self._micros):
            left -= self._micros[step]
            if left <= 0:
                bits = step // 2
                return 1 << bits if step % 2 else (3 << bits) >> 2
        return 0

    def json(self) -> Json:
        """As one JSON object."""

        def groups(found: dict[str, Counter[str]]) -> Json:
            return {name: dict(counts) for name, counts in sorted(found.items())}

        return {
            "decisions": self.decisions, "first": self.first, "last": self.last, "effects": dict(self.effects),
            "agents": groups(self.agents), "actions": groups(self.actions), "rules": groups(self.rules),
            "tiers": dict(self.tiers), "policies": dict(self.policies), "sessions": len(self.sessions),
            "most_denied": [{"action": a, "resource": r, "times": n} for (a, r), n in self.denied.most_common(20)],
            "redacted": dict(self.redacted), "would": dict(self.would), "opaque": self.opaque,
            "micros": {"p50": self.micros(0.5), "p95": self.micros(0.95), "p99": self.micros(0.99)},
        }  # fmt: skip


def _step(micros: int) -> int:
    bits = micros.bit_length()
    return 2 * bits + (4 * micros >= 3 << bits)


def counted(rows: Iterable[Row]) -> Stats:
    """The counts of some decisions."""
    found = Stats()
    for one in rows:
        found.add(one)
    return found
