"""Policies about commands with options: what `diff` and the facts about rules say agrees with what is decided."""

from __future__ import annotations

from collections import Counter
from random import Random, SystemRandom

import pytest

from policy_lang import Policy
from policy_lang.analysis.diff import diff
from policy_lang.analysis.facts import rule_facts
from policy_lang.analysis.witness import verdict_on
from policy_lang.domain.decision import Verdict
from tests.lanes import LANE, PARTS, pick

from .commands import HEADER, PROGRAMS, changed, load, rule, rules, witness

PAIRS, SAMPLED = pick(150, 1_000, 2_500), pick(30, 30, 400)
"""The least pairs of a part: compared by the search alone, and with requests tried one by one."""
VARIANTS, REQUESTS = 5, 60
COVERS = {"security": {"security", "review"}, "review": {"review"}}


def relation(old: Verdict, new: Verdict) -> set[str]:
    """How a request's two decisions differ."""
    if "deny" in (old.effect, new.effect):
        return {"widened"} if new.effect != "deny" else {"narrowed"} if old.effect != "deny" else set()
    before, after = (set().union(*(COVERS[t] for t in v.tiers)) for v in (old, new))
    logs = ["log" in v.obligations for v in (old, new)]
    found = {
        "lowered": before - after,
        "raised": after - before,
        "unlogged": logs == [True, False],
        "logged": logs == [False, True],
    }
    return {kind for kind, differs in found.items() if differs}


class Group:
    """Variants of one policy, and requests that they decide."""

    def __init__(self, seed: int) -> None:
        draw = Random(seed)
        programs = draw.sample(PROGRAMS, draw.choice([1, 1, 2]))
        self.guarded = [rule(draw, programs, guardrail=True)] if draw.random() < 0.2 else []
        base = rules(draw, programs)
        variants = [base, *(changed(draw, programs, base) for _ in range(VARIANTS - 1))]
        self.loaded = [(v, p) for v in variants if (p := load(v, self.guarded)) is not None]
        self.witnesses = [witness(draw, programs) for _ in range(REQUESTS)]
        self.answers = [self.decided(p) for _, p in self.loaded]

    def decided(self, policy: Policy) -> list[Verdict]:
        return [verdict_on(policy._engine, w) for w in self.witnesses]

    def told(self, *policies: list[str]) -> str:
        return "\n--- \n".join("\n".join(p) for p in (self.guarded, *policies))


def compared(group: Group, count: Counter[str], sample: bool) -> None:
    """Every two of a group, both ways: each request that is decided differently is told of, or left open."""
    for (old, first), before in zip(group.loaded, group.answers, strict=True):
        for (new, second), after in zip(group.loaded, group.answers, strict=True):
            if first is second:
                continue
            found = diff(first._engine, second._engine, sample=sample)
            known = {r.kind for r in found.rows} | {u.kind for u in found.undecided}
            count["pairs"] += 1
            count["undecided"] += bool(found.undecided)
            for row in found.rows:
                verdicts = [verdict_on(p._engine, row.proof) for p in (first, second)]
                assert row.kind in relation(*verdicts), (row, group.told(old, new))
            for asked, mine, theirs in zip(group.witnesses, before, after, strict=True):
                kinds = relation(mine, theirs)
                count["differences"] += bool(kinds)
                assert kinds <= known, (kinds - known, asked.resource, asked.given, group.told(old, new))


def without_what_is_said_to_decide_nothing(group: Group, count: Counter[str]) -> None:
    """A rule that a fact says could go is taken out, and no request is decided differently."""
    for (lines, policy), before in zip(group.loaded, group.answers, strict=True):
        for fact in rule_facts(policy._engine).found:
            at = fact.rule.line - HEADER - bool(group.guarded) - 1
            if fact.rule.file != "/p/p.policy" or fact.kind not in {"dead", "redundant", "idle", "neutralised"}:
                continue
            rest = load(lines[:at] + lines[at + 1 :], group.guarded)
            if rest is None:
                continue
            count["facts"] += 1
            for asked, mine, theirs in zip(group.witnesses, before, group.decided(rest), strict=True):
                same = (mine.effect, mine.tiers, mine.obligations) == (theirs.effect, theirs.tiers, theirs.obligations)
                assert same, (fact.kind, lines[at], asked.resource, asked.given, group.told(lines))


@pytest.mark.parametrize("part", PARTS)
def test_what_is_said_about_options_is_what_is_decided(part: int) -> None:
    count: Counter[str] = Counter()
    seed = SystemRandom().getrandbits(40) if LANE == "nightly" else 1_000_000 * part
    while count["pairs"] < PAIRS:
        group = Group(seed)
        compared(group, count, sample=False)  # the search alone
        without_what_is_said_to_decide_nothing(group, count)
        seed += 1
    assert count["differences"] > count["pairs"]
    assert count["facts"] > count["pairs"] // 20


@pytest.mark.parametrize("part", PARTS[: pick(2, 2, 8)])
def test_little_is_left_undecided(part: int) -> None:
    """With requests tried one by one, a twentieth of the pairs at most, and nothing that was decided is wrong."""
    count: Counter[str] = Counter()
    seed = SystemRandom().getrandbits(40) if LANE == "nightly" else 1_000_000 * part + 500_000
    while count["pairs"] < SAMPLED:
        compared(Group(seed), count, sample=True)
        seed += 1
    assert count["undecided"] <= count["pairs"] // 20 + 3
