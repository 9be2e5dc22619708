"""What users may rely on whatever the policy: narrowing, order, formatting, failing closed."""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from policy_lang import Policy, PolicyError, Request
from policy_lang.domain.actions import ACTIONS
from policy_lang.domain.errors import Source
from policy_lang.syntax.format import format_file
from policy_lang.syntax.parse import parse
from tests.lanes import share
from tests.reference import semantics as ref
from tests.reference.patterns import YES

from .strategies import SORTS, files, module_text, policies, requests, rules
from .support import IMPOSSIBLE, ask, load

STRICT = {"allow": 0, "ask": 1, "deny": 2}


def covered(policy: ref.Policy, tier: str, by: set[str]) -> bool:
    return tier in by or any(tier in ref.included(policy, b) for b in by)


@settings(max_examples=share(150))
@given(st.data())
def test_adding_a_deny_never_permits_more(data: st.DataObject) -> None:
    policy = data.draw(policies())
    before = load(policy)
    extra = data.draw(rules(guardrail=True))
    extra.effect, extra.tier = "deny", ""
    policy.root.rules.append(extra)
    after = load(policy)
    if before is None or after is None:
        return
    for _ in range(8):
        request = data.draw(requests(policy))
        old, new = ask(before, request), ask(after, request)
        assert STRICT[new.effect] >= STRICT[old.effect]


@settings(max_examples=share(150))
@given(st.data())
def test_adding_an_ask_never_allows_more_and_never_drops_a_tier(data: st.DataObject) -> None:
    policy = data.draw(policies())
    before = load(policy)
    extra = data.draw(rules(guardrail=True))
    extra.effect, extra.tier = "ask", "legal"
    policy.root.rules.append(extra)
    after = load(policy)
    if before is None or after is None:
        return
    for _ in range(8):
        request = data.draw(requests(policy))
        old, new = ask(before, request), ask(after, request)
        if old.effect == "deny":
            assert new.effect != "allow"
        else:
            assert STRICT[new.effect] >= STRICT[old.effect]
            by_default = any(
                "#otherwise-" in rule.id for rule in old.verdict.support
            )  # a rule of its own may take its place
            assert by_default or all(covered(policy, t, set(new.tiers)) for t in old.tiers)


@settings(max_examples=share(100))
@given(st.data())
def test_a_guardrail_only_narrows(data: st.DataObject) -> None:
    policy = data.draw(policies())
    before = load(policy)
    guard = ref.Module("guard", True, data.draw(st.lists(rules(guardrail=True), min_size=1, max_size=3)))
    policy.root.imports.append((guard, []))
    after = load(policy)
    if before is None or after is None:
        return
    for _ in range(8):
        request = data.draw(requests(policy))
        assert STRICT[ask(after, request).effect] >= STRICT[ask(before, request).effect]


@settings(max_examples=share(100))
@given(st.data())
def test_order_of_rules_and_imports_never_matters(data: st.DataObject) -> None:
    policy = data.draw(policies())
    first = load(policy)
    shuffle = random.Random(data.draw(st.integers(0, 1 << 30))).shuffle
    todo = [policy.root]
    while todo:
        module = todo.pop()
        shuffle(module.rules)
        shuffle(module.imports)
        shuffle(module.ceilings)
        todo += [m for m, _ in module.imports] + module.ceilings
    second = load(policy)
    assert (first is None) == (second is None)
    if first is None or second is None:
        return
    assert first.digest == second.digest
    for _ in range(6):
        request = data.draw(requests(policy))
        one, two = ask(first, request), ask(second, request)
        assert (one.effect, one.tiers) == (two.effect, two.tiers)
        assert {r.id.partition("~")[0] for r in one.rules} == {r.id.partition("~")[0] for r in two.rules}


def with_comments(text: str, places: list[int]) -> str:
    """Comments at the ends of lines and on lines of their own."""
    lines = text.split("\n")
    for number, place in enumerate(places):
        at = place % len(lines)
        if number % 2:
            lines.insert(at, f"   # own {number}")
        else:
            lines[at] += f" # trailing {number}"
    return "\n".join(lines)


@settings(max_examples=share(200))
@given(policies(), st.lists(st.integers(0, 200), max_size=6), st.booleans())
def test_formatting_keeps_meaning_and_comments_and_is_idempotent(
    policy: ref.Policy, places: list[int], spread: bool
) -> None:
    text = module_text(policy.root, root=True)
    if spread:
        text = text.replace(" except", "\n except").replace(", ", ",\n ").replace(" when", "\n   when")
    text = with_comments(text, places)
    file = parse(Source("x", text))
    assert not file.diagnostics
    once = format_file(file)
    again = parse(Source("x", once))
    assert not again.diagnostics
    assert format_file(again) == once, once + "=====" + format_file(again)
    assert Counter(c.text for c in again.comments) == Counter(c.text for c in file.comments)
    with tempfile.TemporaryDirectory() as folder:
        for name, other in files(policy).items():
            (Path(folder) / name).write_text(other)
        path = str(Path(folder) / f"{policy.root.name}.policy")
        digests = []
        for version in (text, once):
            try:
                digests.append(Policy.loads(version, path).digest)
            except PolicyError as error:
                assert {d.code for d in error.diagnostics} <= IMPOSSIBLE
                digests.append("none")
        assert digests[0] == digests[1]


@settings(max_examples=share(100))
@given(st.data())
def test_a_partly_known_resource_is_decided_at_least_as_strictly_as_each_member(data: st.DataObject) -> None:
    policy = data.draw(policies())
    loaded = load(policy)
    if loaded is None:
        return
    action = data.draw(st.sampled_from(["read", "write", "push", "call"]))
    sort = next(s for s, (actions, _, _) in SORTS.items() if action in actions)
    pattern = data.draw(SORTS[sort][1])
    whole = loaded.decide(action=action, resource=pattern, pattern=True, agent="codex")
    for _ in range(10):
        resource = data.draw(SORTS[sort][2])
        rule = ref.Rule("allow", [action], [pattern])
        if ref.matches(rule, pattern, ref.Request(action, resource)) == YES:
            member = loaded.decide(action=action, resource=resource, agent="codex")
            assert STRICT[whole.effect] >= STRICT[member.effect]


FUZZ = Policy.loads(
    """
policy "everything"
context { env: string }
allow read, write, delete "/", "./", "~/"
allow run "**"
allow connect "**:*"
allow push, force-push, delete-ref, merge "*:refs/**"
allow call, use, setenv, do "**"
deny connect GET "https://a.example/x/**"
ask-me-not: allow read "x"
""".replace("ask-me-not: allow", "rule plain: allow")
)


@settings(max_examples=600)
@given(
    st.sampled_from(ACTIONS),
    st.one_of(
        st.text(max_size=40),
        st.text("a./~:@[]%0x\\-+*{}\0\n", max_size=30),
        st.lists(st.text(max_size=8), max_size=4).map(tuple),
        st.binary(max_size=20).map(lambda b: b.decode("utf-8", "surrogateescape")),
    ),
    st.booleans(),
)
def test_whatever_is_asked_is_answered(action: str, resource: str | tuple[str, ...], pattern: bool) -> None:
    decision = FUZZ.decide_request(Request(action, resource, pattern=pattern, workspace="/w", home="/h", lexical=True))
    assert decision.effect in STRICT
    assert not any("PLI001" in reason for reason in decision.reasons)


@settings(max_examples=300)
@given(st.one_of(st.text(max_size=200), st.text('allow deny ask"{}#,*/\n=', max_size=120)))
def test_any_text_compiles_or_is_a_policy_error(text: str) -> None:
    try:
        Policy.loads(text)
    except PolicyError as error:
        assert error.diagnostics
        for found in error.diagnostics:
            assert found.code.startswith("PLE")
