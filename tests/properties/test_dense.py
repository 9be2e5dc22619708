"""Differences in a world so small that every request in it is asked: nothing may be missed.

Rules over two names meet, shadow and except each other all the time, which rules over a realistic world seldom do.
"""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from policy_lang import Policy, Request
from policy_lang.analysis.diff import diff
from policy_lang.domain.errors import PolicyError
from tests.lanes import pick, share

NAMES = ("a", "b", "ab")
WORLD = tuple("/".join(p) for n in (1, 2, 3) for p in itertools.product(NAMES, repeat=n))
ORDER = {"deny": 0, "ask": 1, "allow": 2}

segments = st.sampled_from(["a", "b", "*", "a*", "*b", "[ab]", "?", "{a,b}"])


@st.composite
def patterns(draw: st.DrawFn) -> str:
    parts = draw(st.lists(segments, min_size=1, max_size=3))
    if draw(st.booleans()):
        parts.insert(draw(st.integers(0, len(parts))), "**")
    return "/".join(parts) + draw(st.sampled_from(["", "", "/"]) if parts[-1] != "**" else st.just(""))


@st.composite
def rule(draw: st.DrawFn) -> str:
    effect = draw(st.sampled_from(["allow", "allow", "allow", "deny", "ask review"]))
    include = ", ".join(f'"{p}"' for p in draw(st.lists(patterns(), min_size=1, max_size=2)))
    exclude = ", ".join(f'"{p}"' for p in draw(st.lists(patterns(), max_size=2)))
    return f"{effect} read {include}" + (f" except {exclude}" if exclude else "")


rules = st.lists(rule(), min_size=1, max_size=2)
HEAD = 'policy "p"\ntier review { approvers "@x" }\n'


def loaded(lines: list[str]) -> Policy | None:
    """A policy of the rules that mean something by themselves."""
    kept = []
    for line in lines:
        try:
            Policy.loads(HEAD + line)
        except PolicyError:
            continue
        kept.append(line)
    try:
        return Policy.loads(HEAD + "\n".join(kept))
    except PolicyError:
        return None


def answers(policy: Policy) -> dict[str, str]:
    asked = {p: Request("read", p, cwd="/w", workspace="/w", home="/h", lexical=True) for p in WORLD}
    return {p: policy.decide_request(r).effect for p, r in asked.items()}


@settings(deadline=None, max_examples=share(300, 6000))
@given(rules, rules, st.sampled_from(["other", "one", "without"]), st.booleans())
def test_no_difference_between_small_policies_is_missed(
    first: list[str], second: list[str], how: str, turned: bool
) -> None:
    """The other policy is another one, has one rule changed, or has lost its exceptions."""
    changed = {
        "other": second, "one": [*first[1:], second[0]], "without": [line.partition(" except ")[0] for line in first]
    }[how]  # fmt: skip
    old, new = loaded(first), loaded(changed)
    if old is None or new is None:
        return
    if turned:
        old, new = new, old
    found = diff(old.engine, new.engine)
    assert not found.undecided
    before, after = answers(old), answers(new)
    kinds = {r.kind for r in found.rows}
    for path in WORLD:
        a, b = before[path], after[path]
        if a == b:
            continue
        kind = ("widened" if a == "deny" else "lowered") if ORDER[b] > ORDER[a] else ("narrowed" if b == "deny" else "raised")  # fmt: skip
        assert kind in kinds, (path, a, b, found.rows)


SMALL = [
    "/".join(p) + end
    for n in (1, 2)
    for p in itertools.product(["a", "*", "b*", "**"], repeat=n)
    for end in ("", "/")
    if not (p[-1] == "**" and end) and p != ("**", "**")
]


def test_an_exception_that_is_taken_away_widens() -> None:
    """Every rule with one pattern and one exception, of one or two segments; `./check` tries every third."""
    asked = {p: Request("read", p, cwd="/w", workspace="/w", home="/h", lexical=True) for p in WORLD}
    for include, exclude in itertools.islice(itertools.product(SMALL, SMALL), 0, None, pick(3, 1, 1)):
        new = Policy.loads(f'policy "p" allow read "{include}"')
        try:
            old = Policy.loads(f'policy "p" allow read "{include}" except "{exclude}"')
        except PolicyError:
            continue  # the exception takes everything away
        differs = any(old.decide_request(r).effect != new.decide_request(r).effect for r in asked.values())
        found = {r.kind for r in diff(old.engine, new.engine).rows}
        assert ("widened" in found) >= differs and found <= {"widened"}, (include, exclude, found)
        back = {r.kind for r in diff(new.engine, old.engine).rows}
        assert ("narrowed" in back) >= differs and back <= {"narrowed"}, (include, exclude, back)
