"""Claude Code itself, asked again what `tests/foreign/answered_by_claude.jsonl` says that it answered."""

from __future__ import annotations

import shutil

import pytest

from tests.foreign.answered import Case, cases, version

from .__main__ import version as version_of
from .claude_answers import asked_again
from .test_real_clients import found


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap")
@pytest.mark.parametrize("case", [pytest.param(one, id=one.name) for one in cases()])
def test_it_answers_as_it_is_recorded(case: Case) -> None:
    program = found("claude")
    if program is None:
        pytest.skip("claude is not installed; `scripts/agents.sh` does it")
    new = asked_again(case, program)
    differ = [(old, now[1]) for old, now in zip(case.answers, new.answers, strict=True) if old != now]
    assert differ == [], (
        f"{version()} answered otherwise than {version_of(program)}: `python -m tests.agents.claude_answers`"
    )
