"""The same question in an SMT solver's theory of strings and regular expressions (z3), for comparison only."""

from __future__ import annotations

import importlib
import time
from typing import Any

Rule = tuple[str, str]


def widened(old: list[Rule], new: list[Rule], seconds: float = 60.0) -> tuple[str, float]:
    """Is there a path that `new` allows and `old` does not? The solver's word, and its seconds; empty without z3."""
    try:
        z3: Any = importlib.import_module("z3")
    except ImportError:
        return "", 0.0
    path = z3.String("path")
    slash = z3.Re("/")
    char = z3.Diff(z3.AllChar(z3.ReSort(z3.StringSort())), slash)
    segment = z3.Plus(char)

    def piece(text: str) -> Any:
        parts = [z3.Star(char) if c == "*" else char if c == "?" else z3.Re(c) for c in text]
        return segment if text == "*" else parts[0] if len(parts) == 1 else z3.Concat(*parts)

    def pattern(text: str) -> Any:
        out: list[Any] = []
        parts = text.split("/")
        for i, part in enumerate(parts):
            last = i == len(parts) - 1
            if part == "**":
                out.append(
                    z3.Concat(segment, z3.Star(z3.Concat(slash, segment)))
                    if last
                    else z3.Star(z3.Concat(segment, slash))
                )
            else:
                out += [piece(part)] if last else [piece(part), slash]
        return out[0] if len(out) == 1 else z3.Concat(*out)

    def union(rules: list[Rule], effect: str) -> Any:
        found = [pattern(p) for e, p in rules if e == effect]
        if not found:
            return z3.Empty(z3.ReSort(z3.StringSort()))
        return found[0] if len(found) == 1 else z3.Union(*found)

    def allowed(rules: list[Rule]) -> Any:
        return z3.And(z3.InRe(path, union(rules, "allow")), z3.Not(z3.InRe(path, union(rules, "deny"))))

    solver = z3.Solver()
    solver.set("timeout", int(seconds * 1000))
    solver.add(z3.InRe(path, z3.Concat(segment, z3.Star(z3.Concat(slash, segment)))))
    solver.add(allowed(new), z3.Not(allowed(old)))
    start = time.perf_counter()
    answer = str(solver.check())
    return {"sat": "differs", "unsat": "same"}.get(answer, answer), time.perf_counter() - start


def measure(rules: list[Rule], changes: dict[str, list[Rule]], seconds: float) -> list[str]:
    """A line for each change, both directions together as `policy diff` answers them."""
    lines: list[str] = []
    for name, changed in changes.items():
        first, took = widened(rules, changed, seconds)
        if not first:
            return ["z3 is not installed; see requirements/bench.txt"]
        second, more = widened(changed, rules, seconds)
        lines.append(f"{'z3':9} {len(rules):>6} {name:>10} {(took + more) * 1e3:>9.1f}  {first} / {second}")
    return lines
