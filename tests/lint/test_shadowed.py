"""SEM001 says which rule takes a grant away, and deletes nothing that a rule of somebody else stands against."""

from __future__ import annotations

from pathlib import Path

import pytest

from policy_lang.lint.finding import Finding
from policy_lang.lint.linter import Options, lint

CASES = [
    ('deny write "src/**" allow write "src/app.ts"', "everything it grants is denied", True),
    ('import std.baseline allow connect "*.acme.internal"', "import std.baseline without private-ranges", False),
    ('allow write ".git/hooks/x"', "override protected", False),
]


def shadowed(folder: Path, text: str) -> list[Finding]:
    path = folder / "p.policy"
    path.write_text(f'policy "p"\n{text}\n')
    return [f for f in lint(str(path), Options()).findings if f.code == "SEM001"]


@pytest.mark.parametrize(("text", "says", "fixed"), CASES)
def test_the_reason_is_named(tmp_path: Path, text: str, says: str, fixed: bool) -> None:
    (found,) = shadowed(tmp_path, text)
    assert says in found.message
    assert bool(found.fixes) == fixed


def test_a_grant_with_an_option_is_no_shadow(tmp_path: Path) -> None:
    assert shadowed(tmp_path, 'allow run "ls" allow run "zz **" with "--x"') == []
