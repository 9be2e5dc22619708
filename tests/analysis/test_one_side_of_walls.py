"""Differences, proofs and answers say when they hold behind walls alone, or outside them alone."""

from __future__ import annotations

import pytest

from policy_lang import Policy
from policy_lang.analysis.diff import diff
from policy_lang.analysis.prove import prove
from policy_lang.analysis.query import query
from policy_lang.report.answers import render_grants, render_summary, render_who
from policy_lang.report.differences import render_diff, render_proofs, row_text
from policy_lang.wire.analysis import answer_json, diff_json, proof_json

INSIDE, OUTSIDE = "confined", "not confined"


def _diff(old: str, new: str) -> list[str]:
    found = diff(*(Policy.loads(f'policy "p"\n{text}\n').engine for text in (old, new)))
    assert [row.get("only_when", "") for row in diff_json(found)["rows"]] == [row.only for row in found.rows]
    for row in found.rows:
        assert (f"(only when {row.only})" in row_text(row)) is bool(row.only)
        assert (f"only when {row.only}" in render_diff(found, ("a", "b"))) is bool(row.only)
    return [row.only for row in found.rows]


READS = 'allow read "./"'


@pytest.mark.parametrize(
    ("old", "new", "only"),
    [
        (READS, f'{READS}\nallow run "make" when confined', [INSIDE]),
        (f'{READS}\nallow run "make" when confined', READS, [INSIDE]),
        (READS, f'{READS}\nallow write "a" when not confined', [OUTSIDE]),
        ('allow run "make"', 'allow run "make" when confined', [OUTSIDE]),
        ('allow write "a"', 'allow write "a"\ndeny write "a" when confined', [INSIDE]),
        ('allow write "a" when confined', 'allow write "a"', [OUTSIDE]),
        (READS, f'{READS}\nallow run "make" when confined and branch == "x"', [INSIDE]),
        (READS, f'{READS}\nallow run "make"', [""]),
        (READS, f'{READS}\nallow run "make" when confined or not confined', [""]),
        (READS, f'{READS}\nallow write "a" when branch == "x"', [""]),
        ('allow write "a" when confined', 'allow write "a" when not not confined', []),
        ('allow connect "a.example"', 'allow connect "a.example" when confined', [OUTSIDE]),
    ],
)
def test_a_difference_on_one_side_says_so(old: str, new: str, only: list[str]) -> None:
    assert _diff(old, new) == only


@pytest.mark.parametrize(
    ("rule", "only"),
    [
        ('allow write "a" when confined', INSIDE),
        ('allow write "a" when not confined', OUTSIDE),
        ('allow write "a"', ""),
        ('allow write "a" when confined or not confined', ""),
        ('allow write "a"\ndeny write "a" when not confined', INSIDE),
    ],
)
def test_a_refutation_on_one_side_says_so(rule: str, only: str) -> None:
    text = f'policy "p"\n{rule}\nprove "never" {{ never allow write "**" }}\n'
    (proof,) = prove(Policy.loads(text).engine)
    assert (proof.verdict, proof.only) == ("refuted", only)
    assert proof_json(proof).get("only_when", "") == proof.only
    assert ("only when" in render_proofs([proof])) is bool(proof.only)


def test_a_claim_about_one_side_is_proved_there() -> None:
    text = (
        'policy "p"\nallow write "a" when confined\n'
        'prove "outside" when not confined { never allow write "**" }\nprove "inside" when confined { never allow write "b" }\n'
    )
    assert [p.verdict for p in prove(Policy.loads(text).engine)] == ["proved", "proved"]


@pytest.mark.parametrize(
    ("condition", "only"),
    [
        (" when confined", INSIDE),
        (" when not confined", OUTSIDE),
        ("", ""),
        (' when confined and branch == "x"', INSIDE),
        (' when confined or branch == "x"', ""),
        (" when confined or not confined", ""),
        (" when not (not confined)", INSIDE),
    ],
)
def test_a_grant_on_one_side_says_so(condition: str, only: str) -> None:
    answer = query(Policy.loads(f'policy "p"\nallow write "a"{condition}\n').engine, ("write",))
    assert [g.only for g in answer.grants] == [only]
    assert [g.get("only_when", "") for g in answer_json(answer)["grants"]] == [only]
    for render in (render_grants, render_who, render_summary):
        assert (f", only when {only}" in render(answer)) is bool(only)
