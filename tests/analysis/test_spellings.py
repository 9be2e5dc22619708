"""Proofs and differences know that a restriction holds in every spelling of its program, and in no other."""

from __future__ import annotations

import pytest

from policy_lang import Policy
from policy_lang.analysis.diff import diff
from policy_lang.analysis.prove import PROVED, REFUTED, prove
from policy_lang.analysis.query import query
from policy_lang.automata.pattern import Pattern
from policy_lang.ir.patterns import compile_pattern

GRANTS = """
policy "p"
tier review { approvers "@team" }
allow run "{curl,rm,git,tool,kubectl,helm} **"
allow connect "**"
allow read, write, delete "./"
"""


@pytest.mark.parametrize(
    ("rule", "claim", "verdict"),
    [
        ('"curl -X DELETE **"', '"curl --request=DELETE **"', PROVED),
        ('"curl -X DELETE **"', '"curl -XPUT **"', REFUTED),
        ('"curl **" with "-X"', '"curl -X DELETE **"', PROVED),
        ('"curl **" with "--request=DELETE"', '"curl -X DELETE **"', PROVED),
        ('"curl **" with "--request=DELETE"', '"curl -X PUT **"', REFUTED),
        ('"rm -rf **"', '"rm -fr **"', PROVED), ('"rm -r -f **"', '"rm -rf **"', PROVED),
        ('"rm **" with "-rf"', '"rm --recursive --force **"', PROVED), ('"rm -rf **"', '"rm -r **"', REFUTED),
        ('"helm uninstall **"', '"helm delete **"', PROVED), ('"helm delete **"', '"helm list **"', REFUTED),
        ('"kubectl -n prod **"', '"kubectl --namespace=prod delete **"', PROVED),
        ('"kubectl -n prod delete **"', '"kubectl -n prod **"', REFUTED),
        ('"tool --env prod **"', '"tool --env=prod **"', PROVED), ('"tool --env prod **"', '"tool --env x **"', REFUTED),
        ('"git -p log **"', '"git --paginate log **"', PROVED), ('"git push --force* **"', '"git push -f **"', PROVED),
    ],
)  # fmt: skip
def test_a_claim_is_about_every_spelling(rule: str, claim: str, verdict: str) -> None:
    policy = Policy.loads(f'{GRANTS}deny run {rule}\nprove "x" {{ always deny run {claim} }}\n')
    (found,) = prove(policy.engine)
    assert found.verdict == verdict, found


@pytest.mark.parametrize(
    ("old", "new", "widened"),
    [
        ('deny run "rm -rf **"', 'deny run "rm -fr **"', False),
        ('deny run "rm -rf **"', 'deny run "rm **" with "-rf"', False),
        ('deny run "rm -r **"', 'deny run "rm -rf **"', True),
        ('deny run "curl -X DELETE **"', 'deny run "curl -X PUT **"', True),
        ('deny run "curl **" with "-X"', 'deny run "curl **" with "-X=DELETE"', True),
        ('allow run "bash a/*"', 'allow run "bash a/*", "bash a/../x"', True),
    ],
)
def test_a_difference_is_one_of_meaning(old: str, new: str, widened: bool) -> None:
    found = diff(Policy.loads(GRANTS + old).engine, Policy.loads(GRANTS + new).engine)
    assert bool([r for r in found.rows if r.kind == "widened"]) is widened
    assert not found.undecided


@pytest.mark.parametrize(
    ("old", "new", "kinds"),
    [
        # what an `ask` grants by the words without options needs no option named, as what is allowed does
        (['allow run "npm **"'], ['allow run "npm **"', 'ask review run "npm **"'], {"widened", "raised"}),
        (['ask review run "docker **"', 'allow run "docker **"'], ['allow run "docker **"'], {"narrowed", "lowered"}),
        (['allow run "* **"'], ['allow run "* **"', 'ask review run "* **"'], {"widened", "raised"}),
    ],
)  # fmt: skip
def test_the_search_alone_sees_every_kind_of_difference(old: list[str], new: list[str], kinds: set[str]) -> None:
    head = 'policy "p"\ntier review { approvers "@team" }\n'
    engines = [Policy.loads(head + "\n".join(rules)).engine for rules in (old, new)]
    found = diff(*engines, sample=False)
    assert {r.kind for r in found.rows} == kinds
    assert not found.undecided


@pytest.mark.parametrize(
    ("rules", "claim", "verdict"),
    [
        ('allow run "git **"', "never allow run opaque", PROVED), ("allow run opaque", "never allow run opaque", REFUTED),
        ("ask review run opaque", "never allow run opaque", PROVED),
        ("ask review run opaque", "always deny run opaque", REFUTED),
        ("ask review run opaque", "always ask review run opaque", PROVED),
        ('allow run opaque deny run "rm **"', "always deny run opaque", PROVED),  # it may be `rm`
        ('allow run opaque deny run "rm **" except opaque', "always deny run opaque", REFUTED),
    ],
)  # fmt: skip
def test_a_claim_may_be_about_commands_that_cannot_be_read(rules: str, claim: str, verdict: str) -> None:
    head = 'policy "p"\ntier review { approvers "@team" }\n'
    (found,) = prove(Policy.loads(f'{head}{rules}\nprove "x" {{ {claim} }}\n').engine)
    assert found.verdict == verdict, found


@pytest.mark.parametrize("asked", ["npm pub", "npm publish"])
@pytest.mark.parametrize(("rule", "command"), [("publish **", ("npm", "publish")), ("pub", ("npm", "pub"))])
def test_an_answer_is_about_every_name_of_a_sub_command(rule: str, command: tuple[str, ...], asked: str) -> None:
    engine = Policy.loads(f'policy "p"\nallow run "npm {rule}"\n').engine
    wanted = Pattern("command", asked, tuple(compile_pattern("command", asked)))
    (grant,) = query(engine, ("run",), (wanted,)).grants
    assert grant.witness.resource == command
