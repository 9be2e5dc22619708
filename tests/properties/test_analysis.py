"""Facts, proofs and answers hold for every request: dropping what does nothing changes nothing, what is proved stays."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

from hypothesis import given, note, settings
from hypothesis import strategies as st

from policy_lang import Policy, PolicyError, Request
from policy_lang.analysis.diff import diff
from policy_lang.analysis.facts import rule_facts
from policy_lang.analysis.prove import prove
from policy_lang.analysis.query import query
from policy_lang.automata.budget import Budget
from policy_lang.automata.choose import choose, exact_glob
from policy_lang.automata.glob import Glob
from policy_lang.domain.errors import SearchLimitError
from policy_lang.ir.sorts.path import PATHS
from tests.lanes import share
from tests.reference import semantics as ref
from tests.reference.patterns import YES

from .strategies import AGENTS, SORTS, files, module_text, policies, requests
from .support import IMPOSSIBLE, ask, load
from .test_diff import PLACES, reference_request

TEXTS = ["".join(t) for n in range(4) for t in itertools.product("ab.", repeat=n)]
globs = st.lists(st.sampled_from(["a", "b", ".", "*", "?", "[ab]", "[!a]"]), min_size=1, max_size=4).map("".join)


@settings(max_examples=share(400, 20_000), deadline=None)
@given(
    st.frozensets(globs, max_size=2),
    st.frozensets(globs, max_size=4),
    st.frozensets(globs, max_size=2),
    st.frozensets(st.sampled_from(TEXTS), max_size=6),
    st.dictionaries(st.sampled_from(TEXTS), st.integers(0, 2), max_size=4),
    st.integers(1, 3),
)
def test_no_segment_beats_those_that_are_chosen(
    wanted: frozenset[str],
    bad: frozenset[str],
    good: frozenset[str],
    named: frozenset[str],
    liked: dict[str, int],
    groups: int,
) -> None:
    wants = frozenset(Glob(g) for g in wanted if "**" not in g)
    against = frozenset[str | Glob]([*(Glob(g) for g in bad if "**" not in g), *(n for n in named if n)])
    likes: dict[str | Glob, int] = {Glob(g): i % groups for i, g in enumerate(sorted(good)) if "**" not in g}
    likes |= {text: group for text, group in liked.items() if text}
    chosen = choose(wants, against, likes, PATHS, (), Budget())
    assert chosen == choose(wants, against, likes, PATHS, (), Budget())
    for text in chosen:
        assert PATHS.admits(text)
        assert all(g.matches(text) for g in wants)
    kinds = [(_met(against, t), {likes[x] for x in _met(likes, t)}) for t in chosen]
    for text in (t for t in TEXTS if PATHS.admits(t) and all(g.matches(t) for g in wants)):
        met, kept = _met(against, text), {likes[x] for x in _met(likes, text)}
        assert any(m <= met and k >= kept for m, k in kinds), text
    assert exact_glob("a*[").matches("a*[")


def _met(labels: Iterable[str | Glob], text: str) -> set[str | Glob]:
    return {x for x in labels if (x.matches(text) if isinstance(x, Glob) else x == text)}


def _dropped(policy: ref.Policy, place: int) -> ref.Policy:
    root = policy.root
    return ref.replace(policy, root=ref.replace(root, rules=[r for i, r in enumerate(root.rules) if i != place]))


@settings(max_examples=share(120, 4_000), deadline=None)
@given(st.data())
def test_a_rule_that_does_nothing_can_go(data: st.DataObject) -> None:
    policy = data.draw(policies())
    loaded = load(policy)
    if loaded is None:
        return
    facts = rule_facts(loaded.engine)
    note("\n".join(f"--- {n}\n{t}" for n, t in files(policy).items()))
    text = module_text(policy.root, root=True).splitlines()
    first = len(text) - len(policy.root.rules) - len(policy.root.otherwise)
    for fact in facts.found:
        place = fact.rule.line - 1 - first
        if fact.kind in {"useless-exception", "contradiction"} or not fact.rule.file.endswith(
            f"{policy.root.name}.policy"
        ):
            continue
        other = load(_dropped(policy, place))
        if other is None:
            continue
        found = diff(loaded.engine, other.engine)
        note(f"{fact} {found}")
        assert not found.rows
        assert all(u.action in {"run", "connect"} for u in found.undecided)


CLAIMS = ["never allow", "always deny", "always ask review", "always ask security", 'only "codex" may']


@settings(max_examples=share(250, 10_000), deadline=None)
@given(st.data())
def test_what_is_proved_no_request_breaks_and_what_is_refuted_one_does(data: st.DataObject) -> None:
    policy = data.draw(policies())
    sort = data.draw(st.sampled_from([s for s in SORTS if s != "run"]))
    actions, patterns, _ = SORTS[sort]
    claim, action, pattern = (
        data.draw(st.sampled_from(CLAIMS)),
        data.draw(st.sampled_from(actions)),
        data.draw(patterns),
    )
    as_agent = data.draw(st.sampled_from([None, *AGENTS]))
    text = f'prove "p" {f"as {chr(34)}{as_agent}{chr(34)}" if as_agent else ""} {{ {claim} {action} "{pattern}" }}'
    if load(policy) is None:
        return
    loaded = load(policy, text)
    if loaded is None:
        return
    (proof,) = prove(loaded.engine)
    note("\n".join(f"--- {n}\n{t}" for n, t in files(policy).items()) + text + f"\n{proof}")

    def broken(request: ref.Request, decided: tuple[str, set[str]]) -> bool:
        meant = ref.matches(ref.Rule("deny", [action], [pattern]), pattern, request) == YES
        if not meant or request.action != action or (as_agent and request.agent != as_agent):
            return False
        effect, tiers = decided
        if claim == "never allow":
            return effect == "allow"
        if claim.startswith("always ask"):
            tier = claim.split()[-1]
            return effect != "deny" and not any(tier == t or tier in ref.included(policy, t) for t in tiers)
        return effect != "deny" and (claim == "always deny" or request.agent != "codex")

    assert proof.verdict in {"proved", "refuted", "vacuous"}
    if proof.witness is not None:
        request = reference_request(proof.witness)
        assert broken(request, ref.decide(policy, request))
        return
    for _ in range(12):
        request = data.draw(requests(policy))
        if request.action in ref.PATHS:
            request.workspace, request.home = data.draw(st.sampled_from(PLACES))
        decision = ask(loaded, request)
        assert not broken(request, (decision.effect, set(decision.tiers)))


@settings(max_examples=share(120, 4_000), deadline=None)
@given(st.data())
def test_whatever_is_granted_is_in_the_answer(data: st.DataObject) -> None:
    policy = data.draw(policies())
    loaded = load(policy)
    if loaded is None:
        return
    request = data.draw(requests(policy))
    if request.action in ref.PATHS:
        request.workspace, request.home = data.draw(st.sampled_from(PLACES))
    decision = ask(loaded, request)
    answer = query(loaded.engine, (request.action,), (), request.agent)
    if decision.effect != "deny" and request.agent is not None and not answer.undecided:
        # the rules that grant it in the policy's own layer are among those listed for that effect
        assert any(g.effect == decision.effect for g in answer.grants)
    for grant in answer.grants:
        if not (grant.action == "run" and isinstance(grant.witness.resource, str)):
            effect, tiers = ref.decide(policy, reference_request(grant.witness))
            assert (effect, tuple(sorted(tiers))) == (grant.effect, grant.tiers)


PROGRAMS = ["git", "python3", "npm", "tool", "{git,tool}", "*"]
PARTS = ["push", "status", "-c *", "--force", "-f", "origin", "*", "**", "-C *", "install", "-m *", "x", "run *"]
GIVEN = [
    "push",
    "status",
    "-c",
    "x=y",
    "--force",
    "-f",
    "-fu",
    "origin",
    "-C",
    "app",
    "install",
    "-m",
    "x",
    "run",
    "--",
    "print(1)",
]


@st.composite
def command_rule(draw: Any) -> str:
    effect = draw(st.sampled_from(["allow", "allow", "allow", "ask review", "deny", "deny"]))

    def pattern() -> str:
        words = [draw(st.sampled_from(PROGRAMS)), *draw(st.lists(st.sampled_from(PARTS), max_size=3))]
        if words.count("**") > 1:
            words = [w for w in words if w != "**"] + ["**"]
        return " ".join(words)

    text = f'{effect} run "{pattern()}"'
    if draw(st.integers(0, 4)) == 0:
        text += f' except "{pattern()}"'
    if draw(st.integers(0, 3)) == 0:
        text += draw(st.sampled_from([' with "--force"', ' without "--force"', ' with "-f", "-m"', ' without "-c"']))
    return text


@settings(max_examples=share(500, 20_000), deadline=None)
@given(st.data())
def test_commands_of_real_programs_differ_only_where_the_difference_says_so(data: st.DataObject) -> None:
    head = 'policy "p"\ntier review { approvers "@x" }\n'
    rules = data.draw(st.lists(command_rule(), min_size=1, max_size=4))
    changed = [r for r in rules if data.draw(st.integers(0, 3))] + data.draw(st.lists(command_rule(), max_size=1))
    try:
        old, new = Policy.loads(head + "\n".join(rules)), Policy.loads(head + "\n".join(changed))
    except PolicyError as error:
        assert {d.code for d in error.diagnostics} <= IMPOSSIBLE | {"PLE401"}
        return
    found = diff(old.engine, new.engine)
    note(f"{rules}\n{changed}\n{found}")
    known = {r.kind for r in found.rows} | {u.kind for u in found.undecided}
    for _ in range(12):
        program = data.draw(st.sampled_from(["git", "python3", "npm", "tool"]))
        words = (program, *data.draw(st.lists(st.sampled_from(GIVEN), max_size=4)))
        request = Request("run", words, workspace="/w", home="/h", lexical=True)
        runs = [[e for e in p.decide_request(request).effects if e.action == "run"] for p in (old, new)]
        pairs = list(zip(*([e.verdict for e in run if not e.supposed] for run in runs), strict=True))
        # what a command has in some reading only is shown where something restricts it
        first, second = ({e.resource: e.verdict for e in run if e.supposed} for run in runs)
        pairs += [(first[resource], second[resource]) for resource in first.keys() & second.keys()]
        for before, after in pairs:
            if before.effect == "deny" != after.effect:
                assert "widened" in known, words
            elif after.effect == "deny" != before.effect:
                assert "narrowed" in known, words
            elif before.tiers != after.tiers:
                assert known & {"lowered", "raised"}, words


def test_the_budget_ends_every_search() -> None:
    try:
        choose(frozenset({Glob("*a?b*")}), frozenset({Glob("*b?a*")}), {Glob("*a*"): 0}, PATHS, (), _Spent())
    except SearchLimitError:
        return
    raise AssertionError


class _Spent(Budget):
    def __init__(self) -> None:
        super().__init__()
        self.left = 3
