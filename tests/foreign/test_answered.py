"""The model of Claude Code against its own answers: never wider, and mostly the same."""

from __future__ import annotations

import pytest

from policy_lang.domain.actions import ALLOW, DENY
from policy_lang.foreign.compare import decided, imported
from policy_lang.foreign.formats import format_named
from policy_lang.foreign.permissions import STRICTNESS

from .answered import Case, cases

BROKEN = {"claude-04"}
"""No JSON: nothing of it holds, and ours is refused with its place."""
CASES = [one for one in cases() if one.name not in BROKEN]
SAME = 1501
"""Of 1626 answers; in the others the model is stricter: what is expanded, and programs that only read."""
UNREAD = 55
"""Commands that are asked about for the way they are written (`(ls)`, `ls &`, `/bin/ls`), where a policy decides by what
runs, and two that look at a denied file without reading it, which are denied there and asked about here."""


@pytest.mark.parametrize("case", [pytest.param(one, id=one.name) for one in CASES])
def test_the_model_is_never_wider_than_the_client(case: Case) -> None:
    model = format_named("claude").read(case.sources).model
    wrong = [(asked, answer, model(asked)) for asked, answer in case.answers]
    assert [one for one in wrong if STRICTNESS[one[2]] < STRICTNESS[one[1]]] == []


def test_the_model_mostly_answers_as_the_client() -> None:
    models = [(format_named("claude").read(case.sources).model, case) for case in CASES]
    same = [model(asked) == answer for model, case in models for asked, answer in case.answers]
    assert sum(same) >= SAME, (sum(same), len(same))


def test_the_policy_is_wider_only_in_what_it_reads_better() -> None:
    wider = []
    for case in CASES:
        made = imported(format_named("claude").read(case.sources), "imported").translated.policy
        effects = [(asked, answer, decided(made, asked).effect) for asked, answer in case.answers]
        wider += [one for one in effects if STRICTNESS[one[2]] < STRICTNESS[one[1]]]
    assert len(wider) <= UNREAD, wider
    assert [one for one in wider if one[0].action != "run" or (one[1], one[2]) == (DENY, ALLOW)] == []
