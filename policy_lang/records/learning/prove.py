"""Learning with proof: a draft is replayed over the log and compared with the policy in force until both agree."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from ...analysis.diff import Diff, diff
from ...analysis.spaces import Layout
from ...domain.limits import limit
from ...domain.request import Request
from ...facts.paths import DEFAULT_TMP
from ...ir.model import Rule
from ...policy import Policy
from ..cores import spread
from ..replay import Replayed, portable, replay
from ..source import Counted
from .observe import Observed, Word, observer
from .propose import Corrections, Draft, LearnedRule, Wishes, draft, only_repo

_MOST_ROUNDS = limit("learn_rounds")
_MOST_EXACT = limit("learn_exact")
_FILE = "learned.policy"
_WIDER = ("widened", "lowered")
Read = Callable[[], Iterable[Counted]]


@dataclass(slots=True)
class Learned:
    """A policy and what is proved about it.

    `replayed` compares it with what was recorded: a `denied` or `asked` there is something observed that it does not
    keep. `difference` is that to the policy in force, when one was given: `widened` rows are what it grants beyond.
    """

    draft: Draft
    observed: Observed
    replayed: Replayed
    difference: Diff | None = None
    judge: list[LearnedRule] = field(default_factory=list)

    @property
    def kept(self) -> bool:
        """True when every observed allow and ask is decided as it was."""
        return not (self.replayed.changed["denied"] or self.replayed.changed["asked"] or self.replayed.changed["tiers"])

    @property
    def narrow(self) -> bool:
        """True when nothing that was denied is granted, and nothing beyond the policy in force."""
        grown = any(self.replayed.changed[k] for k in ("allowed", "opened", "trusted"))
        return not grown and (self.difference is None or not self.difference.has(*_WIDER))


def learn(
    read: Read, wishes: Wishes, in_force: Policy | None = None, agent: str | None = None, workers: int = 0,
    folder: str = "",
) -> Learned:  # fmt: skip
    """The least policy that keeps what a log shows. `read` gives the log's records, from the beginning each time.

    The policy is to stand in `folder`, where what it stands within is looked up. Raises LogReadError.
    """
    path = os.path.join(folder, _FILE)
    observed = Observed()
    for part in spread(read(), observer, (agent,), workers):
        observed.merge(part)
    if in_force is not None and not wishes.tiers:
        wishes = replace(wishes, tiers=dict(in_force.policy_set.tiers), attributes=dict(in_force.attributes))
    corrections = Corrections()
    difference: Diff | None = None
    made = draft(observed, wishes, corrections)
    for _ in range(_MOST_ROUNDS):
        policy = Policy.loads(made.text, path)
        changed = _uncovered(made, policy, observed, corrections)
        if not changed and in_force is not None:
            difference = diff(in_force.engine, policy.engine, _layout(observed))
            changed = _too_wide(made, policy, difference, corrections)
        if not changed:
            replayed = _replayed(read, made, path, agent, workers)
            changed = _grown(made, policy, replayed, corrections)
            if not changed:
                break
        made = draft(observed, wishes, corrections)
    else:
        replayed = _replayed(read, made, path, agent, workers)
        if in_force is not None:
            difference = diff(in_force.engine, Policy.loads(made.text, path).engine, _layout(observed))
    judge = [r for r in made.rules if any(s.judge for s in r.shapes.values())]
    return Learned(made, observed, replayed, difference, judge)


def _replayed(read: Read, made: Draft, path: str, agent: str | None, workers: int) -> Replayed:
    found = Replayed()
    for part in replay(read(), portable(path, made.text), None, workers):
        found.merge(part)
    if agent is not None:
        found.groups = {k: g for k, g in found.groups.items() if g.agent == agent}
    return found


def _layout(observed: Observed) -> Layout:
    """Where things mostly lay."""
    usual = {name: next((v for v, _ in c.most_common() if v), None) for name, c in observed.places.items()}
    return Layout(usual["workspace"], usual["home"], usual["tmp"] or DEFAULT_TMP)


def _uncovered(made: Draft, policy: Policy, observed: Observed, corrections: Corrections) -> bool:
    """Commands that their own pattern leaves out, because an option must be named: they are written out."""
    changed = False
    for rule in made.rules:
        places = [s.place for s in rule.shapes.values() if s.general]
        for agent in rule.agents if rule.actions == ("run",) and places else ():
            exact = corrections.exact.setdefault((agent, rule.tier), set())
            for word in observed.needs.get((agent, "run", rule.tier, "", rule.confined), ()):
                if word in exact or word[-1] == "**" or len(exact) >= _MOST_EXACT:
                    continue
                if any(word[: len(p)] == p for p in places) and _refused(policy, word, agent, observed, rule):
                    exact.add(word)
                    changed = True
    return changed


def _refused(policy: Policy, word: Word, agent: str, observed: Observed, rule: LearnedRule) -> bool:
    repo = only_repo(observed, agent) or None
    where, walls = "/workspace", rule.confined
    request = Request("run", word, agent or None, repo, workspace=where, cwd=where, lexical=True, confined=walls)
    own = next((e for e in policy.decide_request(request).effects if e.action == "run" and e.resource == word), None)
    return own is not None and own.verdict.effect == "deny"


def _too_wide(made: Draft, policy: Policy, difference: Diff, corrections: Corrections) -> bool:
    """Patterns that reach beyond the policy in force are taken back."""
    lines = _lines(made, policy)
    changed = False
    for row in difference.rows:
        own = [(row.rule, row.pattern)] if row.side == "new" else [(r, "") for r in row.new.rules]
        for ref, pattern in own if row.kind in _WIDER else ():
            rule = lines.get(ref.line) if ref.file.endswith(_FILE) else None
            changed = (rule is not None and _block(rule, pattern, corrections)) or changed
    return changed


def _grown(made: Draft, policy: Policy, replayed: Replayed, corrections: Corrections) -> bool:
    """Patterns that grant what was denied or asked are taken back."""
    lines = _lines(made, policy)
    ids = {r.id: lines[r.line] for r in _mine(policy) if r.line in lines}
    changed = False
    for group in replayed.groups.values():
        if group.kind in {"allowed", "opened", "trusted", "asked"}:
            for name in group.rules:
                rule = ids.get(name)
                changed = (rule is not None and _block(rule, "", corrections)) or changed
    return changed


def _block(rule: LearnedRule, pattern: str, corrections: Corrections) -> bool:
    """Generalise no more where a pattern did; where it is not told which, nowhere in the rule."""
    named = [s for text, s in rule.shapes.items() if text == pattern and s.general]
    before = len(corrections.blocked)
    for shape in named or [s for s in rule.shapes.values() if s.general]:
        corrections.blocked |= {(agent, action, shape.place) for agent in rule.agents for action in rule.actions}
    return len(corrections.blocked) > before


def _lines(made: Draft, policy: Policy) -> dict[int, LearnedRule]:
    """The learned rules by the line on which they stand."""
    return dict(zip(sorted({r.line for r in _mine(policy)}), made.rules, strict=True))


def _mine(policy: Policy) -> list[Rule]:
    """The rules that stand in the learned file itself."""
    return [r for layer in policy.policy_set.layers for r in layer.rules if r.file.endswith(_FILE)]
