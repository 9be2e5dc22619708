"""Requests that are tried one by one: they contradict a search that is wrong, and decide what it leaves open."""

from __future__ import annotations

import pytest

from policy_lang import Policy
from policy_lang.analysis.diff import diff
from policy_lang.analysis.facts import rule_facts
from policy_lang.analysis.prove import prove
from policy_lang.analysis.query import query
from policy_lang.analysis.search import Search
from policy_lang.automata.pattern import Pattern
from policy_lang.ir.patterns import compile_pattern

HEAD = 'policy "p"\n'
OLD = HEAD + 'allow run "kubectl get **"\n'
NEW = OLD + 'allow run "kubectl delete **" with "--all"\n'


@pytest.fixture
def blind(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search that never finds anything."""
    monkeypatch.setattr(Search, "run", lambda self, **_: iter(()))


@pytest.mark.usefixtures("blind")
def test_what_the_search_does_not_see_is_shown_as_a_difference() -> None:
    old, new = Policy.loads(OLD).engine, Policy.loads(NEW).engine
    assert diff(old, new, sample=False).same
    (row,) = diff(old, new).rows
    assert (row.kind, row.rule.line, row.side, row.proof.resource) == (
        "widened",
        3,
        "new",
        ("kubectl", "delete", "--all"),
    )
    assert [r.kind for r in diff(new, old).rows] == ["narrowed"]
    paths = [Policy.loads(HEAD + f'allow read "{p}/**"').engine for p in ("src", "docs")]
    assert {r.kind for r in diff(*paths).rows} == {"widened", "narrowed"}


@pytest.mark.usefixtures("blind")
def test_what_the_search_does_not_see_refutes_a_claim() -> None:
    claim = 'prove "c" { never allow run "kubectl delete **" }\n'
    proofs = prove(Policy.loads(NEW + claim).engine)
    assert all(p.verdict in {"refuted", "vacuous"} for p in proofs)


@pytest.mark.usefixtures("blind")
def test_what_the_search_does_not_see_is_an_answer() -> None:
    text = "kubectl delete **"
    wanted = Pattern("command", text, tuple(compile_pattern("command", text)))
    answer = query(Policy.loads(NEW).engine, ("run",), (wanted,))
    assert [(g.effect, g.rule.line) for g in answer.grants] == [("allow", 3)]


@pytest.mark.usefixtures("blind")
def test_a_rule_that_decides_a_request_is_not_called_dead() -> None:
    assert rule_facts(Policy.loads(NEW).engine).found == []


DECIDED = [
    ('allow run "git {status,diff} **"', 'allow run "git * **"', {"widened"}),
    ('allow run "git **" without "--force"', 'allow run "git **"', {"widened"}),
    ('allow run "zz **" without "-f"', 'allow run "zz b **"', {"widened", "narrowed"}),
    ('allow run "kubectl ** " without "--force"', 'allow run "kubectl **" without "--force" allow run "kubectl delete **"', {"widened"}),
    ('allow run "git push **" with "--force"', 'allow run "git push **" with "-f"', set()),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "kinds"), DECIDED)
def test_changes_of_options_are_decided(old: str, new: str, kinds: set[str]) -> None:
    found = diff(Policy.loads(HEAD + old).engine, Policy.loads(HEAD + new).engine)
    assert {r.kind for r in found.rows} == kinds
    assert not found.undecided
    assert all("" not in r.witness.resource for r in found.rows)


def test_which_programs_a_wildcard_stands_for_is_not_known() -> None:
    """No walk through commands ends there, so what the search leaves open stays so."""
    rule = ' allow run "* -f x" with "-f", "--x" without "-f"'  # in truth it matches nothing
    found = diff(Policy.loads(HEAD + 'allow run "ls"').engine, Policy.loads(HEAD + 'allow run "ls"' + rule).engine)
    assert found.undecided


@pytest.mark.usefixtures("blind")
def test_conditions_are_tried_together() -> None:
    """What differs only where two attributes are both not their first values is found by requests alone."""
    head = HEAD + 'context { a: bool  b: "x" | "y" }\n'
    old, new = (Policy.loads(head + t).engine for t in ("", 'allow run "zz **" with "-f" when not a and b == "y"'))
    (row,) = diff(old, new).rows
    assert {k: row.proof.given.get(k) for k in ("a", "b")} == {"a": False, "b": "y"}


TIERS = HEAD + 'tier review { approvers "@p" }\ntier security { approvers "@s" includes review }\n'


@pytest.mark.parametrize(
    ("old", "new", "kinds"),
    [
        (['allow run "git {push,log} **"'], ['allow run "git * **"'], {"widened"}),
        (  # commands that cannot be read are walked through as well, where some rule grants them
            ['allow run "terraform **", opaque', 'ask review run "terraform {apply,plan} -target -target"'],
            ['allow run "terraform **", opaque', 'ask review run "terraform {apply,plan} -target -target"',
             'allow run "terraform apply tf.plan -auto-approve **" with "-target", "-auto-approve"'],
            set(),
        ),
        (  # what a rule can no longer match, or an option rules out, does not tell commands apart
            ['allow run "zz a **"', 'deny run "zz" with "--x", "-f"'],
            ['allow run "zz a **"', 'allow run "zz m* **" without "-f", "--x"', 'deny run "zz b -f **"'],
            {"widened"},
        ),
    ],
)  # fmt: skip
def test_what_the_search_leaves_open_is_decided_by_walking_through(
    old: list[str], new: list[str], kinds: set[str]
) -> None:
    before, after = (Policy.loads(TIERS + "\n".join(rules)).engine for rules in (old, new))
    assert diff(before, after, sample=False).undecided
    found = diff(before, after)
    assert {r.kind for r in found.rows} == kinds
    assert not found.undecided
