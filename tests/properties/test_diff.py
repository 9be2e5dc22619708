"""The difference of two policy sets is exactly the requests that they decide differently."""

from __future__ import annotations

import ipaddress
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import note
from hypothesis import strategies as st

from policy_lang.analysis.diff import Diff, diff
from policy_lang.analysis.witness import Witness
from tests.lanes import PARTS, pick, run_part
from tests.promises import tried
from tests.reference import semantics as ref

from .strategies import SORTS, files, otherwise, policies, requests, rules
from .support import ask, load

GROUPS, PAIRS = pick(20, 20, 1_000), pick(400, 1_250, 125_000)
"""Groups of policies in a round, and the least pairs of a part."""
VARIANTS, REQUESTS = pick(5, 8, 8), 16
PLACES = [("/w", "/h"), ("/h/w", "/h"), ("/", "/h"), ("/h", "/h"), ("/w", "/w/h")]
_COUNT = {"pairs": 0, "same": 0, "rows": 0, "undecided": 0, "resolved": 0, "differences": 0, "bare": 0, "supposed": 0}


@st.composite
def changed(draw: Any, policy: ref.Policy) -> ref.Policy:
    """The policy after an edit or two: rules dropped, added, turned, their patterns moved, split or altered."""
    module = policy.root
    out = list(module.rules)
    for _ in range(draw(st.integers(0, 2))):
        kind = draw(st.sampled_from(["drop", "add", "effect", "glob", "split", "order", "exclude", "otherwise"]))
        at = draw(st.integers(0, max(0, len(out) - 1)))
        if kind == "otherwise":
            if not module.guardrail:
                module = ref.replace(module, otherwise=draw(st.lists(otherwise, max_size=2)))
            continue
        if kind == "add" or not out:
            out.append(draw(rules(guardrail=module.guardrail)))
            continue
        rule = out[at]
        if kind == "drop":
            out.pop(at)
        elif kind == "order":
            out.reverse()
        elif kind == "effect" and not rule.override and not module.guardrail:
            effect = draw(st.sampled_from(["allow", "deny", "ask"]))
            out[at] = ref.replace(rule, effect=effect, tier="review" if effect == "ask" else "", label="")
        elif kind == "glob":
            sort = next(s for s, (actions, _, _) in SORTS.items() if rule.actions[0] in actions)
            out[at] = ref.replace(rule, include=[draw(SORTS[sort][1])], label="")
        elif kind == "split" and len(rule.include) > 1:
            out[at : at + 1] = [ref.replace(rule, include=[p], label="") for p in rule.include]
        elif kind == "exclude":
            out[at] = ref.replace(rule, exclude=[], label="")
    root = ref.replace(module, rules=out)
    return ref.replace(policy, root=root)


def reference_request(witness: Witness) -> ref.Request:
    given = dict(witness.given)
    resource: Any = witness.resource
    if isinstance(resource, tuple):
        resource = list(resource)
    if witness.action in ref.PATHS:  # the reference knows no name of a root itself
        resource = {"~": witness.layout.home, ".": witness.layout.workspace}.get(str(resource), resource)
        resource = str(resource).removeprefix("./")
    if witness.action == "connect":
        scheme, _, rest = str(resource).rpartition("://")
        host = rest.partition("/")[0].strip("[]")
        resource = f"{host}:80" if scheme == "http" and ":" not in host else host
    return ref.Request(
        witness.action,
        resource,
        agent=given.pop("agent", None),  # type: ignore[arg-type]
        repo=given.pop("repo", None),  # type: ignore[arg-type]
        now=0.0,
        context={k: v for k, v in given.items() if v is not None and k in ("env", "ci", "level")},
        workspace=witness.layout.workspace,
        home=witness.layout.home,
        method=witness.method,
        confined=given.pop("confined", None) is True,
        versioned=given.pop("versioned", None) is True,
        destination=given.pop("for", None),  # type: ignore[arg-type]
        arguments=witness.arguments,
    )


def relation(old: tuple[str, set[str]], new: tuple[str, set[str]], policy: ref.Policy) -> set[str]:
    """How a request's two decisions differ."""
    if old[0] == "deny" or new[0] == "deny":
        return {"widened"} if new[0] != "deny" else {"narrowed"} if old[0] != "deny" else set()

    def covers(tiers: set[str], tier: str) -> bool:
        return any(tier == t or tier in ref.included(policy, t) for t in tiers)

    out = set()
    if any(not covers(new[1], t) for t in old[1]):
        out.add("lowered")
    if any(not covers(old[1], t) for t in new[1]):
        out.add("raised")
    return out


def opened(module: ref.Module) -> ref.Module:
    """The module with a grant of every connection, in all of its layers: what is denied then is denied by a rule."""
    every = ref.Rule("allow", ["connect"], ["**:*"])
    return ref.replace(module, rules=[*module.rules, every], ceilings=[opened(c) for c in module.ceilings])


def decided(policy: ref.Policy, request: ref.Request, addresses: tuple[str, ...]) -> tuple[str, set[str]]:
    """The reference's decision about a request, and about the addresses of its name: a public one must only not be denied."""
    each = [ref.decide(policy, request)]
    port = request.resource.partition(":")[2] if addresses else ""
    for address in addresses:
        assert ipaddress.ip_address(address).is_global
        there = ref.replace(request, resource=f"{address}:{port}" if port else address)
        each.append(ref.decide(ref.replace(policy, root=opened(policy.root)), there))
    effect = max((e for e, _ in each), key=["allow", "ask", "deny"].index)
    tiers: set[str] = set().union(*(t for _, t in each))
    return effect, ref.reduced(policy, tiers) if effect == "ask" else set()


def witnesses_hold(found: Diff, old: ref.Policy, new: ref.Policy) -> None:
    """Every row's witnesses, judged by the reference, which reads no scripts."""
    for row in found.rows:
        for witness in (row.proof, row.witness):
            request = reference_request(witness)
            if row.action != "run" or not isinstance(request.resource, str):
                both = [decided(p, request, witness.resolved) for p in (old, new)]
                _COUNT["resolved"] += bool(witness.resolved)
                holds = row.kind in relation(both[0], both[1], old)
                if row.action == "run" and not holds:  # what shows it may mean what another rule restricts
                    _COUNT["bare"] += 1
                    bare = [ref.decide(p, request, suppose=False) for p in (old, new)]
                    holds = row.kind in relation(bare[0], bare[1], old)
                assert holds, (row, both)


def only_supposed(kind: str, request: ref.Request, old: ref.Policy, new: ref.Policy) -> bool:
    """True of a command that differs only in what its words may mean, which is not compared (see exactness.md)."""
    bare = [ref.decide(p, request, suppose=False) for p in (old, new)]
    return request.action == "run" and kind not in relation(bare[0], bare[1], old)


@st.composite
def asked(draw: Any, variants: list[ref.Policy]) -> ref.Request:
    """A request that says where the workspace and the home are."""
    request = draw(requests(draw(st.sampled_from(variants))))
    if request.action in ref.PATHS:
        request.workspace, request.home = draw(st.sampled_from(PLACES))
    return request


def _exact(data: st.DataObject) -> None:
    base = data.draw(policies())
    variants = [base, *(data.draw(changed(base)) for _ in range(VARIANTS - 1))]
    loaded = [(v, e) for v in variants if (e := load(v)) is not None]
    wanted = [data.draw(asked(variants)) for _ in range(REQUESTS)]
    answers = [[(d.effect, set(d.tiers)) for d in (ask(e, r) for r in wanted)] for _, e in loaded]
    for (old, first), before in zip(loaded, answers, strict=True):
        for (new, second), after in zip(loaded, answers, strict=True):
            if old is new:
                continue
            found = diff(first._engine, second._engine, sample=False)  # the search alone
            _COUNT["pairs"] += 1
            _COUNT["same"] += found.same
            _COUNT["rows"] += len(found.rows)
            _COUNT["undecided"] += bool(found.undecided)
            assert {u.action for u in found.undecided} <= {"run", "connect"}, found.undecided
            witnesses_hold(found, old, new)
            known = {(r.kind, r.action) for r in found.rows} | {(u.kind, u.action) for u in found.undecided}
            for request, mine, theirs in zip(wanted, before, after, strict=True):
                for kind in relation(mine, theirs, base):
                    _COUNT["differences"] += 1
                    if (kind, request.action) not in known and only_supposed(kind, request, old, new):
                        _COUNT["supposed"] += 1
                        continue
                    if (kind, request.action) not in known:
                        for policy in (old, new):
                            note("\n".join(f"--- {n}\n{t}" for n, t in files(policy).items()))
                        note(f"missed: {kind} {request} {mine} {theirs}")
                    assert (kind, request.action) in known


@pytest.fixture
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this run, the same for all of its processes."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.mark.parametrize("part", PARTS)
def test_the_difference_is_exact(part: int, shared: Path) -> None:
    """One part; whoever ends last looks at what all together left undecided, as a few alike pairs of one group may fill a part."""
    _COUNT.update(dict.fromkeys(_COUNT, 0))
    run_part(part, _exact, GROUPS, lambda: _COUNT["pairs"] >= PAIRS)
    assert _COUNT["pairs"] >= PAIRS
    assert _COUNT["differences"] > _COUNT["pairs"] // 10
    tried("I2", 0, pairs_of_a_part=_COUNT["pairs"])
    (shared / f"diff-{part}.tmp").write_text(json.dumps(_COUNT))
    (shared / f"diff-{part}.tmp").replace(shared / f"diff-{part}.json")
    counts = [json.loads(path.read_text()) for path in shared.glob("diff-*.json")]
    if len(counts) == len(PARTS):
        assert sum(c["undecided"] for c in counts) <= sum(c["pairs"] for c in counts) // 20
        assert sum(c["bare"] for c in counts) <= sum(c["rows"] for c in counts) // 50
        assert sum(c["supposed"] for c in counts) <= sum(c["differences"] for c in counts) // 50


def _net(name: str, *rules: ref.Rule) -> ref.Policy:
    return ref.Policy(ref.Module(name, rules=list(rules)), {"review": []}, {})


def test_the_reference_judges_addresses_of_names_too() -> None:
    """Rules about addresses that only show by what a granted name resolves to: a denial, a question, each with another port."""
    grant = ref.Rule("allow", ["connect"], ["a.test", "a.test:8080"])
    others = [
        ref.Rule("deny", ["connect"], ["8.8.0.0/16"]),
        ref.Rule("deny", ["connect"], ["8.8.8.8:8080"]),
        ref.Rule("ask", ["connect"], ["9.9.9.0/24"], tier="review"),
    ]
    policies = [_net("n", grant), *(_net("n", grant, rule) for rule in others)]
    _COUNT["resolved"] = 0
    for old in policies:
        for new in policies:
            if old is not new:
                engines = [load(p) for p in (old, new)]
                assert engines[0] is not None
                assert engines[1] is not None
                found = diff(engines[0]._engine, engines[1]._engine)
                assert found.rows
                witnesses_hold(found, old, new)
    assert _COUNT["resolved"] > len(policies)
