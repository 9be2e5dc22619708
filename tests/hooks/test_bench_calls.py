"""The bench's calls of a task are what the clients' hooks understand: each meets the grant that is about it, and no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.calling import answers
from policy_lang import __version__
from policy_lang.compiler.binary import compile_binary
from policy_lang.pep.clients import NAMES

from .support import workspace

GRANTS = {
    "run git status && echo a\\nb": 'allow run "git status", "echo **", "b"',
    "read src/app.ts": 'allow read "src/app.ts"',
    "read ~/notes.txt": 'allow read "~/notes.txt"',
    "write src/app.ts": 'allow write "src/app.ts"',
    "write src/new.ts": 'allow write "src/new.ts"',
    "connect https://docs.example/a GET": 'allow connect GET "docs.example"',
    "call github.get_issue": 'allow call "github.get_issue"',
}
BASE = 'policy "p"\nallow run "cat *", "curl -sL *"\nallow do "cursor.TodoWrite"\n'


@pytest.mark.parametrize("left_out", [None, *GRANTS])
def test_a_call_meets_its_grant(left_out: str | None, tmp_path: Path) -> None:
    grants = [rule for line, rule in GRANTS.items() if line != left_out]
    ws = workspace(tmp_path, BASE + "\n".join(grants) + "\n")
    (tmp_path / "home").mkdir()
    (tmp_path / "p.plc").write_bytes(compile_binary(str(tmp_path / "p.policy"), __version__))
    found = answers([*GRANTS, "do claude.TodoWrite"], tmp_path / "p.plc", ws, tmp_path / "home")
    assert list(found) == list(NAMES)
    for client, said in found.items():
        assert [line for line, effect in said if effect != "allow"] == ([left_out] if left_out else []), client
