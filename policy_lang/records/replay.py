"""Past decisions that another policy would decide otherwise.

A record holds all that a decision depends on: the request, what the disk said, the minute. What a record does not hold
(it was cut, or a secret was taken out) is never guessed: such a decision is undecided.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from .._version import __version__
from ..audit.disk_snapshot import UNSEEN
from ..audit.secret_values import MARK
from ..compiled.opened import SUFFIX, read_compiled
from ..compiled.reader import Contents
from ..compiler.binary import compile_binary
from ..domain import strict_json
from ..domain.actions import ALLOW
from ..domain.decision import Decision
from ..domain.errors import RequestError
from ..domain.limits import limit
from ..domain.strict_json import Json
from ..policy import Policy
from ..resolve.files import overlay
from .cores import spread
from .questions import asked, question
from .row import Row, resource_of, row, said, table, tables
from .source import Counted, record_of

KINDS = {
    ("allow", "deny"): "denied",
    ("ask", "deny"): "denied",
    ("allow", "ask"): "asked",
    ("deny", "allow"): "allowed",
    ("deny", "ask"): "opened",
    ("ask", "allow"): "trusted",
}
"""What a change is called by what was decided and what would be; two `ask` of other tiers are `tiers`."""
CHANGES = ("denied", "allowed", "opened", "trusted", "asked", "tiers")
_EXAMPLES = 3
_MOST_MEMO = limit("replay_answers")
"""Questions whose answers a worker keeps: agents repeat themselves."""


@dataclass(slots=True)
class Example:
    """A past decision that would change."""

    time: str
    seq: int
    id: str
    action: str
    resource: str | tuple[str, ...]
    reason: str


@dataclass(slots=True)
class Group:
    """Changes of one kind, by the same rules, of one agent's calls. `rules` are those that decide now."""

    kind: str
    agent: str
    action: str
    before: str
    after: str
    rules: tuple[str, ...]
    count: int = 0
    examples: list[Example] = field(default_factory=list)

    @property
    def key(self) -> tuple[str, ...]:
        """What its decisions have in common."""
        return (self.kind, self.agent, self.action, self.before, self.after, *self.rules)

    def add(self, count: int, examples: Iterable[Example]) -> None:
        """Count more of them; the earliest are the examples."""
        self.count += count
        self.examples = sorted([*self.examples, *examples], key=lambda e: (e.time, e.seq, e.id))[:_EXAMPLES]


@dataclass(slots=True)
class Replayed:
    """What a replay found.

    `total` counts decisions; `undecided` those that the records do not tell enough about, by why; `skipped` those that
    no policy made, by why.
    """

    total: int = 0
    same: int = 0
    groups: dict[tuple[str, ...], Group] = field(default_factory=dict)
    undecided: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)

    @property
    def changed(self) -> Counter[str]:
        """How many would change, by kind."""
        found: Counter[str] = Counter()
        for group in self.groups.values():
            found[group.kind] += group.count
        return found

    def merge(self, other: Replayed) -> None:
        """Add what another part of the log showed."""
        self.total += other.total
        self.same += other.same
        self.undecided.update(other.undecided)
        self.skipped.update(other.skipped)
        for key, group in other.groups.items():
            mine = self.groups.get(key)
            if mine is None:
                self.groups[key] = group
            else:
                mine.add(group.count, group.examples)

    def ranked(self) -> list[Group]:
        """The groups, the gravest kind first, then the largest."""
        return sorted(self.groups.values(), key=lambda g: (CHANGES.index(g.kind), -g.count, g.key))

    def json(self) -> Json:
        """As one JSON object; `from_json` reads it."""
        return {
            "total": self.total, "same": self.same, "changed": {k: self.changed[k] for k in CHANGES if self.changed[k]},
            "undecided": dict(sorted(self.undecided.items())), "skipped": dict(sorted(self.skipped.items())),
            "groups": [
                {
                    "kind": g.kind, "agent": g.agent, "action": g.action, "before": g.before, "after": g.after,
                    "rules": list(g.rules), "count": g.count,
                    "examples": [
                        {
                            "time": e.time, "seq": e.seq, "id": e.id, "action": e.action,
                            "resource": list(e.resource) if isinstance(e.resource, tuple) else e.resource,
                            "reason": e.reason,
                        }
                        for e in g.examples
                    ],
                }
                for g in self.ranked()
            ],
        }  # fmt: skip

    @classmethod
    def from_json(cls, value: Json) -> Replayed:
        """What `json` wrote."""
        found = cls(value["total"], value["same"], {}, Counter(value["undecided"]), Counter(value["skipped"]))
        for g in value["groups"]:
            group = Group(g["kind"], g["agent"], g["action"], g["before"], g["after"], tuple(g["rules"]))
            group.add(g["count"], [Example(**{**e, "resource": resource_of(e["resource"])}) for e in g["examples"]])
            found.groups[group.key] = group
        return found


def portable(path: str, text: str | None = None) -> bytes:
    """A policy as bytes that any worker opens; with `text` as if that stood in the file. Raises PolicyError."""
    if text is not None:
        return compile_binary(path, __version__, read=overlay({path: text}))
    if path.endswith(SUFFIX):
        return read_compiled(path, __version__)[0]
    return compile_binary(path, __version__)


class Replayer:
    """Decides records anew by one policy, and compares with what was decided, or with what another would."""

    def __init__(self, new: bytes, old: bytes | None = None) -> None:
        self._new = opened_policy(new)
        self._old = None if old is None else opened_policy(old)
        self._memo: dict[bytes, tuple[str, Any]] = {}

    def replay(self, lines: Iterable[Counted]) -> Replayed:
        """The comparison over some records."""
        found = Replayed()
        for data, times in lines:
            record = record_of(data)
            if record["kind"] == "decision":
                self._one(found, record, times)
        return found

    def _one(self, found: Replayed, record: Json, times: int) -> None:
        found.total += times
        key = question(record)
        known = self._memo.get(key)
        if known is None:
            if len(self._memo) >= _MOST_MEMO:
                self._memo.clear()
            known = self._memo[key] = self._compared(row(record))
        kind, what = known
        if kind == "same":
            found.same += times
        elif kind == "skipped":
            found.skipped[what] += times
        elif kind == "undecided":
            found.undecided[what] += times
        else:
            agent, action, before, after, rules, reason = what
            group = Group(kind, agent, action, before, after, rules)
            group = found.groups.setdefault(group.key, group)
            one = row(record)
            group.add(times, [Example(one.time, one.seq, one.id, one.action, one.resource, reason)])

    def _compared(self, one: Row) -> tuple[str, Any]:
        source = table(one.record.get("source"))
        if source.get("frozen"):
            return "skipped", "the agent or session was frozen"
        if not one.policy:
            return "skipped", "no policy was in force"
        try:
            after = self._decided(self._new, one)
            before = _recorded(one, after) if self._old is None else _answer(self._decided(self._old, one))
        except RequestError as error:
            return "undecided", f"{error.code}: {error.message}"
        if before == _answer(after):
            return "same", None
        if self._old is None and _restricted_by_code(one):
            return "undecided", "the code of a file of the project decided, and of that a record holds the digest alone"
        if self._old is None and _redacted(one):
            return "undecided", "a secret was taken out of the request, and what is left is decided otherwise"
        kind = "tiers" if before[0] == after.effect else KINDS[before[0], after.effect]
        rules = tuple(dict.fromkeys(r.id for r in after.rules)) or _granted(one)
        reason = after.reasons[0] if after.reasons else ""
        return kind, (one.agent, one.action, _said(*before), _said(after.effect, after.tiers), rules, reason)

    @staticmethod
    def _decided(policy: Policy, one: Row) -> Decision:
        decision = policy.decide_request(asked(one.record))
        if not decision.rules and any(f"({UNSEEN})" in reason for reason in decision.reasons):
            raise RequestError(UNSEEN, "the record does not tell what lay on the disk there")
        return decision


def _granted(one: Row) -> tuple[str, ...]:
    """The rules that decided then: what no rule grants any more was granted by these."""
    return tuple(f"(no longer) {r}" for r in one.rules) if said(one.record)[0] != "deny" else ()


def _recorded(one: Row, after: Decision) -> tuple[str, tuple[str, ...]]:
    """What was decided; an allow that people had approved was an ask, and of whom its ticket knows."""
    if one.effect == "allow" and table(one.record.get("ticket")):
        return "ask", after.tiers if after.effect == "ask" else ()
    return said(one.record)


def _redacted(one: Row) -> bool:
    return bool(one.record.get("redacted")) and MARK in strict_json.dump(one.record.get("request")).decode("ascii")


def _restricted_by_code(one: Row) -> bool:
    """Whether code that was read from a file of the project met a rule that restricts it."""
    return any("file" in e and e.get("effect") != ALLOW for e in tables(one.record.get("effects")))


def _answer(decision: Decision) -> tuple[str, tuple[str, ...]]:
    return decision.effect, decision.tiers


def _said(effect: str, tiers: tuple[str, ...]) -> str:
    return f"{effect} {', '.join(tiers)}" if tiers else effect


def opened_policy(data: bytes) -> Policy:
    """The policy that `portable` made bytes of."""
    return Policy.of_compiled(Contents(data))


def replay(lines: Iterable[Counted], new: bytes, old: bytes | None = None, workers: int = 0) -> Iterator[Replayed]:
    """The comparison over a log, part by part as they are done: `merge` them. Raises LogReadError.

    `workers` is how many processes decide; by default one for each core. What is found does not depend on it.
    """
    return spread(lines, _replayer, (new, old), workers)


def _replayer(new: bytes, old: bytes | None) -> Callable[[list[Counted]], Replayed]:
    return Replayer(new, old).replay
