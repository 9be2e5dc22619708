"""The clients themselves, asked again what `tests/foreign/answered_by_CLIENT.jsonl` says that they answered."""

from __future__ import annotations

import shutil

import pytest

from tests.foreign.answered import CLIENTS, Case, cases, version

from .answers import asked_again
from .answers import version as installed


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap")
@pytest.mark.parametrize(
    ("client", "case"),
    [pytest.param(client, one, id=f"{client}: {one.name}") for client in CLIENTS for one in cases(client)],
)
def test_it_answers_as_it_is_recorded(client: str, case: Case) -> None:
    if (found := installed(client)) is None:
        pytest.skip(f"{client} is not installed; `scripts/agents.sh` does it")
    new = asked_again(client, case)
    differ = [(old, now[1]) for old, now in zip(case.answers, new.answers, strict=True) if old != now]
    assert differ == [], f"{version(client)} answered otherwise than {found}: `python -m tests.agents.answers {client}`"
    assert new.by_itself == case.by_itself
