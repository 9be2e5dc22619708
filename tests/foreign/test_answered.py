"""The model of Claude Code against its own answers: never wider, and mostly the same."""

from __future__ import annotations

import pytest

from policy_lang.foreign.compare import decided, imported
from policy_lang.foreign.formats import format_named
from policy_lang.foreign.permissions import STRICTNESS

from .answered import Case, cases

BROKEN = {"claude-04"}
"""No JSON: nothing of it holds, and ours is refused with its place."""
CASES = [one for one in cases() if one.name not in BROKEN]
SAME = 1418
"""Of 1544 answers; in the others the model is stricter: what is expanded, and programs that only read."""
UNREAD = 68
"""Commands that are asked about for the way they are written (`(ls)`, `ls &`, `/bin/ls`, `env ls`), where a policy
decides by what runs. What is read, written, fetched and called is never among them, but for a path below a file."""


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
        wider += [
            asked for asked, answer in case.answers if STRICTNESS[decided(made, asked).effect] < STRICTNESS[answer]
        ]
    assert len(wider) <= UNREAD, wider
    assert [one.resource for one in wider if one.action != "run"] == ["conf/local.ini/x"]
