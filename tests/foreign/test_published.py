"""Published permission files: the models answer as the clients do, and what is imported permits no more."""

from __future__ import annotations

import pytest

from policy_lang.domain.errors import PolicyError
from policy_lang.foreign.compare import decided, imported
from policy_lang.foreign.permissions import STRICTNESS, UNSAID, ClientRequest

from .fixtures import Fixture, fixtures

BROKEN = {"claude-04", "codex-rules-02"}
"""What their clients do not read either; ours says where."""
FIXTURES = [pytest.param(one, id=one.name) for one in fixtures() if one.name not in BROKEN]


@pytest.mark.parametrize("fixture", [pytest.param(one, id=one.name) for one in fixtures() if one.name in BROKEN])
def test_a_broken_file_is_refused_with_its_place(fixture: Fixture) -> None:
    with pytest.raises(PolicyError) as caught:
        fixture.kind.read(fixture.sources)
    assert caught.value.diagnostics[0].code == "PLE601"
    assert caught.value.diagnostics[0].span is not None


@pytest.mark.parametrize("fixture", FIXTURES)
def test_the_model_answers_as_the_client(fixture: Fixture) -> None:
    model = fixture.kind.read(fixture.sources).model
    wrong = [(a.asked, a.original, model(a.asked), a.why) for a in fixture.answers if a.sure]
    assert [one for one in wrong if one[1] != one[2]] == []


@pytest.mark.parametrize("fixture", FIXTURES)
def test_the_policy_permits_no_more(fixture: Fixture) -> None:
    made = imported(fixture.kind.read(fixture.sources), "imported")
    confined = made.translated.permissions.confined
    answers = [
        (a.asked, a.original, decided(made.translated.policy, a.asked, confined=confined).effect, a.why)
        for a in fixture.answers
        if a.sure and not a.same
    ]
    said = {outcome.entry.text for outcome in made.outcomes if outcome.fit != UNSAID}
    assert said or not made.outcomes
    assert [one for one in answers if STRICTNESS[one[2]] < STRICTNESS[one[1]]] == []


@pytest.mark.parametrize("fixture", [one for one in FIXTURES if any(a.same for a in one.values[0].answers)])  # type: ignore[attr-defined]
def test_a_command_in_another_spelling_is_the_same_command(fixture: Fixture) -> None:
    read = fixture.kind.read(fixture.sources)
    policy = imported(read, "imported").translated.policy
    for answer in fixture.answers:
        if answer.same:
            same = ClientRequest(answer.asked.action, answer.same)
            assert decided(policy, answer.asked).effect == decided(policy, same).effect
            assert STRICTNESS[decided(policy, same).effect] >= STRICTNESS[read.model(same)]
