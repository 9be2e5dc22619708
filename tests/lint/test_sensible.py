"""Sixty policies as teams write them: what the linter says of them, each of it right, and nothing that nobody judged."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomli

from policy_lang.lint.linter import Options, lint
from tests.lanes import DEEP
from tests.lint.support import TODAY

FOLDER = Path(__file__).parent / "sensible"
EXPECTED: dict[str, list[str]] = tomli.loads((FOLDER / "expected.toml").read_text())
POLICIES = sorted(FOLDER.glob("*.policy"))
QUIET = {"wiki", "frontend-tests", "dependency-updater"}
TRIED = [p for p in POLICIES if DEEP or p.stem in EXPECTED or p.stem in QUIET]
"""By day those with findings, and some that are quiet: of what the linter could say of these little is true."""


@pytest.mark.parametrize("path", TRIED, ids=lambda p: p.stem)
def test_what_is_said_above_a_note(path: Path) -> None:
    found = [f for f in lint(str(path), Options(today=TODAY)).findings if f.severity != "info"]
    assert [f"{f.code}: {f.message}" for f in found] == EXPECTED.get(path.stem, [])


def test_they_are_all_there() -> None:
    assert len(POLICIES) >= 60
    assert set(EXPECTED) <= {p.stem for p in POLICIES}
