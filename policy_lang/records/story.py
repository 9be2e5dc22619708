"""A session as a person reads it: instructions, requests, decisions and their reasons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ..domain.strict_json import Json
from .row import Row, effect_of, number, resource_of, row, table, tables, text

Resource = str | tuple[str, ...]
_TRIED_AGAIN = 5
"""Calls within which a denied resource that is reached for again counts as another try."""


@dataclass(slots=True)
class StoryStep:
    """One line of a story. `kind` is `told`, `did` or `happened`; `times` counts calls that are shown as one.

    `again` is the number of the denied step whose resource this one reaches for once more. `effects` are what a command
    does besides itself.
    """

    kind: str
    time: str
    words: str = ""
    row: Row | None = None
    times: int = 1
    until: str = ""
    seq: int = 0
    again: int = 0
    because: str = ""
    effects: list[tuple[str, Resource, str]] = field(default_factory=list)


@dataclass(slots=True)
class Story:
    """A session from its first record to its last."""

    session: str
    steps: list[StoryStep] = field(default_factory=list)
    agents: dict[str, None] = field(default_factory=dict)
    clients: dict[str, None] = field(default_factory=dict)
    policies: dict[str, None] = field(default_factory=dict)
    effects: dict[str, int] = field(default_factory=lambda: {"allow": 0, "ask": 0, "deny": 0})

    @property
    def decisions(self) -> int:
        """How many calls were decided."""
        return sum(self.effects.values())


def story(records: Iterable[Json], session: str) -> Story:
    """The story of one session. What happened to its agent, or to the service, meanwhile is part of it."""
    found = Story(session)
    instruction = ""
    between: list[StoryStep] = []
    for record in records:
        if record.get("kind") != "decision":
            if record.get("session") == session:
                found.steps += [*between, _happened(record)]
                between = []
            elif found.steps and _concerns(record, found):
                between.append(_happened(record))
            continue
        one = row(record)
        if one.session != session:
            continue
        found.steps += between  # what happened after the last call of a session is not its own
        between = []
        _seen(found, one)
        words = text(one.origin.get("instruction")) or text(one.origin.get("task"))
        if words and words != instruction:
            instruction = words
            found.steps.append(StoryStep("told", one.time, words, seq=one.seq))
        _add(found, one)
    return found


def _seen(found: Story, one: Row) -> None:
    found.effects[one.effect] += 1
    names = (one.agent, text(one.origin.get("client")), one.policy)
    for group, name in zip((found.agents, found.clients, found.policies), names, strict=True):
        if name:
            group[name] = None


def _add(found: Story, one: Row) -> None:
    before = found.steps[-1] if found.steps else None
    if before is not None and before.row is not None and _alike(before.row, one):
        before.times += 1
        before.until = one.time
        return
    step = StoryStep("did", one.time, row=one, until=one.time, seq=one.seq, because=_because(one))
    step.effects = list(_effects(one))
    step.again = _again(found, one)
    found.steps.append(step)


def _alike(a: Row, b: Row) -> bool:
    """Calls that are shown as one: plain allows of the same action, or the same call once more."""
    if (a.action, a.effect, a.would, a.agent) != (b.action, b.effect, b.would, b.agent):
        return False
    return a.resource == b.resource or (a.effect == "allow" and a.action == "read" and not a.would)


def _because(one: Row) -> str:
    for rule in tables(one.record.get("rules")):
        if text(rule.get("because")):
            return text(rule.get("because"))
    return one.reason


def _effects(one: Row) -> Iterator[tuple[str, Resource, str]]:
    for effect in tables(one.record.get("effects")):
        found = (text(effect.get("action")), resource_of(effect.get("resource")), effect_of(effect.get("effect")))
        if found[:2] != (one.action, one.resource) and found[0] != "run":
            yield found


def _again(found: Story, one: Row) -> int:
    """The denied step that this call goes back to by another way."""
    wanted = {one.resource, *(r for _, r, _ in _effects(one))}
    for step in [s for s in reversed(found.steps) if s.row is not None][:_TRIED_AGAIN]:
        assert step.row is not None
        if step.row.effect == "deny" and step.row.action != one.action:
            stopped = {step.row.resource, *(r for _, r, e in step.effects if e == "deny")}
            if wanted & stopped:
                return step.seq
    return 0


_COMMON = {"policy-loaded", "policy-refused", "policy-held", "serving", "stopped", "gap", "cut"}
_LINKS = {"v", "seq", "time", "kind", "prev", "hash", "session"}


def _concerns(record: Json, found: Story) -> bool:
    """What happened without a session, to the service or to the agent."""
    if record.get("session") is not None:
        return False
    return record.get("kind") in _COMMON or record.get("agent") in found.agents


def _happened(record: Json) -> StoryStep:
    """What a record says besides decisions."""
    kind = text(record.get("kind")).replace("-", " ")
    details = [f"{k} {v}" for k, v in record.items() if k not in _LINKS and isinstance(v, (str, int))]
    words = f"{kind}: {', '.join(details)}" if details else kind
    return StoryStep("happened", text(record.get("time")), words, seq=number(record.get("seq")))


def story_json(found: Story) -> Json:
    """As one JSON object."""
    return {
        "session": found.session, "agents": list(found.agents), "clients": list(found.clients),
        "policies": list(found.policies), "effects": found.effects,
        "steps": [_step_json(s) for s in found.steps],
    }  # fmt: skip


def _step_json(step: StoryStep) -> Json:
    out: Json = {"kind": step.kind, "seq": step.seq, "time": step.time}
    if step.row is None:
        return {**out, "words": step.words}
    request = table(step.row.record.get("request"))
    out |= {
        "action": step.row.action, "resource": request.get("resource"), "effect": step.row.effect, "times": step.times,
        "until": step.until, "id": step.row.id, "because": step.because, "rules": list(step.row.rules),
    }  # fmt: skip
    if step.row.would:
        out["would"] = step.row.would
    return {**out, "again": step.again} if step.again else out
