"""Use of a policy's rules according to a log: each question is decided anew, by the policy that is looked at."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from ..analysis.diff import diff
from ..automata.pattern import Pattern
from ..domain.actions import COMMAND, HOST, PATH, REF, SORT_OF
from ..domain.decision import Decision
from ..domain.errors import PolicyError, RequestError
from ..domain.limits import limit
from ..domain.serialize import effect_json
from ..ir.model import Rule
from ..lint.usage import Denied, RuleUse, Usage
from ..policy import Policy
from ..syntax.emit import string
from .cores import spread
from .learning.generalise import Bounds, Shape, command_least, never, path_least, ref_least, shapes
from .learning.observe import Seen, Word, words_of
from .learning.propose import said
from .questions import asked, question
from .replay import Replayed, opened_policy, portable, replay
from .row import earliest, table, text
from .source import Counted, every_record, lines, record_of

_EVIDENCE = 3
_MOST_VALUES = limit("usage_values")
_MOST_TRIES = limit("usage_tries")
"""Rules for which smaller patterns are tried by a replay."""
_MOST_MEMO = limit("replay_answers")


@dataclass(slots=True)
class _UsagePart:
    """What a part of the log says."""

    decisions: int = 0
    first: str = ""
    last: str = ""
    actions: set[str] = field(default_factory=set)
    grants: dict[tuple[str, str], dict[Word, Seen]] = field(default_factory=dict)
    denied: dict[tuple[str, str, str, str], Seen] = field(default_factory=dict)
    granted: set[tuple[str, str, str]] = field(default_factory=set)
    asked: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The rules that asked, by the ticket."""

    def merge(self, other: _UsagePart) -> None:
        self.decisions += other.decisions
        self.first = earliest(self.first, other.first)
        self.last = max(self.last, other.last)
        self.actions |= other.actions
        self.granted |= other.granted
        self.asked.update(other.asked)
        for key, values in other.grants.items():
            mine = self.grants.setdefault(key, {})
            for word, seen in values.items():
                if word in mine or len(mine) < _MOST_VALUES:
                    mine.setdefault(word, Seen()).add(seen)
        for what, seen in other.denied.items():
            if what in self.denied or len(self.denied) < _MOST_VALUES:
                self.denied.setdefault(what, Seen()).add(seen)


def usage_of(log: str, path: str) -> Usage:
    """What the log says of the rules of a policy file. Raises LogReadError, PolicyError."""
    data = portable(path)
    found = _UsagePart()
    for part in spread(lines(log), looker, (data,)):
        found.merge(part)
    policy = Policy.load(path)
    usage = Usage(found.decisions, _days(found), found.first, found.last, frozenset(found.actions))
    for (rule, _), values in found.grants.items():
        use = usage.uses.setdefault(rule, RuleUse())
        use.count += sum(s.count for s in values.values())
        use.values += len(values)
        use.last = max([use.last, *(s.last for s in values.values())])
    _answers(log, found, usage)
    _smaller(log, path, data, policy, found, usage)
    for (rule, agent, action, resource), seen in sorted(found.denied.items(), key=lambda d: -d[1].count):
        if (agent, action, resource) not in found.granted:
            usage.denied.append(Denied(rule, agent, action, resource, seen.count, len(seen.sessions)))
    return usage


def _days(found: _UsagePart) -> float:
    try:
        span = datetime.fromisoformat(found.last) - datetime.fromisoformat(found.first)
    except ValueError:
        return 0.0
    return span.total_seconds() / 86400


def looker(data: bytes) -> Callable[[list[Counted]], _UsagePart]:
    """What decides records anew by the policy of these bytes, and notes which rules granted."""
    policy = opened_policy(data)
    memo: dict[bytes, Decision | None] = {}

    def look(chunk: list[Counted]) -> _UsagePart:
        part = _UsagePart()
        for line, times in chunk:
            record = record_of(line)
            if record["kind"] != "decision":
                continue
            key = question(record)
            if key not in memo:
                if len(memo) >= _MOST_MEMO:
                    memo.clear()
                try:
                    memo[key] = policy.decide_request(asked(record))
                except RequestError:
                    memo[key] = None
            decision = memo[key]
            if decision is not None:
                _note(part, record, decision, times)
        return part

    return look


def _note(part: _UsagePart, record: dict[str, object], decision: Decision, times: int) -> None:
    request = table(record.get("request"))
    time = text(record.get("time"))
    part.decisions += times
    part.first = earliest(part.first, time)
    part.last = max(part.last, time)
    agent, action = text(request.get("agent")), text(request.get("action"))
    shown = str(request.get("resource"))[:200]
    seen = Seen(times, {text(request.get("session"))}, time)
    if decision.effect == "deny":
        rule = decision.rules[0].id if decision.rules else ""
        part.denied.setdefault((rule, agent, action, shown), Seen()).add(seen)
    else:
        part.granted.add((agent, action, shown))
    ticket = text(table(record.get("ticket")).get("id"))
    if ticket and decision.effect == "ask" and len(part.asked) < _MOST_VALUES:
        part.asked[ticket] = tuple(r.id for r in decision.rules)
    for effect in decision.effects:
        part.actions.add(effect.action)
        for ref in effect.verdict.support if decision.effect != "deny" else ():
            values = part.grants.setdefault((ref.id, effect.action), {})
            for word in words_of(effect_json(effect), request, record, None) or [("\0?",)]:
                if word in values or len(values) < _MOST_VALUES:
                    values.setdefault(word, Seen()).add(seen)


def _answers(log: str, found: _UsagePart, usage: Usage) -> None:
    """What people said to what rules asked."""
    if not found.asked:
        return
    for record in every_record(log):
        state = text(record.get("state")) if record.get("kind") == "approval-voted" else ""
        rules = found.asked.get(text(record.get("ticket")), ())
        for rule in rules if state in {"approved", "rejected"} else ():
            use = usage.uses.setdefault(rule, RuleUse())
            if state == "rejected":
                use.rejected += 1
            else:
                day = text(record.get("time"))[:10]
                use.approved[day] = use.approved.get(day, 0) + 1


# smaller patterns


def _smaller(log: str, path: str, data: bytes, policy: Policy, found: _UsagePart, usage: Usage) -> None:
    """For rules that reach further than what was seen, patterns that suffice, as a replay shows."""
    rules = {r.id: r for r in policy.policy_set.layers[0].rules if r.grants}
    tried = 0
    for name, use in usage.uses.items():
        rule = rules.get(name)
        if rule is None or use.values < _EVIDENCE or tried >= _MOST_TRIES:
            continue
        values = {w: s for (r, _), vs in found.grants.items() if r == name for w, s in vs.items()}
        if ("\0?",) in values or len(values) >= _MOST_VALUES:
            continue
        texts = _proposal(rule, values)
        if texts and set(texts) != {p.text for p in rule.include} and len(texts) <= 6:
            tried += 1
            whole = _with(rule, texts, path)
            if whole is not None and _suffices(log, path, data, policy, whole):
                use.smaller = tuple(texts)


def _proposal(rule: Rule, values: dict[Word, Seen]) -> list[str]:
    least = {
        PATH: path_least(_EVIDENCE, "read" not in rule.actions), REF: ref_least(_EVIDENCE),
        COMMAND: command_least(values, _EVIDENCE),
    }.get(rule.sort, never)  # fmt: skip
    if rule.sort == HOST:
        made = [Shape(w[:2], seen=s) for w, s in values.items()]
    else:
        made = shapes(values, Bounds(least, frozenset(), frozenset()), files=rule.sort == PATH)
    action = rule.actions[0]
    assert SORT_OF[action] == rule.sort
    return list(said("", action, made, (), []))


def _with(rule: Rule, texts: list[str], path: str) -> str | None:
    """The policy's text with these patterns instead of the rule's own; None when they do not stand in it."""
    source = rule.span.source
    patterns: list[Pattern] = [p for p in rule.include if p.text]
    body = source.text[rule.span.start : rule.span.end]
    first = min((body.find(string(p.text)) for p in patterns), default=-1)
    last = max((body.find(string(p.text)) + len(string(p.text)) for p in patterns), default=-1)
    if first < 0 or last <= first:
        return None
    changed = body[:first] + ", ".join(map(string, texts)) + body[last:]
    if os.path.abspath(source.path) != os.path.abspath(path):
        return None  # an import: what is changed there changes others
    return source.text[: rule.span.start] + changed + source.text[rule.span.end :]


def _suffices(log: str, path: str, data: bytes, policy: Policy, whole: str) -> bool:
    """True when that text permits less than the policy, and decides the log alike."""
    try:
        new, narrower = portable(path, whole), Policy.loads(whole, path)
    except PolicyError:
        return False
    change = diff(policy.engine, narrower.engine)
    if not change.has("narrowed") or change.has("widened", "lowered"):
        return False
    total = Replayed()
    for part in replay(lines(log), new, data):
        total.merge(part)
    return not total.changed and bool(total.same)
