"""Differences and proofs over a seeded monorepo: time, memory, scaling, and an SMT solver on what it can do."""

from __future__ import annotations

import gc
import random
import time
import tracemalloc
from collections.abc import Callable

from bench import smt, workload
from policy_lang import Policy
from policy_lang.analysis.diff import Diff, diff
from policy_lang.analysis.facts import rule_facts
from policy_lang.analysis.prove import prove

Rule = tuple[str, str]
SIZES = (10, 100, 1_000, 10_000)
WORDS = ["secret", "test", "build", "key", "tmp", "gen", "x", "lib", "main", "old"]


def text_of(rules: list[Rule], action: str, more: str = "") -> str:
    """A policy file of these rules."""
    return 'policy "bench"\n' + "\n".join(f'{e} {action} "{p}"' for e, p in rules) + f"\n{more}\n"


def hostile(count: int, seed: int) -> list[Rule]:
    """Overlapping globs without common prefixes, `**` and infixes mixed."""
    pick = random.Random(seed)

    def part() -> str:
        word = pick.choice(WORDS)
        return pick.choice([word, f"*{word}*", f"{word[0]}*{word[-1]}", "*", f".{word}*", f"{word}?"])

    out: list[Rule] = []
    for _ in range(count):
        parts = [part() for _ in range(pick.randint(1, 4))]
        if pick.random() < 0.6:
            parts.insert(0, "**")
        if pick.random() < 0.4:
            parts.append("**")
        out.append(("allow" if pick.random() < 0.7 else "deny", "/".join(parts)))
    return out


def changes(rules: list[Rule], seed: int = 5) -> dict[str, list[Rule]]:
    """The same policy changed in five ways."""
    pick = random.Random(seed)
    shuffled = pick.sample(rules, len(rules))
    split = [(e, q) for e, p in rules for q in ((f"{p[:-3]}/*", f"{p[:-3]}/*/**") if p.endswith("/**") else (p,))]
    denies = [i for i, (e, p) in enumerate(rules) if e == "deny"]
    out = {
        "equal": shuffled,
        "rewritten": split,
        "narrowed": [r for r in rules if pick.random() > 3 / len(rules)] + [("deny", "**/*.tmp")],
        "widened": [*rules, ("allow", "services/svc00001/deploy/*.sh"), ("allow", "vault/**")],
    }
    if denies:
        dropped = pick.choice(denies)
        out["undenied"] = [r for i, r in enumerate(rules) if i != dropped]
    return out


def timed(work: Callable[[], Diff], least: float = 0.2) -> tuple[float, Diff]:
    """The best of some runs in seconds, and the result."""
    best, spent = float("inf"), 0.0
    while spent < least or best == float("inf"):
        gc.collect()
        start = time.perf_counter()
        found = work()
        took = time.perf_counter() - start
        best, spent = min(best, took), spent + took
    return best, found


def measure(sizes: tuple[int, ...] = SIZES, seconds: float = 0.2) -> None:
    """Print the table, row by row."""
    print(f"{'workload':9} {'rules':>6} {'question':>10} {'ms':>9} {'MB':>7} {'rows':>6}  answer")
    for name in ("monorepo", "hostile"):
        for size in sizes:
            if name == "hostile" and size > 1_000:
                continue
            rules = workload.rules("path", size) if name == "monorepo" else hostile(size, 3)
            old = workload.load(text_of(rules, "read"))
            changed = changes(rules)
            for change, after in changed.items():
                new = workload.load(text_of(after, "read"))
                took, found = timed(lambda o=old, n=new: diff(o.engine, n.engine), seconds)  # type: ignore[misc]
                memory = _memory(old, new)
                answer = "same" if found.same else "undecided" if found.undecided else "differs"
                head = f"{name:9} {size:>6} {change:>10}"
                print(f"{head} {took * 1e3:>9.1f} {memory:>7.1f} {len(found.rows):>6}  {answer}", flush=True)
            print(f"{name:9} {size:>6} {'prove':>10} {_proof(rules, seconds) * 1e3:>9.1f}", flush=True)
            if size <= 1_000:
                print(f"{name:9} {size:>6} {'facts':>10} {_facts(rules) * 1e3:>9.1f}", flush=True)
            if size <= 100:
                print("\n".join(smt.measure(rules, changed, 60.0)), flush=True)


def _facts(rules: list[Rule]) -> float:
    """Dead, redundant and idle rules, every rule of them."""
    policy = workload.load(text_of(rules, "read"))
    begin = time.perf_counter()
    rule_facts(policy.engine)
    return time.perf_counter() - begin


def _memory(old: Policy, new: Policy) -> float:
    tracemalloc.start()
    diff(old.engine, new.engine)
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return peak


def _proof(rules: list[Rule], seconds: float) -> float:
    claim = 'prove "p" { never allow read "**/.env.e*"  always deny read "secrets/**" }'
    policy = workload.load(text_of(rules, "read", claim))
    best = float("inf")
    start = time.perf_counter()
    while time.perf_counter() - start < seconds or best == float("inf"):
        begin = time.perf_counter()
        prove(policy.engine)
        best = min(best, time.perf_counter() - begin)
    return best
